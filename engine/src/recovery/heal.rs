//! The two passes: the heal beside live writers, and the sweep at a read-write open.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::act::Act;
use super::audit::AuditLog;
use super::decide::RecoveryKind;
use super::journal::{Journal, unreadable};
use super::resolve::{Resolution, resolve};
use crate::error::Result;
use crate::failpoint::Scope;
use crate::gate::{GraphGate, QueueKey};
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
    /// The paths of the tables that it plans to change, where its writer is given grace.
    pub tables: Vec<String>,
}

/// What a recovery pass did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealReport {
    /// What became of each operation that was resolved, oldest first.
    pub resolved: Vec<(OperationId, RecoveryKind)>,
    /// Operations that stay pending.
    pub deferred: Vec<Deferred>,
}

impl HealReport {
    /// Adds what a later pass did. What it found pending is all that is pending then.
    pub(crate) fn extend(&mut self, later: HealReport) {
        self.resolved.extend(later.resolved);
        self.deferred = later.deferred;
    }
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
    if runtime.gate.is_announced(sidecar.operation_id) {
        return Ok(());
    }
    let _held = runtime.gate.take(&queue_keys(&sidecar)).await?;
    // Its writer held these queues until after disarm. If the sidecar is still there, its writer is dead.
    if journal.read(&sidecar.file_name()).await?.is_none() {
        return Ok(());
    }
    if let Some(why) = given_grace(runtime, journal.scope(), manifest, &sidecar) {
        let tables = sidecar.tables.iter().map(|planned| planned.path.clone()).collect();
        report.deferred.push(Deferred { operation: sidecar.operation_id, why, tables });
        return Ok(());
    }
    // Told before the queues are given back, also when this ends in doubt or its caller goes away: who waits for them has read
    // what may have moved.
    let mut telling = Telling { gate: &runtime.gate, version: manifest.state().version + 1 };
    let resolution = resolve(&Act { runtime, scope: journal.scope() }, audit, manifest, &sidecar).await;
    telling.version = manifest.state().version + u64::from(resolution.is_err());
    match resolution? {
        Resolution::Resolved(kind) => report.resolved.push((sidecar.operation_id, kind)),
        Resolution::Deferred(why) => {
            tracing::warn!(operation = %sidecar.operation_id, why, "recovery deferred");
            report.deferred.push(Deferred { operation: sidecar.operation_id, why, tables: Vec::new() });
        }
    }
    Ok(())
}

/// Tells the queues which version of the manifest there may be now.
struct Telling<'a> {
    gate: &'a GraphGate,
    version: u64,
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        self.gate.published(self.version);
    }
}

/// Why a live writer of another process may still be at work on an operation; `None` when it is to be settled now.
fn given_grace(runtime: &Runtime, scope: Scope, manifest: &ManifestHead, sidecar: &Sidecar) -> Option<String> {
    let at_once = scope == Scope::Sweep && !runtime.grace.at_open;
    let branch_lives = sidecar.branch.incarnation == manifest.state().incarnation;
    let left = grace_left(runtime, sidecar);
    if at_once || !branch_lives || left.is_zero() {
        return None;
    }
    Some(format!("another process began it, and is given {} ms more", left.as_millis()))
}

/// How much longer the writer of an operation is taken to be alive; nothing where it was of this process, whose queues tell.
///
/// This is about liveness alone: undoing is safe beside live writers, and costs one that is alive a retry. Times are the
/// sidecar's own. A clock that is wrong by more than the grace, in either direction, makes an operation old.
pub(crate) fn grace_left(runtime: &Runtime, sidecar: &Sidecar) -> Duration {
    if runtime.gate.did_arm(sidecar.operation_id) {
        return Duration::ZERO;
    }
    let age = (runtime.clock.now() - sidecar.started_at).abs().to_std().unwrap_or(Duration::MAX);
    runtime.grace.time.saturating_sub(age)
}

fn queue_keys(sidecar: &Sidecar) -> std::collections::BTreeSet<QueueKey> {
    let tables = sidecar.tables.iter().map(|table| &table.path);
    let reads = sidecar.reads.iter().map(|read| &read.path);
    tables.chain(reads).map(|path| QueueKey { table: path.clone(), branch: sidecar.branch.name.clone() }).collect()
}
