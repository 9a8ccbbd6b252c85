//! Publishing as recovery: one compare-and-swap that carries the operation id.

use super::audit::TableOutcome;
use super::observe::World;
use crate::error::Result;
use crate::failpoint::{Scope, Window, hit};
use crate::history::{Commit, CommitKind, RECOVERY_ACTOR};
use crate::id::CommitId;
use crate::intent::Sidecar;
use crate::manifest::{Delta, ManifestHead, PublishFailure};
use crate::runtime::Runtime;
use crate::writer::WriterKind;

/// Who acts, and on what.
pub(super) struct Act<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) scope: Scope,
}

/// What a recovery published.
pub(super) struct Published {
    pub(super) manifest: ManifestHead,
    pub(super) commit: CommitId,
    pub(super) outcomes: Vec<TableOutcome>,
}

/// Publishes the new pins as a commit of recovery. It carries the operation id where it decides what becomes of the operation.
pub(super) async fn publish(
    act: &Act<'_>,
    world: &World,
    sidecar: &Sidecar,
    kind: CommitKind,
    outcomes: Vec<TableOutcome>,
) -> Result<Published> {
    let mut commit = repairing(act.runtime);
    if kind != CommitKind::Repaired {
        (commit.kind, commit.writer, commit.operation_id) = (kind, Some(sidecar.writer), Some(sidecar.operation_id));
    }
    let pins = outcomes.iter().map(|outcome| (outcome.path.clone(), outcome.to)).collect();
    let id = commit.id;
    let delta = match kind {
        // What the writer would have published, whole.
        CommitKind::RolledForward => Delta {
            registrations: sidecar.registrations.clone(),
            retirements: sidecar.retirements.clone(),
            schema: sidecar.planned_schema.clone(),
            ..Delta::of_pins(pins, Commit { parents: sidecar.merge_parent.into_iter().collect(), ..commit })
        },
        // A restore makes no new rows.
        _ => Delta::of_same_rows(pins, commit),
    };
    let manifest = publish_delta(act, &world.manifest, &delta).await?;
    Ok(Published { manifest, commit: id, outcomes })
}

/// A commit of recovery that changes no row and ends no operation.
pub(super) fn repairing(runtime: &Runtime) -> Commit {
    Commit {
        id: CommitId::new(runtime.ids.ulid()),
        parents: Vec::new(),
        kind: CommitKind::Repaired,
        writer: Some(WriterKind::Repair),
        actor: RECOVERY_ACTOR.to_owned(),
        operation_id: None,
        graph_version: 0,
        at: runtime.clock.now(),
    }
}

/// One compare-and-swap on the manifest. Lost or not known, the world is observed again by this pass or the next, and the operation
/// id tells.
pub(super) async fn publish_delta(act: &Act<'_>, manifest: &ManifestHead, delta: &Delta) -> Result<ManifestHead> {
    hit(act.scope, Window::ManifestPublish).await?;
    let published = manifest.publish(&act.runtime.stack, delta, act.runtime.ids.as_ref()).await;
    let manifest = published.map_err(PublishFailure::into_error)?;
    hit(act.scope, Window::ManifestPublished).await?;
    Ok(manifest)
}
