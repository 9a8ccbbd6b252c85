//! A layer that does to each call what a policy says.
//!
//! The policy is asked once for each call, before it happens, and answers with one [`Verdict`]. The layer carries the
//! verdict out on whichever method was called, uploads in parts included: their start, each part, their completion and
//! their abort are calls of their own.

mod answer;
mod history;
mod late;
mod store;
mod upload;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::client::{HttpError, HttpErrorKind};
use object_store::path::Path;
use serde::{Deserialize, Serialize};

use self::history::History;
pub use self::late::LateCall;
use self::store::FaultStore;
use super::classify::{Call, Realm};
use super::http::UnhappyResponse;
use super::layer::StoreLayer;

/// Decides what happens to each call. Must be quick, and must not call the store.
pub trait FaultPolicy: fmt::Debug + Send + Sync {
    /// The verdict on one call, asked exactly once, before the call happens.
    fn verdict(&self, call: &Call) -> Verdict;

    /// Takes a call that the verdict [`Verdict::Late`] kept back, with the label of that verdict, before its caller hears that it
    /// failed. Whoever takes none has such calls never arrive.
    fn late(&self, label: &str, call: LateCall) {
        let _ = (label, call);
    }
}

/// What happens to one call. A verdict that has no meaning for a call's operation lets it pass; each variant says for
/// which it has one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing out of the ordinary.
    #[default]
    Pass,
    /// It does nothing and fails. Every operation.
    Fail(FaultKind),
    /// It is done, and reported as failed. Every operation; what failed by itself fails as it did.
    AckLost(FaultKind),
    /// It is not done, and reported as done. Writes: puts (conditional ones too), every step of an upload in parts,
    /// deletes, copies and renames. A lost part leaves a hole that the bytes after it close.
    LostWrite,
    /// It happens after this long. Every operation.
    Delay(Duration),
    /// Only so much of it arrives, and nobody is told. Reads answer with the first `bytes` bytes, puts and parts store
    /// them; a flat listing stops after that many entries.
    Torn {
        /// What arrives.
        bytes: u64,
    },
    /// One byte is flipped on the way. Gets, puts and parts.
    Corrupt {
        /// Which byte, counted from the start of what is carried, and round again past its end.
        offset: u64,
    },
    /// It is answered as if the last write had not happened yet. Gets, heads and listings; the last write is the last
    /// one through this layer to the object, or below the prefix, as far as the layer saw what it replaced. What a
    /// listing shows of deeper prefixes stays.
    Stale,
    /// It goes to another object. Gets, heads, puts, starts of uploads, deletes, and the targets of copies and renames; a
    /// listing goes to another prefix.
    Misdirect(Path),
    /// It is kept back and reported as having had no answer in time; [`FaultPolicy::late`] takes it under this label, to have it
    /// arrive when it likes. Writes that change what is there: puts (conditional ones too), completions of uploads in parts,
    /// deletes, copies and renames.
    Late(String),
    /// It never answers and does nothing, like a call of a process that is no more.
    Hang,
    /// It is refused because its process counts as dead. As [`Verdict::Fail`], but told apart by [`InjectedFault`].
    Dead,
}

/// How a call fails. The errors have the same types down their chain as those of a real store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The service asks to slow down.
    Throttled,
    /// The service does not answer in time.
    Timeout,
    /// The credentials forbid it.
    PermissionDenied,
    /// The connection breaks.
    ConnectionLost,
    /// The object is said not to exist.
    NotFound,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: &[FaultKind] = &[
        FaultKind::Throttled,
        FaultKind::Timeout,
        FaultKind::PermissionDenied,
        FaultKind::ConnectionLost,
        FaultKind::NotFound,
    ];

    /// The name as scenarios and reports spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            FaultKind::Throttled => "throttled",
            FaultKind::Timeout => "timeout",
            FaultKind::PermissionDenied => "permission-denied",
            FaultKind::ConnectionLost => "connection-lost",
            FaultKind::NotFound => "not-found",
        }
    }

    fn error(self, path: &Path) -> object_store::Error {
        let path = path.to_string();
        let injected = InjectedFault(self.as_str());
        let transport =
            |kind| object_store::Error::Generic { store: STORE, source: HttpError::new(kind, injected).into() };
        match self {
            FaultKind::Throttled => object_store::Error::Generic {
                store: STORE,
                source: HttpError::new(HttpErrorKind::Request, UnhappyResponse::injected(503, injected.to_string()))
                    .into(),
            },
            FaultKind::Timeout => transport(HttpErrorKind::Timeout),
            FaultKind::ConnectionLost => transport(HttpErrorKind::Interrupted),
            FaultKind::PermissionDenied => object_store::Error::PermissionDenied { path, source: injected.into() },
            FaultKind::NotFound => object_store::Error::NotFound { path, source: injected.into() },
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

const STORE: &str = "FaultLayer";
const DEAD: &str = "dead";

/// The innermost cause of an injected error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InjectedFault(&'static str);

impl InjectedFault {
    /// The fault that is the cause of `error`, where one is, anywhere down its chain.
    pub fn cause_of(error: &(dyn std::error::Error + 'static)) -> Option<InjectedFault> {
        let mut next = Some(error);
        while let Some(cause) = next {
            if let Some(fault) = cause.downcast_ref::<InjectedFault>() {
                return Some(*fault);
            }
            // A throttled call has the shape of a real response, which carries text.
            if cause.downcast_ref::<UnhappyResponse>().is_some_and(UnhappyResponse::is_injected) {
                return Some(InjectedFault(FaultKind::Throttled.as_str()));
            }
            next = cause.source();
        }
        None
    }

    /// Whether the call was refused because its process counts as dead.
    pub fn is_dead(self) -> bool {
        self.0 == DEAD
    }
}

impl fmt::Display for InjectedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "injected fault: {}", self.0)
    }
}

impl std::error::Error for InjectedFault {}

fn dead() -> object_store::Error {
    object_store::Error::Generic { store: STORE, source: InjectedFault(DEAD).into() }
}

/// Carries out a policy's verdicts on the calls of all stacks that it is part of. Clones share what they remember.
#[derive(Clone, Debug)]
pub struct FaultLayer {
    policy: Arc<dyn FaultPolicy>,
    history: Arc<History>,
}

impl FaultLayer {
    /// A layer that asks `policy`.
    pub fn new(policy: Arc<dyn FaultPolicy>) -> Self {
        FaultLayer { policy, history: Arc::default() }
    }

    /// A layer that lets every call pass: to show that the layer itself changes nothing.
    pub fn passing() -> Self {
        FaultLayer::new(Arc::new(PassAll))
    }
}

impl StoreLayer for FaultLayer {
    fn wrap(&self, realm: Realm, inner: Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
        Arc::new(FaultStore { realm, inner, policy: Arc::clone(&self.policy), history: Arc::clone(&self.history) })
    }
}

#[derive(Debug)]
struct PassAll;

impl FaultPolicy for PassAll {
    fn verdict(&self, _: &Call) -> Verdict {
        Verdict::Pass
    }
}

#[cfg(test)]
mod tests;
