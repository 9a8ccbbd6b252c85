//! A layer that does to calls what a policy says.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::path::Path;

use super::classify::{Call, Realm};
use super::layer::StoreLayer;

/// Decides what happens to each call. Must be quick, and must not call the store.
pub trait FaultPolicy: fmt::Debug + Send + Sync {
    /// The verdict on one call, asked exactly once, before the call happens.
    fn verdict(&self, call: &Call) -> Verdict;
}

/// What happens to one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing out of the ordinary.
    #[default]
    Pass,
    /// It fails and does nothing.
    Fail(FaultKind),
    /// It is done and reported as failed.
    AckLost(FaultKind),
    /// x
    LostWrite,
    /// x
    Delay(Duration),
    /// x
    Torn {
        /// x
        bytes: u64,
    },
    /// x
    Corrupt {
        /// x
        offset: u64,
    },
    /// x
    Stale,
    /// x
    Misdirect(Path),
    /// x
    Hang,
    /// x
    Dead,
}

/// x
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// x
    Throttled,
    /// x
    Timeout,
    /// x
    PermissionDenied,
    /// x
    ConnectionLost,
    /// x
    NotFound,
}

/// x
#[derive(Clone, Debug)]
pub struct FaultLayer {
    policy: Arc<dyn FaultPolicy>,
}

impl FaultLayer {
    /// x
    pub fn new(policy: Arc<dyn FaultPolicy>) -> Self {
        FaultLayer { policy }
    }
}

impl StoreLayer for FaultLayer {
    fn wrap(&self, _realm: Realm, inner: Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
        let _ = &self.policy;
        inner
    }
}
