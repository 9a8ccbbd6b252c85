//! Rolling back: every moved table is restored to its pin, and the restored versions are published at once. So is a table
//! put back whose write was published beneath such a restore.

use super::act::{Act, Published, publish};
use super::audit::TableOutcome;
use super::observe::{Found, World};
use crate::error::Result;
use crate::failpoint::{Window, hit};
use crate::history::CommitKind;
use crate::id::OperationId;
use crate::intent::Sidecar;
use crate::table::Table;

/// Restores what moved and publishes that in one compare-and-swap, so that HEAD equals pin afterwards.
///
/// Once the operation is published, only what is its own is undone: a foreign version may be a write that is about to be.
pub(super) async fn roll_back(act: &Act<'_>, world: &World, sidecar: &Sidecar) -> Result<Published> {
    let has_moved = |found: &&Found| match world.published {
        None => found.facts.head != found.facts.pin,
        Some(_) => found.is_ours_past_pin(sidecar.operation_id),
    };
    restore_all(act, world, sidecar, CommitKind::RolledBack, world.tables.iter().filter(has_moved)).await
}

/// Makes what is visible the newest version of each table over which a pass restored something older. Its commit changes no row
/// and carries no operation: the one that made the operation visible stays the only one of it.
pub(super) async fn put_back(act: &Act<'_>, world: &World, sidecar: &Sidecar) -> Result<Published> {
    let is_covered = |found: &&Found| found.is_ours_past_pin(sidecar.operation_id);
    restore_all(act, world, sidecar, CommitKind::Repaired, world.tables.iter().filter(is_covered)).await
}

async fn restore_all(
    act: &Act<'_>,
    world: &World,
    sidecar: &Sidecar,
    kind: CommitKind,
    moved: impl Iterator<Item = &Found>,
) -> Result<Published> {
    let mut outcomes = Vec::new();
    for found in moved {
        let to = match restored_before(found, sidecar.operation_id) {
            Some(version) => version,
            None => restore(act, found, sidecar.operation_id).await?,
        };
        outcomes.push(TableOutcome { path: found.planned.path.clone(), from: found.facts.pin, to });
    }
    publish(act, world, sidecar, kind, outcomes).await
}

/// HEAD, when it is the restore of an earlier pass over this very operation that was interrupted before its publish.
///
/// It counts only if it restored what is the pin now: a live writer of another process may have committed before the
/// restore and published after it, and then the restore would take an acknowledged write away. Pins only grow, so an
/// equal pin has not moved.
fn restored_before(found: &Found, operation: OperationId) -> Option<u64> {
    let newest = found.facts.landed.last()?;
    let of_this_pin = newest.operation == Some(operation) && newest.restored == Some(found.facts.pin);
    of_this_pin.then_some(newest.version)
}

async fn restore(act: &Act<'_>, found: &Found, operation: OperationId) -> Result<u64> {
    hit(act.scope, Window::TableRestore).await?;
    let table = Table::restore(
        &act.runtime.stack,
        &found.planned.path,
        found.facts.pin,
        found.facts.head,
        operation,
        act.runtime.ids.as_ref(),
    )
    .await?;
    hit(act.scope, Window::TableRestored).await?;
    Ok(table.version())
}
