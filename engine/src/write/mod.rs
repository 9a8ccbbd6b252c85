//! The writers. Each prepares an intent of its own; [`protocol`] drives every one of them through the same windows.
//!
//! - [`attempt`]: prepares and drives until the write is done. [`call`]: whether it has been done before.
//! - [`announce`]: a place for who keeps losing. [`guard`]: why a table had moved. [`check`]: whether rows may be.
//!
//! # A write that its caller names
//!
//! A caller may draw the operation id itself and call again with the same one, from anywhere, when the answer was lost: the write then
//! happens once. If the history has a commit of the operation, nothing is done and that commit is reported. If it is under way in another
//! call, this one waits for it. If it was rolled back, the call is a new attempt, which says so: its operation id is another one, that
//! follows from the name and the number of the attempt, so that every caller finds the same attempts and an id never means two things.
//! What is to be written is not compared: an id stands for one call. A write that changes nothing leaves no commit, and is done again
//! when it is called again.

pub mod load;
pub mod mutate;
pub mod repair;

mod announce;
mod attempt;
mod call;
mod check;
mod guard;
mod protocol;

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::id::{CommitId, OperationId};
use crate::intent::{Intent, RowCounts};
use crate::limit::NAME_MAX_BYTES;
use crate::manifest::Snapshot;
use crate::printable::{escaped, is_hidden};
use crate::recovery::HealReport;

pub(crate) use attempt::run;
pub(crate) use call::last_attempt;

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

/// What a writer does before anything is armed.
///
/// A trait and not a closure: a server runs a write as a task, and what an asynchronous closure returns is not known to be `Send`.
pub(crate) trait Prepare: Send {
    /// Prepares an intent on `snapshot`; called again when others were faster. `None`: the input can be read only once, and was.
    fn prepare(&mut self, snapshot: &Snapshot) -> impl Future<Output = Result<Option<Intent>>> + Send;
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
