//! Attempts at one write, until it is done: what is done about who is in the way, and about who was faster.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::announce::Announcement;
use super::call::{Called, called, repeated};
use super::protocol::{NotDriven, drive};
use super::{Prepare, WriteReport};
use crate::error::{Error, Result};
use crate::failpoint::{Scope, Window, hit};
use crate::handle::Handle;
use crate::id::OperationId;
use crate::intent::Intent;
use crate::limit::{LOSSES_BEFORE_ANNOUNCED_COUNT, PREPARE_ATTEMPTS_MAX_COUNT, PREPARE_PAUSE_MAX_MILLISECONDS};
use crate::manifest::Snapshot;
use crate::recovery::HealReport;
use crate::writer::WriterKind;

/// Who waits for another process for longer is told.
const TOLD_AFTER: Duration = Duration::from_secs(1);

/// Runs one write. One that others beat and that cannot be prepared again is a conflict.
///
/// Within a process a writer that has to prepare again keeps its place in the queues, so that each gets through in its turn. Between
/// processes there are no queues: there it waits for who is at work on its tables; when it loses all the same it pauses for a time
/// that is drawn, up to one that doubles, and lets recovery settle what stands in its way, and what it left itself; and when it
/// keeps losing it makes the others wait.
///
/// `named` is the name that the caller gave the write.
pub(crate) async fn run(
    handle: &Arc<Handle>,
    writer: WriterKind,
    named: Option<OperationId>,
    mut input: impl Prepare,
) -> Result<WriteReport> {
    let mut announced = None;
    let written = attempts(handle, writer, named, &mut input, &mut announced).await;
    if let Some(announced) = announced {
        announced.withdraw().await;
    }
    written
}

async fn attempts(
    handle: &Arc<Handle>,
    writer: WriterKind,
    named: Option<OperationId>,
    input: &mut impl Prepare,
    announced: &mut Option<Announcement>,
) -> Result<WriteReport> {
    let (mut recovered, mut snapshot) = enter(handle, writer).await?;
    let (mut place, mut beaten, mut losses) = (None, None, 0);
    for _ in 0..PREPARE_ATTEMPTS_MAX_COUNT {
        let operation = match called(handle, &snapshot, named).await? {
            Called::Anew(operation) => operation,
            Called::Before(commit) => return Ok(repeated(commit, recovered)),
        };
        let begun = handle.runtime.clock.now();
        let Some(intent) = input.prepare(&snapshot).await? else { break };
        let rows = intent.rows.clone();
        if intent.effects.is_empty() {
            let graph_version = snapshot.version();
            let (operation_id, commit_id) = (None, None);
            return Ok(WriteReport { operation_id, commit_id, graph_version, rows, repeated: false, recovered });
        }
        if let Some(by) = in_the_way(handle, &recovered, &intent, announced.as_ref()) {
            intent.discard(&handle.runtime.stack).await;
            // A heal takes the queues of what it settles.
            place = None;
            recovered.extend(wait_for(handle, by).await?);
            snapshot = handle.reload().await?;
            continue;
        }
        if losses >= LOSSES_BEFORE_ANNOUNCED_COUNT && announced.is_none() {
            *announced = Announcement::of(&handle.runtime, &snapshot, &intent).await;
        }
        match drive(&handle.runtime, snapshot, intent, operation, begun, place.take()).await {
            Ok(driven) => {
                let graph_version = driven.commit.graph_version;
                handle.advance(driven.snapshot);
                let (operation_id, commit_id) = (Some(driven.operation), Some(driven.commit.id));
                return Ok(WriteReport { operation_id, commit_id, graph_version, rows, repeated: false, recovered });
            }
            Err(NotDriven::Failed(error)) => return Err(error),
            Err(NotDriven::Stale(held)) => {
                losses += 1;
                place = Some(held);
            }
            Err(NotDriven::Blocked(error, by)) => {
                losses += 1;
                let healed = wait_for(handle, by).await?;
                let is_settled = !healed.deferred.iter().any(|deferred| deferred.operation == by);
                recovered.extend(healed);
                beaten = Some(error);
                if !is_settled {
                    break;
                }
            }
            Err(NotDriven::Beaten(error)) => {
                pause(handle, losses).await;
                losses += 1;
                beaten = Some(error);
                recovered.extend(handle.heal().await?);
            }
        }
        snapshot = handle.reload().await?;
    }
    Err(beaten.unwrap_or_else(|| Error::conflict("other writers changed the same tables first")))
}

/// An operation of another process that is at work on tables which `intent` changes or was validated against, unless this process has
/// waited for it long enough. Who is announced waits for nobody who came later.
fn in_the_way(
    handle: &Handle,
    recovered: &HealReport,
    intent: &Intent,
    announced: Option<&Announcement>,
) -> Option<OperationId> {
    let needs = |path: &String| intent.effects.contains_key(path) || intent.reads.contains(path);
    let came_first = |operation: OperationId| announced.is_none_or(|announced| operation < announced.operation());
    let deferred = recovered.deferred.iter().filter(|deferred| deferred.tables.iter().any(needs));
    let mut operations = deferred.map(|deferred| deferred.operation).filter(|operation| came_first(*operation));
    operations.find(|operation| !is_waited_out(handle, *operation))
}

/// Whether the writers of this process have waited for an operation as long as they are patient. They wait together: the first of them
/// begins, and each that comes later waits for what is left.
fn is_waited_out(handle: &Handle, operation: OperationId) -> bool {
    handle.runtime.gate.in_the_way_for(operation) >= handle.runtime.grace.patience
}

/// Waits until an operation of another process is settled, by its writer, or once it has no grace any more by a heal; or until that
/// is waited out. It is in the report as deferred then.
async fn wait_for(handle: &Handle, operation: OperationId) -> Result<HealReport> {
    let (begun, mut is_told) = (Instant::now(), false);
    let mut recovered = HealReport::default();
    for paused_count in 0.. {
        pause(handle, paused_count).await;
        recovered.extend(handle.heal().await?);
        let is_settled = !recovered.deferred.iter().any(|deferred| deferred.operation == operation);
        if is_settled || is_waited_out(handle, operation) {
            break;
        }
        if begun.elapsed() >= TOLD_AFTER && !std::mem::replace(&mut is_told, true) {
            let left = handle.runtime.grace.patience.saturating_sub(begun.elapsed()).as_secs();
            tracing::warn!(target: "omnigraph::waiting", "waiting for operation {operation} of another process, {left} s at most");
        }
    }
    Ok(recovered)
}

/// Waits before a write is prepared once more: half of a time that doubles, and a part of the other half that is drawn, so that
/// two writers that met do not meet again.
async fn pause(handle: &Handle, paused_count: u32) {
    let longest = PREPARE_PAUSE_MAX_MILLISECONDS.min(10 << paused_count.min(10));
    let drawn = u128::from(handle.runtime.ids.ulid()) as u64;
    let milliseconds = longest / 2 + drawn % (longest / 2 + 1);
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// Finds the graph ready to be written: heals what others left, then sees what is published. Two lists.
async fn enter(handle: &Handle, writer: WriterKind) -> Result<(HealReport, Snapshot)> {
    handle.require_read_write(writer.as_str())?;
    let recovered = handle.heal().await?;
    hit(Scope::from(writer), Window::PrepareRead).await?;
    Ok((recovered, handle.reload().await?))
}
