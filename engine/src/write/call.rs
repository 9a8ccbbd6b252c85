//! A write that its caller named: whether it has been done, and as which attempt it is done else.

use std::collections::BTreeMap;

use super::WriteReport;
use crate::error::{Error, ErrorKind, Result};
use crate::handle::Handle;
use crate::history::{Commit, CommitKind};
use crate::id::OperationId;
use crate::limit::NAMED_ATTEMPTS_MAX_COUNT;
use crate::manifest::{ManifestHead, Snapshot, find_operation};
use crate::recovery::HealReport;

/// What a call finds of the write that it asks for.
pub(super) enum Called {
    /// It is in the history.
    Before(Commit),
    /// It is not, and is attempted as this operation.
    Anew(Operation),
}

/// An operation, and whether others may attempt it, too.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    pub(super) id: OperationId,
    pub(super) is_named: bool,
}

/// What became of a write that may have been attempted more than once: the commit of its last attempt, and the number of the one that
/// would follow. An attempt that was rolled back is followed by the next.
///
/// # Errors
/// The store's trouble.
pub(crate) async fn last_attempt(manifest: &ManifestHead, named: OperationId) -> Result<(Option<Commit>, u32)> {
    let mut last = None;
    for number in 0..NAMED_ATTEMPTS_MAX_COUNT {
        match find_operation(manifest, named.attempt(number), 0).await? {
            None => return Ok((last, number)),
            Some(commit) if commit.kind == CommitKind::RolledBack => last = Some(commit),
            Some(commit) => return Ok((Some(commit), number + 1)),
        }
    }
    Ok((last, NAMED_ATTEMPTS_MAX_COUNT))
}

/// Whether a write that its caller named has been done, and as which attempt it is done else.
pub(super) async fn called(handle: &Handle, snapshot: &Snapshot, named: Option<OperationId>) -> Result<Called> {
    let Some(named) = named else {
        let id = OperationId::new(handle.runtime.ids.ulid());
        return Ok(Called::Anew(Operation { id, is_named: false }));
    };
    match last_attempt(snapshot.manifest(), named).await? {
        (Some(commit), _) if commit.kind != CommitKind::RolledBack => Ok(Called::Before(commit)),
        (_, number) if number < NAMED_ATTEMPTS_MAX_COUNT => {
            Ok(Called::Anew(Operation { id: named.attempt(number), is_named: true }))
        }
        _ => {
            let message =
                format!("operation {named} was attempted {NAMED_ATTEMPTS_MAX_COUNT} times, and rolled back each time");
            Err(Error::new(ErrorKind::Refused, message)
                .with_operation(named)
                .with_advice("nothing of it is visible: call it under another operation id"))
        }
    }
}

pub(super) fn repeated(commit: Commit, recovered: HealReport) -> WriteReport {
    WriteReport {
        operation_id: commit.operation_id,
        commit_id: Some(commit.id),
        graph_version: commit.graph_version,
        rows: BTreeMap::new(),
        repeated: true,
        recovered,
    }
}

#[cfg(test)]
mod tests;
