//! Undoing: seal, restore, publish; always in this order, and always with a publish.
//!
//! A commit lands on `base + 1` or not at all. So whoever makes that version of every planned table has made it impossible for
//! the operation to land one more: to *seal* a table on which something may still land is to commit a restore of its pin as the very next version, in
//! the operation's name. Nothing is restored before every table is sealed or moved. So a writer that is alive after all, in
//! whatever process, can no longer be acknowledged once anything of it has been restored; and once the undoing is published it
//! cannot be acknowledged at all, nor can a request of its that arrives late land. Every commit here lands on an exact version:
//! it never slides over one that somebody else is just making.

use super::TableState;
use super::act::{Act, Published, publish};
use super::audit::TableOutcome;
use super::observe::{Found, World};
use crate::error::Result;
use crate::failpoint::{Window, hit};
use crate::history::CommitKind;
use crate::id::OperationId;
use crate::intent::{Base, Sidecar};
use crate::table::Table;

/// Makes certain that nothing of the operation lands any more, gives every planned table the content of its pin, and publishes
/// that as the operation's end.
///
/// # Errors
/// [`crate::ErrorKind::Conflict`] when somebody landed meanwhile: the world must be observed again.
pub(super) async fn undo(act: &Act<'_>, world: &World, sidecar: &Sidecar) -> Result<Published> {
    let operation = sidecar.operation_id;
    // A table that must not exist yet lies under a name of its own, which nothing refers to: what lands there is in nobody's way.
    let existing = world.tables.iter().filter(|found| found.planned.base != Base::Absent);
    let (open, moved): (Vec<&Found>, Vec<&Found>) =
        existing.partition(|found| matches!(found.state, TableState::Untouched | TableState::Begun));
    let to_restore = moved.into_iter().filter(|found| found.facts.head != found.facts.pin);
    let mut outcomes = Vec::new();
    for found in open.into_iter().chain(to_restore) {
        outcomes.push(restored(act, found, operation).await?);
    }
    publish(act, world, sidecar, CommitKind::RolledBack, outcomes).await
}

/// Makes what is visible the newest version of each table above whose pin something of the operation stands, although it has its
/// end in the history. The commit changes no row and carries no operation: the one that is there stays the only one.
pub(super) async fn tidy(act: &Act<'_>, world: &World, sidecar: &Sidecar) -> Result<Option<Published>> {
    let mut outcomes = Vec::new();
    for found in world.tables.iter().filter(|found| found.is_ours_past_pin(sidecar.operation_id)) {
        outcomes.push(restored(act, found, sidecar.operation_id).await?);
    }
    if outcomes.is_empty() {
        return Ok(None);
    }
    publish(act, world, sidecar, CommitKind::Repaired, outcomes).await.map(Some)
}

/// The table with the content of its pin as its newest version, made now or by an earlier pass.
async fn restored(act: &Act<'_>, found: &Found, operation: OperationId) -> Result<TableOutcome> {
    let to = match restored_before(found, operation) {
        Some(version) => version,
        None => restore(act, found, operation).await?,
    };
    Ok(TableOutcome { path: found.planned.path.clone(), from: found.facts.pin, to })
}

/// HEAD, when it is what an earlier pass over this very operation made, which was interrupted before its publish.
///
/// It counts only if it restored what is the pin now: another write may have landed before the restore and published after it, and
/// then the restore would take an acknowledged write away. Pins only grow, so an equal pin has not moved.
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
