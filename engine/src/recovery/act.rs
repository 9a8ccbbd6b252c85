//! Publishing as recovery: one compare-and-swap that carries the operation id.

use std::collections::BTreeMap;

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
    let decides = kind != CommitKind::Repaired;
    let commit = Commit {
        id: CommitId::new(act.runtime.ids.ulid()),
        parents: Vec::new(),
        kind,
        writer: Some(if decides { sidecar.writer } else { WriterKind::Repair }),
        actor: RECOVERY_ACTOR.to_owned(),
        operation_id: decides.then_some(sidecar.operation_id),
        graph_version: 0,
        at: act.runtime.clock.now(),
    };
    let pins: BTreeMap<String, u64> = outcomes.iter().map(|outcome| (outcome.path.clone(), outcome.to)).collect();
    let id = commit.id;
    let delta = Delta::of_pins(pins, commit);
    hit(act.scope, Window::ManifestPublish).await?;
    // Lost or not known, the world is observed again by this pass or the next, and the operation id tells.
    let published = world.manifest.publish(&act.runtime.stack, &delta, act.runtime.ids.as_ref()).await;
    let manifest = published.map_err(PublishFailure::into_error)?;
    hit(act.scope, Window::ManifestPublished).await?;
    Ok(Published { manifest, commit: id, outcomes })
}
