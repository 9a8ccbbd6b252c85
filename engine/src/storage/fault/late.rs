//! Calls that fail to their caller and reach the store later.
//!
//! A client that gives up does not know whether the store still does what it was asked. Whoever decides when a call arrives
//! keeps it as plain data, so that it outlives the process that made it.

use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, ObjectStore, ObjectStoreExt, PutMode, RenameOptions, RenameTargetMode, Result, UpdateVersion,
};
use serde::{Deserialize, Serialize};

use super::Verdict;
use crate::storage::classify::{Call, Operation, Realm};

/// Most bytes that a late call carries; a larger one fails with an error that is not injected.
pub(super) const LATE_BYTES_MAX: usize = 16 << 20;

/// A write on its way: reported as failed, and not done yet.
///
/// It is done as it was meant, and what it asks for is asked when it arrives: a put that must create something loses when
/// something is there by then, one that replaces a version when another one is there, and a copy or a rename when its source is
/// gone. An upload in parts arrives as the object that it would have made, also if it was aborted meanwhile. Attributes and
/// tags of an object are not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateCall {
    /// The call as the layer saw it.
    pub call: Call,
    change: Change,
}

/// What it changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Change {
    Put { content: Vec<u8>, condition: Condition },
    Delete,
    Copy { from: String, create: bool },
    Rename { from: String, create: bool },
}

/// What has to be there for a put.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Condition {
    Anything,
    Nothing,
    Version { e_tag: Option<String>, version: Option<String> },
}

impl From<&PutMode> for Condition {
    fn from(mode: &PutMode) -> Self {
        match mode {
            PutMode::Overwrite => Condition::Anything,
            PutMode::Create => Condition::Nothing,
            PutMode::Update(UpdateVersion { e_tag, version }) => {
                Condition::Version { e_tag: e_tag.clone(), version: version.clone() }
            }
        }
    }
}

impl Change {
    pub(super) fn put(content: Bytes, mode: &PutMode) -> Change {
        Change::Put { content: content.into(), condition: mode.into() }
    }

    pub(super) fn copy(from: &Path, options: &CopyOptions) -> Change {
        Change::Copy { from: from.as_ref().to_owned(), create: options.mode == CopyMode::Create }
    }

    pub(super) fn rename(from: &Path, options: &RenameOptions) -> Change {
        Change::Rename { from: from.as_ref().to_owned(), create: options.target_mode == RenameTargetMode::Create }
    }
}

impl LateCall {
    /// The call with what it changes.
    ///
    /// # Errors
    /// It carries more than [`LATE_BYTES_MAX`].
    pub(super) fn new(realm: Realm, operation: Operation, path: &Path, change: Change) -> Result<LateCall> {
        let bytes = match &change {
            Change::Put { content, .. } => content.len(),
            _ => 0,
        };
        if bytes > LATE_BYTES_MAX {
            let limit =
                format!("a call to {path} carries {bytes} bytes, and one that is late at most {LATE_BYTES_MAX}");
            return Err(object_store::Error::Generic { store: super::STORE, source: limit.into() });
        }
        Ok(LateCall { call: Call::new(realm, operation, path, bytes as u64), change })
    }

    /// Whether calls of this operation can be late: those that change what is there when they are done.
    pub fn is_possible(operation: Operation) -> bool {
        operation.is_visible_write()
    }

    /// Reaches `store` now.
    ///
    /// # Errors
    /// What the store says; [`LateCall::is_quiet`] tells those that come of being late.
    pub async fn arrive(self, store: &Arc<dyn ObjectStore>) -> Result<()> {
        let path = Path::from(self.call.path.as_str());
        match self.change {
            Change::Put { content, condition } => {
                let mode = match condition {
                    Condition::Anything => PutMode::Overwrite,
                    Condition::Nothing => PutMode::Create,
                    Condition::Version { e_tag, version } => PutMode::Update(UpdateVersion { e_tag, version }),
                };
                store.put_opts(&path, content.into(), mode.into()).await.map(drop)
            }
            Change::Delete => store.delete(&path).await,
            Change::Copy { from, create } => {
                let mode = if create { CopyMode::Create } else { CopyMode::Overwrite };
                store.copy_opts(&Path::from(from.as_str()), &path, CopyOptions::new().with_mode(mode)).await
            }
            Change::Rename { from, create } => {
                let mode = if create { RenameTargetMode::Create } else { RenameTargetMode::Overwrite };
                let options = RenameOptions::new().with_target_mode(mode);
                store.rename_opts(&Path::from(from.as_str()), &path, options).await
            }
        }
    }

    /// Whether an error says no more than that the call came too late for what it asked for.
    pub fn is_quiet(error: &object_store::Error) -> bool {
        use object_store::Error::{AlreadyExists, NotFound, Precondition};
        matches!(error, AlreadyExists { .. } | NotFound { .. } | Precondition { .. })
    }
}

/// The label under which a verdict has a call be late.
pub(super) fn label(verdict: &Verdict) -> Option<&str> {
    match verdict {
        Verdict::Late(label) => Some(label),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
