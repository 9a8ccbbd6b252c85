//! The writers. Each prepares an intent of its own; [`protocol`] drives every one of them through the same windows.
//!
//! # A write that its caller names
//!
//! A caller may draw the operation id itself and call again with the same one, from anywhere, when the answer was lost: the write then
//! happens once. If the history has a commit of the operation, nothing is done and that commit is reported. If it is under way in another
//! call, this one waits for it. If it was rolled back, the call is a new attempt, which says so: its operation id is another one, that
//! follows from the name and the number of the attempt, so that every caller finds the same attempts and an id never means two things. What is to be written is not compared: an id stands for one call. A write that changes nothing leaves no commit, and is
//! done again when it is called again.

pub mod load;
pub mod mutate;
pub mod repair;

mod announce;
mod check;
mod guard;
mod protocol;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};
use crate::failpoint::{Scope, Window, hit};
use crate::handle::Handle;
use crate::history::{Commit, CommitKind};
use crate::id::{CommitId, OperationId};
use crate::intent::{Intent, RowCounts};
use crate::limit::{
    LOSSES_BEFORE_ANNOUNCED_COUNT, NAME_MAX_BYTES, NAMED_ATTEMPTS_MAX_COUNT, PREPARE_ATTEMPTS_MAX_COUNT,
    PREPARE_PAUSE_MAX_MILLISECONDS,
};
use crate::manifest::{Snapshot, find_operation};
use crate::printable::{escaped, is_hidden};
use crate::recovery::HealReport;
use crate::writer::WriterKind;
use announce::Announcement;
use protocol::{NotDriven, drive};

/// The actor of a write that names none.
pub const ANONYMOUS: &str = "anonymous";

/// Who waits for another process for longer is told.
const TOLD_AFTER: Duration = Duration::from_secs(1);

/// Of an actor that is refused, at most so much is shown.
const ACTOR_SHOWN_MAX_CHARS: usize = 80;

/// What a write did.
#[derive(Clone, Debug)]
pub struct WriteReport {
    /// The write's name in sidecars, commits and audit rows; `None` when it changed nothing, which makes no commit.
    pub operation_id: Option<OperationId>,
    /// The commit that made it visible; `None` when it changed nothing.
    pub commit_id: Option<CommitId>,
    /// The graph version that it made, or the one that it found and did not change.
    pub graph_version: u64,
    /// What it changed, in rows, by type; nothing where it was done before.
    pub rows: BTreeMap<String, RowCounts>,
    /// Whether an earlier call with this operation id had done it already, and this one did nothing.
    pub repeated: bool,
    /// What the write found left behind by others before it began.
    pub recovered: HealReport,
}

/// The actor to record, checked.
pub(crate) fn actor(named: Option<&str>) -> Result<String> {
    let actor = named.unwrap_or(ANONYMOUS);
    let is_name = !actor.is_empty() && actor.len() <= NAME_MAX_BYTES && !actor.starts_with("omnigraph:");
    // A line end would forge lines of the history, and what turns the direction of writing other people's names.
    if !is_name || actor.chars().any(is_hidden) {
        let shown: String = actor.chars().take(ACTOR_SHOWN_MAX_CHARS).collect();
        let cut = if shown.len() < actor.len() { "…" } else { "" };
        return Err(Error::invalid(format!("`{}{cut}` cannot be the actor of a write", escaped(&shown))).with_advice(
            format!(
                "an actor has 1 to {NAME_MAX_BYTES} bytes, has no control characters and none that cannot be seen, and does not \
                 begin with `omnigraph:`"
            ),
        ));
    }
    Ok(actor.to_owned())
}

/// Finds the graph ready to be written: heals what others left, then sees what is published. Two lists.
async fn enter(handle: &Handle, writer: WriterKind) -> Result<(HealReport, Snapshot)> {
    handle.require_read_write(writer.as_str())?;
    let recovered = handle.heal().await?;
    hit(Scope::from(writer), Window::PrepareRead).await?;
    Ok((recovered, handle.reload().await?))
}

/// What a writer does before anything is armed.
///
/// A trait and not a closure: a server runs a write as a task, and what an asynchronous closure returns is not known to be `Send`.
pub(crate) trait Prepare: Send {
    /// Prepares an intent on `snapshot`; called again when others were faster. `None`: the input can be read only once, and was.
    fn prepare(&mut self, snapshot: &Snapshot) -> impl Future<Output = Result<Option<Intent>>> + Send;
}

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

/// What a call finds of the write that it asks for.
enum Called {
    /// It is in the history.
    Before(Commit),
    /// It is not, and is attempted as this operation.
    Anew(Operation),
}

/// An operation, and whether others may attempt it, too.
#[derive(Clone, Copy, Debug)]
struct Operation {
    id: OperationId,
    is_named: bool,
}

/// Looks for what became of the attempts at a write that its caller named, one after another; one that was rolled back is followed by
/// the next.
async fn called(handle: &Handle, snapshot: &Snapshot, named: Option<OperationId>) -> Result<Called> {
    let Some(named) = named else {
        let id = OperationId::new(handle.runtime.ids.ulid());
        return Ok(Called::Anew(Operation { id, is_named: false }));
    };
    for number in 0..NAMED_ATTEMPTS_MAX_COUNT {
        let id = named.attempt(number);
        match find_operation(snapshot.manifest(), id, 0).await? {
            None => return Ok(Called::Anew(Operation { id, is_named: true })),
            Some(commit) if commit.kind == CommitKind::RolledBack => {}
            Some(commit) => return Ok(Called::Before(commit)),
        }
    }
    let message =
        format!("operation {named} was attempted {NAMED_ATTEMPTS_MAX_COUNT} times, and rolled back each time");
    Err(Error::new(ErrorKind::Refused, message)
        .with_operation(named)
        .with_advice("nothing of it is visible: call it under another operation id"))
}

fn repeated(commit: Commit, recovered: HealReport) -> WriteReport {
    WriteReport {
        operation_id: commit.operation_id,
        commit_id: Some(commit.id),
        graph_version: commit.graph_version,
        rows: BTreeMap::new(),
        repeated: true,
        recovered,
    }
}

#[cfg(test)]
mod named;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_has_a_name_of_bounded_length_that_is_not_one_of_the_engine() {
        let longest = "a".repeat(NAME_MAX_BYTES);
        for (named, recorded) in [(None, ANONYMOUS), (Some("ann"), "ann"), (Some(longest.as_str()), &longest)] {
            assert_eq!(actor(named).unwrap(), recorded);
        }
        for refused in ["", "omnigraph:recovery", &"a".repeat(NAME_MAX_BYTES + 1)] {
            assert!(actor(Some(refused)).is_err(), "{refused}");
        }
    }

    #[test]
    fn an_actor_that_would_forge_what_is_shown_of_others_is_refused_and_shown_escaped() {
        for (refused, shown) in [
            ("ann\n  999 forged", "`ann\\n  999 forged`"),
            ("\u{1b}[2J", "`\\u{1b}[2J`"),
            ("nimda\u{202e}", "`nimda\\u{202e}`"),
            ("ad\u{200b}min", "`ad\\u{200b}min`"),
        ] {
            let error = actor(Some(refused)).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Invalid);
            assert!(error.message().starts_with(shown), "{error}");
        }
        assert_eq!(actor(Some("Żaneta 山田 🚀")).unwrap(), "Żaneta 山田 🚀");
    }
}
