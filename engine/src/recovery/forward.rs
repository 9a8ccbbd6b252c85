//! Rolling forward: publishing what every table committed.

use super::act::{Act, Published, publish};
use super::audit::TableOutcome;
use super::observe::{Found, World};
use crate::error::Result;
use crate::history::CommitKind;
use crate::intent::Sidecar;

/// Publishes the committed versions in one compare-and-swap that carries the operation id. What strangers committed above them
/// stays, as drift that a repair shows.
pub(super) async fn roll_forward(act: &Act<'_>, world: &World, sidecar: &Sidecar) -> Result<Published> {
    let published = |found: &Found| {
        let to = found.facts.base + found.facts.planned.len() as u64;
        TableOutcome { path: found.planned.path.clone(), from: found.facts.pin, to }
    };
    let outcomes = world.tables.iter().map(published).collect();
    publish(act, world, sidecar, CommitKind::RolledForward, outcomes).await
}
