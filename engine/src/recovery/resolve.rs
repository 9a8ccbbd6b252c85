//! One sidecar from observation to the end: observe, classify, decide, act, audit, delete.

use super::act::Act;
use super::audit::{AuditLog, Recovery, TableOutcome};
use super::backward::{tidy, undo};
use super::decide::{Decision, RecoveryKind, decide};
use super::forward::roll_forward;
use super::journal::Journal;
use super::observe::{World, observe};
use crate::error::{Error, ErrorKind, Result};
use crate::failpoint::{Scope, Window, hit};
use crate::intent::Sidecar;
use crate::limit::PUBLISH_ATTEMPTS_MAX_COUNT;
use crate::manifest::ManifestHead;

/// What a pass did about one sidecar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// The sidecar is gone; this was recorded.
    Resolved(RecoveryKind),
    /// The sidecar stays, for this reason.
    Deferred(String),
}

/// Another process published while this one acted; the world must be observed again.
fn world_moved(error: &Error) -> bool {
    error.kind() == ErrorKind::Conflict
}

/// Resolves `sidecar` against a fresh view; `manifest` is where that view starts, and becomes where it ended.
pub(super) async fn resolve(
    act: &Act<'_>,
    audit: &mut AuditLog<'_>,
    manifest: &mut ManifestHead,
    sidecar: &Sidecar,
) -> Result<Resolution> {
    let mut outcome = attempt(act, audit, manifest, sidecar).await;
    for _ in 1..PUBLISH_ATTEMPTS_MAX_COUNT {
        if !outcome.as_ref().is_err_and(world_moved) {
            break;
        }
        tracing::info!(operation = %sidecar.operation_id, "the graph moved during recovery, observing again");
        outcome = attempt(act, audit, manifest, sidecar).await;
    }
    outcome.map_err(|e| {
        e.context(format_args!("recover operation {}", sidecar.operation_id)).with_operation(sidecar.operation_id)
    })
}

async fn attempt(
    act: &Act<'_>,
    audit: &mut AuditLog<'_>,
    manifest: &mut ManifestHead,
    sidecar: &Sidecar,
) -> Result<Resolution> {
    hit(act.scope, Window::RecoveryObserve).await?;
    *manifest = manifest.latest().await?;
    let world = observe(act.runtime, manifest, sidecar).await?;
    let decision = decide(&world.observation);
    hit(act.scope, Window::RecoveryDecided).await?;
    tracing::info!(operation = %sidecar.operation_id, writer = %sidecar.writer, ?decision, "recovery decided");

    let (kind, commit, outcomes) = match decision {
        // Beside live writers it costs those nothing who need none of these tables.
        Decision::Abort if act.scope == Scope::Heal => {
            return Ok(Resolution::Deferred(regressed(sidecar, &world).message().to_owned()));
        }
        Decision::Abort => return Err(regressed(sidecar, &world)),
        Decision::Discard => (RecoveryKind::OrphanedBranchDiscarded, None, Vec::new()),
        Decision::Finish(kind) => {
            if let Some(published) = tidy(act, &world, sidecar).await? {
                *manifest = published.manifest;
            }
            (kind, world.published.as_ref().map(|commit| commit.id), outcomes_so_far(manifest, &world).await?)
        }
        Decision::RollForward => {
            let published = roll_forward(act, &world, sidecar).await?;
            *manifest = published.manifest;
            (RecoveryKind::RolledForward, Some(published.commit), published.outcomes)
        }
        Decision::Undo => {
            let published = undo(act, &world, sidecar).await?;
            *manifest = published.manifest;
            (RecoveryKind::RolledBack, Some(published.commit), published.outcomes)
        }
    };
    let row = Recovery {
        operation_id: sidecar.operation_id,
        kind,
        writer: sidecar.writer,
        actor: sidecar.actor.clone(),
        commit,
        tables: outcomes,
        at: act.runtime.clock.now(),
    };
    audit.append(&row).await?;
    Journal::new(&act.runtime.stack, act.scope).delete(sidecar.operation_id).await?;
    act.runtime.gate.disarmed(sidecar.operation_id);
    Ok(Resolution::Resolved(kind))
}

fn regressed(sidecar: &Sidecar, world: &World) -> Error {
    let tables: Vec<String> = world
        .tables
        .iter()
        .filter(|found| found.state == super::TableState::Regressed)
        .map(|found| {
            let needed = found.facts.pin.max(found.facts.base);
            format!(
                "table `{}` stands at version {} and version {needed} is needed",
                found.planned.path, found.facts.head
            )
        })
        .collect();
    Error::corrupt(format!("operation {} cannot be recovered: {}", sidecar.operation_id, tables.join(", ")))
        .with_advice("restore the table's versions from a backup; the sidecar is kept")
}

/// What the commit that published the operation did to each planned table.
async fn outcomes_so_far(manifest: &ManifestHead, world: &World) -> Result<Vec<TableOutcome>> {
    let Some(commit) = &world.published else { return Ok(Vec::new()) };
    let after = manifest.at(commit.graph_version).await?;
    let before = manifest.at(commit.graph_version - 1).await?;
    let pin = |state: &crate::manifest::GraphState, path: &str| state.tables.get(path).map(|entry| entry.version);
    Ok(world
        .tables
        .iter()
        .filter_map(|found| {
            let path = &found.planned.path;
            let (from, to) = (pin(before.state(), path)?, pin(after.state(), path)?);
            (from != to).then(|| TableOutcome { path: path.clone(), from, to })
        })
        .collect())
}
