//! Rolling forward: publishing what every table committed.

use super::act::{Act, Published, publish};
use super::audit::TableOutcome;
use super::observe::World;
use crate::error::Result;
use crate::history::CommitKind;
use crate::intent::Sidecar;

/// Publishes the committed versions in one compare-and-swap that carries the operation id.
pub(super) async fn roll_forward(act: &Act<'_>, world: &World, sidecar: &Sidecar) -> Result<Published> {
    let outcomes = world
        .tables
        .iter()
        .map(|found| TableOutcome { path: found.planned.path.clone(), from: found.facts.pin, to: found.facts.head })
        .collect();
    publish(act, world, sidecar, CommitKind::RolledForward, outcomes).await
}
