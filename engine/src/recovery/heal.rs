//! The two passes: the heal beside live writers, and the sweep at a read-write open.

use serde::{Deserialize, Serialize};

use super::act::Act;
use super::audit::AuditLog;
use super::decide::RecoveryKind;
use super::journal::{Journal, unreadable};
use super::resolve::{Resolution, resolve};
use crate::error::Result;
use crate::failpoint::Scope;
use crate::gate::QueueKey;
use crate::id::OperationId;
use crate::intent::Sidecar;
use crate::limit::SIDECARS_AT_ONCE_COUNT;
use crate::manifest::ManifestHead;
use crate::runtime::Runtime;

/// An operation that a pass left alone, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deferred {
    /// The operation.
    pub operation: OperationId,
    /// Why it was left alone.
    pub why: String,
}

/// What a recovery pass did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealReport {
    /// What became of each operation that was resolved, oldest first.
    pub resolved: Vec<(OperationId, RecoveryKind)>,
    /// Operations that stay pending.
    pub deferred: Vec<Deferred>,
}

/// One pass as `scope` ([`Scope::Heal`] or [`Scope::Sweep`]) over every sidecar, oldest first, each against a fresh
/// view. `manifest` is where the view starts, and becomes where it ended.
///
/// # Errors
/// The list could not be made, a file is not a sidecar, or a step failed; what was resolved before stays resolved.
pub(crate) async fn pass(runtime: &Runtime, scope: Scope, manifest: &mut ManifestHead) -> Result<HealReport> {
    let journal = Journal::new(&runtime.stack, scope);
    let mut report = HealReport::default();
    let mut audit = AuditLog::new(runtime, scope);
    for names in journal.names().await?.chunks(SIDECARS_AT_ONCE_COUNT) {
        // All are read before the first is acted on: one that cannot be read stops the pass while nothing has changed.
        let mut pending = Vec::new();
        for name in names {
            if let Some(listed) = journal.read(name).await? {
                pending.push(listed.map_err(unreadable)?);
            }
        }
        for sidecar in pending {
            settle(runtime, &journal, &mut audit, manifest, sidecar, &mut report).await?;
        }
    }
    Ok(report)
}

/// Finishes or undoes one operation, unless its writer is alive, or this pass has to leave it alone.
async fn settle(
    runtime: &Runtime,
    journal: &Journal<'_>,
    audit: &mut AuditLog<'_>,
    manifest: &mut ManifestHead,
    sidecar: Sidecar,
    report: &mut HealReport,
) -> Result<()> {
    let _held = runtime.gate.take(&queue_keys(&sidecar)).await?;
    // Its writer held these queues until after disarm. If the sidecar is still there, its writer is dead.
    if journal.read(&sidecar.file_name()).await?.is_none() {
        return Ok(());
    }
    let resolution = resolve(&Act { runtime, scope: journal.scope() }, audit, manifest, &sidecar).await;
    // Told before the queues are given back: who waits for them has read what may have moved.
    runtime.gate.published(manifest.state().version);
    match resolution? {
        Resolution::Resolved(kind) => report.resolved.push((sidecar.operation_id, kind)),
        Resolution::Deferred(why) => {
            tracing::warn!(operation = %sidecar.operation_id, why, "recovery deferred");
            report.deferred.push(Deferred { operation: sidecar.operation_id, why });
        }
    }
    Ok(())
}

fn queue_keys(sidecar: &Sidecar) -> std::collections::BTreeSet<QueueKey> {
    let tables = sidecar.tables.iter().map(|table| &table.path);
    let reads = sidecar.reads.iter().map(|read| &read.path);
    tables.chain(reads).map(|path| QueueKey { table: path.clone(), branch: sidecar.branch.name.clone() }).collect()
}
