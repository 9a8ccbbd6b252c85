//! Going back in the history, and finding an operation in it. How it lies there: [`super::chunk`].

use super::ManifestHead;
use super::chunk;
use crate::error::{Error, Result};
use crate::history::Commit;
use crate::id::OperationId;

/// The newest `limit` commits up to `head`, newest first. None to three reads for each chunk of 32 versions.
///
/// The versions that a former program wrote are read one by one.
///
/// # Errors
/// The store's trouble.
pub async fn log(head: &ManifestHead, limit: usize) -> Result<Vec<Commit>> {
    let mut commits = Vec::new();
    let mut version = head.state().version;
    while version > 0 && commits.len() < limit {
        let state = head.at(version).await?;
        let state = state.state();
        let chunk = if state.recent.is_empty() { state.commits() } else { &state.recent };
        commits.extend(chunk.iter().rev().cloned());
        version = if version < head.state().chunked_from { version - 1 } else { before(head, version) };
    }
    commits.truncate(limit);
    Ok(commits)
}

/// The newest version whose commits are not in the chunk of `version`, up to it.
fn before(head: &ManifestHead, version: u64) -> u64 {
    chunk::end_before(version).max(head.state().chunked_from - 1)
}

/// The newest commit after version `since` that carries `operation`. Every id is looked for in the same way, whoever chose it.
///
/// An operation of the newest chunk costs nothing, any other, and one that is not there, two or three reads for each block that is
/// looked into: as many as the number of chunks after `since` has bits, at most. Only the versions that a former program wrote are
/// read one by one, from the newest of them down to `since`.
///
/// # Errors
/// The store's trouble.
pub async fn find_operation(head: &ManifestHead, operation: OperationId, since: u64) -> Result<Option<Commit>> {
    let state = head.state();
    let oldest = since.saturating_add(1);
    let of_operation = |commits: &[Commit]| {
        let found = commits.iter().rev().find(|commit| commit.operation_id == Some(operation));
        found.filter(|commit| commit.graph_version >= oldest).cloned()
    };
    if let Some(commit) = of_operation(&state.recent) {
        return Ok(Some(commit));
    }
    let id = operation.to_string();
    let mut end = chunk::end_before(state.version);
    while end >= oldest.max(state.chunked_from) {
        let block = head.block(end).await?;
        match block.find(&id) {
            Some(version) if version >= oldest => {
                let commit = of_operation(head.at(version).await?.state().commits());
                return commit.map(Some).ok_or_else(|| {
                    Error::corrupt(format!(
                        "version {end} of the graph manifest says that version {version} published operation {operation}, and it \
                         has not"
                    ))
                });
            }
            Some(_) => return Ok(None),
            None => end = block.first - 1,
        }
    }
    for version in (oldest..state.chunked_from.min(state.version + 1)).rev() {
        if let Some(commit) = of_operation(head.at(version).await?.state().commits()) {
            return Ok(Some(commit));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
