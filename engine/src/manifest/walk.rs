//! Walking the versions of the manifest: they are the history.

use super::ManifestHead;
use crate::error::{Error, Result};
use crate::history::Commit;
use crate::id::OperationId;
use crate::limit::HISTORY_WALK_MAX_COUNT;

/// The newest `limit` commits up to `head`, newest first. Two or three reads a commit.
///
/// # Errors
/// The store's trouble.
pub async fn log(head: &ManifestHead, limit: usize) -> Result<Vec<Commit>> {
    let mut commits = Vec::new();
    let mut version = head.state().version;
    while version > 0 && commits.len() < limit {
        commits.push(head.at(version).await?.state().commit.clone());
        version -= 1;
    }
    Ok(commits)
}

/// The newest commit after version `since` that carries `operation`.
///
/// `since` is the version on which the operation was prepared, so the walk is as long as what was published since.
///
/// # Errors
/// The store's trouble.
pub async fn find_operation(head: &ManifestHead, operation: OperationId, since: u64) -> Result<Option<Commit>> {
    let newest = head.state().version;
    let oldest = since.saturating_add(1);
    if newest.saturating_sub(oldest) > HISTORY_WALK_MAX_COUNT {
        return Err(Error::internal(format!(
            "operation {operation} was prepared on version {since}, more than {HISTORY_WALK_MAX_COUNT} versions ago"
        )));
    }
    for version in (oldest..=newest).rev() {
        let commit = head.at(version).await?.state().commit.clone();
        if commit.operation_id == Some(operation) {
            return Ok(Some(commit));
        }
    }
    Ok(None)
}
