//! The way out of a damaged audit: it is set aside, and made anew from what the history tells.
//!
//! The audit tells what recovery did. A lost byte of it must cost no more than the rows that it held, so an operator may give
//! them up. What the history knows is written again: each recovery that published a commit of its own. What it does not know is
//! who had written, and of recoveries that found their operation published already, or its branch gone, that they happened.

use super::RepairReport;
use crate::error::Result;
use crate::failpoint::Scope;
use crate::handle::Handle;
use crate::history::{Commit, CommitKind};
use crate::manifest::{ManifestHead, log};
use crate::recovery::{AUDIT_PATH, AuditLog, QUARANTINE_PREFIX, Recovery, RecoveryKind, TableOutcome, recoveries};
use crate::runtime::Runtime;

/// Commits that are looked through for recoveries, newest first.
const HISTORY_READ_MAX_COUNT: usize = 1_000_000;

/// What became of the audit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditRepair {
    /// Where the damaged dataset lies now, below the graph root; `None` where the audit could be read.
    pub set_aside: Option<String>,
    /// Rows that the audit lacked and the history knew.
    pub rebuilt: u64,
}

/// Sets a damaged audit aside, and adds the rows that the history knows and the audit lacks. May be repeated.
///
/// # Errors
/// The store's trouble. An audit that cannot be read because the store does not answer is not damaged.
pub(super) async fn repair(handle: &Handle) -> Result<RepairReport> {
    let runtime = &handle.runtime;
    let snapshot = handle.reload().await?;
    let known = from_history(snapshot.manifest()).await?;
    let (set_aside, present) = match recoveries(&runtime.stack).await {
        Ok(rows) => (None, rows.into_iter().map(|row| row.operation_id).collect::<Vec<_>>()),
        Err(e) if !e.is_damage() => return Err(e.context("read the recovery audit")),
        Err(damage) => {
            tracing::warn!(error = %damage, "the recovery audit is set aside");
            (Some(set_aside(runtime).await?), Vec::new())
        }
    };
    let mut log = AuditLog::new(runtime, Scope::Repair);
    let mut rebuilt = 0;
    for row in known.iter().filter(|row| !present.contains(&row.operation_id)) {
        log.record(row).await?;
        rebuilt += 1;
    }
    Ok(RepairReport { audit: Some(AuditRepair { set_aside, rebuilt }), ..RepairReport::default() })
}

/// Moves every object of the dataset. Its newest version goes last, so that a move which is cut short leaves no older version in
/// its place, which would look like a sound audit with fewer rows.
async fn set_aside(runtime: &Runtime) -> Result<String> {
    let objects = runtime.stack.objects();
    let to = format!("{QUARANTINE_PREFIX}/audit-{}", runtime.ids.ulid());
    let listed = objects.list_recursive(AUDIT_PATH).await?;
    let mut paths: Vec<&str> = listed.iter().map(|object| object.path()).collect();
    // Names of versions count down: the newest one is first among them.
    paths.sort_unstable_by_key(|path| (path.contains("/_versions/"), std::cmp::Reverse(*path)));
    for path in paths {
        let rest = path.strip_prefix(AUDIT_PATH).unwrap_or(path).trim_start_matches('/');
        objects.rename(path, &format!("{to}/{rest}")).await?;
    }
    Ok(to)
}

/// The recoveries that published a commit of their own, oldest first.
async fn from_history(newest: &ManifestHead) -> Result<Vec<Recovery>> {
    let mut rows = Vec::new();
    for commit in log(newest, HISTORY_READ_MAX_COUNT).await?.into_iter().rev() {
        if let CommitKind::RolledForward | CommitKind::RolledBack = commit.kind {
            let (before, after) = (newest.at(commit.graph_version - 1).await?, newest.at(commit.graph_version).await?);
            rows.extend(recovery_of(&before, &after, &commit));
        }
    }
    Ok(rows)
}

fn recovery_of(before: &ManifestHead, after: &ManifestHead, commit: &Commit) -> Option<Recovery> {
    let kind = match commit.kind {
        CommitKind::RolledForward => RecoveryKind::RolledForward,
        CommitKind::RolledBack => RecoveryKind::RolledBack,
        CommitKind::Created | CommitKind::Written | CommitKind::Repaired => return None,
    };
    let moved = after.state().tables.values().filter_map(|entry| {
        let from = before.state().tables.get(&entry.path)?.version;
        (from != entry.version).then(|| TableOutcome { path: entry.path.clone(), from, to: entry.version })
    });
    Some(Recovery {
        operation_id: commit.operation_id?,
        kind,
        writer: commit.writer?,
        actor: commit.actor.clone(),
        commit: Some(commit.id),
        tables: moved.collect(),
        at: commit.at,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::id::OperationId;
    use crate::storage::Stack;
    use crate::{ErrorKind, Graph, Load, Repair, StorageOptions, StorageUri};

    #[tokio::test]
    async fn an_audit_with_a_lost_file_is_set_aside_and_takes_rows_again() {
        let uri = StorageUri::Memory(format!("audit-{}", uuid::Uuid::new_v4()));
        let graph = Graph::builder(&uri).create("node Person { name: String @key }").await.unwrap();
        let rows = Cursor::new(br#"{"type": "Person", "data": {"name": "ann"}}"#.to_vec());
        graph.load(Load::append(), rows).await.unwrap();
        let stack = Stack::open(&uri, &StorageOptions::default(), &[]).await.unwrap();

        let sound = graph.repair(Repair::Audit).await.unwrap();
        assert_eq!(sound.audit, Some(AuditRepair::default()), "no audit is a sound one");

        let runtime = &graph.handle().runtime;
        let row = Recovery {
            operation_id: OperationId::new(runtime.ids.ulid()),
            kind: RecoveryKind::OrphanedBranchDiscarded,
            writer: crate::writer::WriterKind::Load,
            actor: "ann".into(),
            commit: None,
            tables: Vec::new(),
            at: runtime.clock.now(),
        };
        AuditLog::new(runtime, Scope::Heal).record(&row).await.unwrap();
        for object in stack.objects().list_recursive(&format!("{AUDIT_PATH}/data")).await.unwrap() {
            stack.objects().delete(object.path()).await.unwrap();
        }
        // Another store, so that no cache of the first knows the lost bytes.
        let graph = Graph::builder(&uri).open_read_only().await.unwrap();
        assert!(graph.recoveries().await.is_err());

        let report = graph.repair(Repair::Audit).await.unwrap().audit.unwrap();
        let aside = report.set_aside.unwrap();
        assert_eq!(report.rebuilt, 0, "the history knows nothing of a branch that was gone");
        assert!(!stack.objects().list_recursive(&aside).await.unwrap().is_empty());
        assert_eq!(graph.recoveries().await.unwrap(), []);
        let graph = Graph::builder(&uri).open().await.unwrap();
        AuditLog::new(&graph.handle().runtime, Scope::Heal).record(&row).await.unwrap();
        assert_eq!(graph.recoveries().await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_store_that_does_not_answer_is_no_damage() {
        let error = crate::storage::StorageError::new(crate::storage::StorageErrorKind::Transport, "a", "get");
        let error = crate::Error::from(error);
        assert_eq!((error.kind(), error.is_damage()), (ErrorKind::Storage, false));
    }
}
