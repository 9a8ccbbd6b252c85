//! Repair: an operator looks at drift that no sidecar covers and publishes it, or moves an unreadable sidecar away.
//!
//! Drift is in the tables already, so a repair stages nothing and arms nothing: its one step is the publish. One kind of drift it
//! never publishes: a restore of a dead recovery, beneath which a live writer has published something newer. There it first
//! makes what is visible the newest version again.

mod audit;
mod manifest;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::actor;
use crate::error::{Error, ErrorKind, Result};
use crate::failpoint::{Scope, Window, hit};
use crate::gate::QueueKey;
use crate::handle::Handle;
use crate::history::{Commit, CommitKind};
use crate::id::{CommitId, OperationId};
use crate::intent::Sidecar;
use crate::limit::SIDECARS_SHOWN_MAX_COUNT;
use crate::manifest::{Delta, MAIN_BRANCH, ManifestHead, PublishFailure, Snapshot};
use crate::recovery::{Journal, QUARANTINE_PREFIX};
use crate::table::Table;
use crate::writer::WriterKind;

pub use audit::AuditRepair;
pub use manifest::ManifestRepair;
pub(crate) use manifest::repair as repair_manifest;

/// What an operator asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repair {
    /// Show drift and change nothing.
    Preview,
    /// Publish every table's HEAD as its pin; see [`Drift::undoing`] for the exception.
    Confirm {
        /// Who confirms; `None` for anonymous.
        actor: Option<String>,
    },
    /// Move the unreadable sidecar with this file name into quarantine. This gives up finishing or undoing its write:
    /// what that write committed stays as drift, for a repair to look at. The one thing that a read-only handle writes.
    Quarantine(String),
    /// Set a recovery audit aside that cannot be read, and write again what the history knows of it. A read-only handle does
    /// this, too: while a sidecar is pending that cannot be recorded, no other kind of handle can be opened.
    Audit,
}

/// A table whose HEAD is not its pin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The type whose rows the table holds.
    pub type_name: String,
    /// The dataset's path below the graph root.
    pub path: String,
    /// The version that is visible.
    pub pin: u64,
    /// The newest version; 0 where none is left.
    pub head: u64,
    /// Rows at the pin.
    pub pin_rows: u64,
    /// Rows at HEAD.
    pub head_rows: u64,
    /// The operation whose undoing made HEAD, where HEAD has the content of another version than the visible one. A repair puts
    /// such a table back to what is visible.
    pub undoing: Option<OperationId>,
}

/// What a repair saw and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepairReport {
    /// The drift that was found.
    pub drift: Vec<Drift>,
    /// The commit that published it; `None` when nothing was published.
    pub commit_id: Option<CommitId>,
    /// Where a quarantined file is now, below the graph root.
    pub quarantined: Option<String>,
    /// What became of the audit; `None` when nothing was asked of it.
    pub audit: Option<AuditRepair>,
}

/// A file below the recovery prefix: a sidecar, or what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SidecarFile {
    /// The file's name.
    pub name: String,
    /// What it says, or why it cannot be read.
    pub content: std::result::Result<Sidecar, String>,
}

/// What an operator wants to know about a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The graph version that was looked at.
    pub graph_version: u64,
    /// The files below the recovery prefix, oldest first; at most [`SIDECARS_SHOWN_MAX_COUNT`].
    pub sidecars: Vec<SidecarFile>,
    /// How many more such files there are.
    pub sidecars_not_shown: usize,
    /// The names of the files in quarantine.
    pub quarantined: Vec<String>,
    /// Tables whose HEAD is not their pin.
    pub drift: Vec<Drift>,
}

/// Carries out what an operator asks for.
pub(crate) async fn repair(handle: &Arc<Handle>, repair: Repair) -> Result<RepairReport> {
    match repair {
        Repair::Preview => {
            refuse_while_pending(handle).await?;
            let drift = drift(handle, &handle.reload().await?).await?;
            Ok(RepairReport { drift, ..RepairReport::default() })
        }
        Repair::Confirm { actor: named } => {
            handle.require_read_write("repair")?;
            confirm(handle, actor(named.as_deref())?).await
        }
        Repair::Quarantine(name) => {
            // Also on a read-only handle: while an unreadable sidecar is there, no other kind of handle can be opened.
            let moved = Journal::new(&handle.runtime.stack, Scope::Repair).quarantine(&name).await?;
            Ok(RepairReport { quarantined: Some(moved), ..RepairReport::default() })
        }
        Repair::Audit => audit::repair(handle).await,
    }
}

/// Reads everything that an operator wants to know, and changes nothing.
pub(crate) async fn inspect(handle: &Handle) -> Result<Inspection> {
    let snapshot = handle.reload().await?;
    let journal = Journal::new(&handle.runtime.stack, Scope::Repair);
    let names = journal.names().await?;
    let sidecars_not_shown = names.len().saturating_sub(SIDECARS_SHOWN_MAX_COUNT);
    let mut sidecars = Vec::new();
    for name in names.into_iter().take(SIDECARS_SHOWN_MAX_COUNT) {
        if let Some(listed) = journal.read(&name).await? {
            sidecars.push(SidecarFile { name, content: listed.map_err(|e| e.reason) });
        }
    }
    let quarantined = handle.runtime.stack.objects().list(QUARANTINE_PREFIX).await?;
    let quarantined = quarantined.iter().map(|object| object.file_name().to_owned()).collect();
    let drift = drift(handle, &snapshot).await?;
    Ok(Inspection { graph_version: snapshot.version(), sidecars, sidecars_not_shown, quarantined, drift })
}

async fn confirm(handle: &Arc<Handle>, actor: String) -> Result<RepairReport> {
    let runtime = &handle.runtime;
    let paths = handle.snapshot();
    let keys = paths.tables().map(|t| QueueKey { table: t.path.clone(), branch: MAIN_BRANCH.to_owned() }).collect();
    let _held = runtime.gate.take(&keys).await?;
    refuse_while_pending(handle).await?;
    let snapshot = handle.reload().await?;
    let drift = drift(handle, &snapshot).await?;
    if let Some(behind) = drift.iter().find(|drift| drift.head < drift.pin) {
        return Err(Error::corrupt(format!(
            "table `{}` stands at version {} and version {} is visible",
            behind.path, behind.head, behind.pin
        ))
        .with_advice("restore the table's versions from a backup"));
    }
    if drift.is_empty() {
        return Ok(RepairReport::default());
    }
    // Looked at again after the heads were: a writer of another process puts its sidecar before it moves a table and
    // deletes it after it has published. So either the list shows it, or the publish below loses.
    refuse_while_pending(handle).await?;
    let commit = Commit {
        id: CommitId::new(runtime.ids.ulid()),
        parents: Vec::new(),
        kind: CommitKind::Repaired,
        writer: Some(WriterKind::Repair),
        actor,
        operation_id: None,
        graph_version: 0,
        at: runtime.clock.now(),
    };
    let commit_id = commit.id;
    let mut pins = BTreeMap::new();
    for drift in &drift {
        pins.insert(drift.path.clone(), repaired(handle, drift).await?);
    }
    hit(Scope::Repair, Window::ManifestPublish).await?;
    let head = snapshot.manifest();
    let manifest = match head.publish(&runtime.stack, &Delta::of_pins(pins, commit), runtime.ids.as_ref()).await {
        Ok(manifest) => manifest,
        Err(failure) => published_nevertheless(head, commit_id, failure).await?,
    };
    if let Err(e) = hit(Scope::Repair, Window::ManifestPublished).await {
        tracing::warn!(commit = %commit_id, error = %e, "a repair failed after it was published");
    }
    runtime.gate.published(manifest.state().version);
    handle.advance(snapshot.advanced(manifest, Vec::new()));
    Ok(RepairReport { drift, commit_id: Some(commit_id), ..RepairReport::default() })
}

/// The version of a drifted table that a repair publishes.
async fn repaired(handle: &Handle, drift: &Drift) -> Result<u64> {
    let Some(operation) = drift.undoing else { return Ok(drift.head) };
    let Handle { runtime, .. } = handle;
    let ids = runtime.ids.as_ref();
    let put_back = Table::restore(&runtime.stack, &drift.path, drift.pin, drift.head, operation, ids).await?;
    Ok(put_back.version())
}

/// The operation whose undoing made HEAD, where HEAD has the content of another version than `pin`.
async fn undoing(head: &Table, pin: u64) -> Result<Option<OperationId>> {
    let landed = head.landed_after(head.version() - 1, head.version()).await?;
    let restore = landed.last().filter(|newest| newest.restored.is_some_and(|version| version != pin));
    Ok(restore.and_then(|newest| newest.operation))
}

/// The manifest, when the publish landed although its answer was lost; else what to tell the caller.
///
/// Nobody finishes or undoes a repair later, so it looks itself. That the next version is not there yet proves nothing: a request
/// that broke off may still be under way.
async fn published_nevertheless(
    head: &ManifestHead,
    commit: CommitId,
    failure: PublishFailure,
) -> Result<ManifestHead> {
    let error = match failure {
        PublishFailure::Lost(e) | PublishFailure::Failed(e) => return Err(e),
        PublishFailure::Unknown(e) => e,
    };
    match head.at(head.state().version + 1).await {
        Ok(next) if next.state().commit.id == commit => Ok(next),
        Ok(_) => Err(error),
        Err(_) => Err(Error::new(ErrorKind::InDoubt, "the repair may have been published")
            .with_advice("look for it in the commits; repairing again is harmless")
            .with_source(error)),
    }
}

async fn refuse_while_pending(handle: &Handle) -> Result<()> {
    let pending = Journal::new(&handle.runtime.stack, Scope::Repair).sidecars().await?;
    let Some(first) = pending.first() else { return Ok(()) };
    Err(Error::new(
        ErrorKind::Refused,
        format!("{} recovery sidecars are pending, the oldest of operation {}", pending.len(), first.operation_id),
    )
    .with_advice("reopen the graph read-write, which finishes or undoes them; then repair what is left"))
}

async fn drift(handle: &Handle, snapshot: &Snapshot) -> Result<Vec<Drift>> {
    let mut drifted = Vec::new();
    for entry in snapshot.tables() {
        let head = match Table::open_head(&handle.runtime.stack, &entry.path).await {
            Ok(head) => Some(head),
            // A dataset without any version stands behind every pin: that is to be shown, not an end of the looking.
            Err(e) if e.kind() == ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        let newest = head.as_ref().map_or(0, Table::version);
        if newest == entry.version {
            continue;
        }
        let pin_rows = match snapshot.table(&entry.type_name).await {
            Ok(table) => table.count_rows().await?,
            Err(_) if newest < entry.version => 0,
            Err(e) => return Err(e),
        };
        let (head_rows, undoing) = match head {
            Some(head) if newest > entry.version => (head.count_rows().await?, undoing(&head, entry.version).await?),
            Some(head) => (head.count_rows().await?, None),
            None => (0, None),
        };
        drifted.push(Drift {
            type_name: entry.type_name.clone(),
            path: entry.path.clone(),
            pin: entry.version,
            head: newest,
            pin_rows,
            head_rows,
            undoing,
        });
    }
    Ok(drifted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Graph;
    use crate::storage::{Stack, StorageOptions, StorageUri};

    #[tokio::test]
    async fn an_operator_is_told_where_a_quarantined_file_is_now() {
        let uri = StorageUri::Memory(format!("repair-{}", uuid::Uuid::new_v4()));
        let graph = Graph::builder(&uri).create("node Person { name: String @key }").await.unwrap();
        let torn = format!("{}/torn.json", crate::recovery::RECOVERY_PREFIX);
        let stack = Stack::open(&uri, &StorageOptions::default(), &[]).await.unwrap();
        stack.objects().put(&torn, b"{".to_vec()).await.unwrap();
        let report = graph.repair(Repair::Quarantine("torn.json".into())).await.unwrap();
        let quarantined = Some(format!("{QUARANTINE_PREFIX}/torn.json"));
        assert_eq!(report, RepairReport { quarantined, ..RepairReport::default() });
        let found = graph.inspect().await.unwrap();
        assert_eq!((found.sidecars, found.quarantined), (Vec::new(), vec!["torn.json".to_owned()]));
    }
}
