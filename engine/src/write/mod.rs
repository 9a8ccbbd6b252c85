//! The writers. Each prepares an intent of its own; [`protocol`] drives every one of them through the same windows.

pub mod load;
pub mod mutate;
pub mod repair;

mod check;
mod guard;
mod protocol;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::failpoint::{Scope, Window, hit};
use crate::handle::Handle;
use crate::id::{CommitId, OperationId};
use crate::intent::{Intent, RowCounts};
use crate::limit::{NAME_MAX_BYTES, PREPARE_ATTEMPTS_MAX_COUNT};
use crate::manifest::Snapshot;
use crate::printable::{escaped, is_hidden};
use crate::recovery::HealReport;
use crate::writer::WriterKind;
use protocol::{NotDriven, drive};

/// The actor of a write that names none.
pub const ANONYMOUS: &str = "anonymous";

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
    /// What it changed, in rows, by type.
    pub rows: BTreeMap<String, RowCounts>,
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

/// Runs one write. `prepare` may be called again when another writer of this process was faster; one that can read its
/// input only once says so by `None` then, and the write is a conflict.
pub(crate) async fn run<P>(handle: &Arc<Handle>, writer: WriterKind, mut prepare: P) -> Result<WriteReport>
where
    P: AsyncFnMut(&Snapshot) -> Result<Option<Intent>>,
{
    let (recovered, mut snapshot) = enter(handle, writer).await?;
    for _ in 0..PREPARE_ATTEMPTS_MAX_COUNT {
        let Some(intent) = prepare(&snapshot).await? else { break };
        let rows = intent.rows.clone();
        if intent.effects.is_empty() {
            let graph_version = snapshot.version();
            return Ok(WriteReport { operation_id: None, commit_id: None, graph_version, rows, recovered });
        }
        match drive(&handle.runtime, snapshot, intent).await {
            Ok(driven) => {
                let graph_version = driven.commit.graph_version;
                handle.advance(driven.snapshot);
                let (operation_id, commit_id) = (Some(driven.operation), Some(driven.commit.id));
                return Ok(WriteReport { operation_id, commit_id, graph_version, rows, recovered });
            }
            Err(NotDriven::Failed(error)) => return Err(error),
            Err(NotDriven::Stale) => snapshot = handle.reload().await?,
        }
    }
    Err(Error::conflict("another writer of this process changed the same tables first"))
}

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
