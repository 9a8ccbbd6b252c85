//! One sidecar from observation to the end: observe, classify, decide, act, audit, delete.

use super::act::Act;
use super::audit::{AuditLog, Recovery, TableOutcome};
use super::backward::{put_back, roll_back};
use super::decide::{Decision, RecoveryKind, decide};
use super::forward::roll_forward;
use super::journal::Journal;
use super::observe::{World, has_landed_late, observe};
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

    if let Some(reason) = why_deferred(act, sidecar, &world, decision) {
        return Ok(Resolution::Deferred(reason));
    }
    let undone = matches!(decision, Decision::RollBack | Decision::Finish(RecoveryKind::RolledBack));
    let (kind, commit, outcomes) = match decision {
        Decision::Abort => return Err(regressed(sidecar, &world)),
        Decision::Discard => (RecoveryKind::OrphanedBranchDiscarded, None, Vec::new()),
        Decision::Retire => (RecoveryKind::RolledBack, None, Vec::new()),
        Decision::Finish(kind) => {
            (kind, world.published.as_ref().map(|commit| commit.id), outcomes_so_far(manifest, &world).await?)
        }
        Decision::RollForward => {
            let published = roll_forward(act, &world, sidecar).await?;
            *manifest = published.manifest;
            (RecoveryKind::RolledForward, Some(published.commit), published.outcomes)
        }
        Decision::RollBack => {
            // Of an earlier undoing that nobody lived to record.
            let mut outcomes = outcomes_so_far(manifest, &world).await?;
            let published = roll_back(act, &world, sidecar).await?;
            *manifest = published.manifest;
            outcomes.extend(published.outcomes);
            let first = world.published.as_ref().map_or(published.commit, |earlier| earlier.id);
            (RecoveryKind::RolledBack, Some(first), outcomes)
        }
        Decision::PutBack => {
            *manifest = put_back(act, &world, sidecar).await?.manifest;
            let commit = world.published.as_ref().map(|commit| commit.id);
            (RecoveryKind::RolledForward, commit, outcomes_so_far(manifest, &world).await?)
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
    let journal = Journal::new(&act.runtime.stack, act.scope);
    journal.delete(sidecar.operation_id).await?;
    // A writer of another process that was alive all the same may have landed another table since, and found the sidecar in
    // its place when it came to put it back. What lands from now on comes with a put that finds none.
    if undone && has_landed_late(&act.runtime.stack, manifest, sidecar).await? {
        journal.put_back(sidecar).await?;
        let late = format!("operation {} went on while it was undone", sidecar.operation_id);
        return Err(Error::conflict(late));
    }
    act.runtime.gate.disarmed(sidecar.operation_id);
    Ok(Resolution::Resolved(kind))
}

/// Why a pass beside live writers leaves a sidecar alone; `None` when it may act.
fn why_deferred(act: &Act<'_>, sidecar: &Sidecar, world: &World, decision: Decision) -> Option<String> {
    if act.scope == Scope::Sweep {
        return None;
    }
    let did_arm = act.runtime.gate.did_arm(sidecar.operation_id);
    match decision {
        // Nothing of it is left to undo, and its writer, which was of this process, is gone.
        Decision::RollBack if did_arm && world.tables.iter().all(|found| found.facts.head == found.facts.pin) => None,
        Decision::RollBack => Some("undoing it restores tables, which is safe only at a read-write open".into()),
        Decision::PutBack => {
            Some("what it made visible lies beneath a restore, and is put back only at a read-write open".into())
        }
        Decision::Abort => Some(regressed(sidecar, world).message().to_owned()),
        Decision::Retire if !did_arm => Some("another process armed it and may be about to commit".into()),
        _ => None,
    }
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
