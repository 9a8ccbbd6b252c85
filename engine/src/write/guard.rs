//! The drift guard: why a table had moved when a write came to commit to it, and what to do.

use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::failpoint::Scope;
use crate::id::OperationId;
use crate::intent::Sidecar;
use crate::manifest::{MAIN_BRANCH, ManifestHead};
use crate::recovery::{Journal, adopt, grace_left, unreadable};
use crate::runtime::Runtime;
use crate::table::Table;

/// Why a table had moved.
pub(super) enum Moved {
    /// By somebody who is at work, or whom the next heal settles: the write can be prepared again.
    Beaten(Error),
    /// By a writer of another process that is given grace.
    Pending(Error, OperationId),
    /// By recovery in another process, which is undoing this very operation and needs its sidecar.
    Overtaken(Error),
    /// By nobody who is known: an operator must look.
    Drifted(Error),
}

/// Explains `moved`.
///
/// | what moved the table | kind | advice |
/// |---|---|---|
/// | a write that is published | conflict | read again and retry |
/// | an undoing of this very operation, in another process | conflict | the same |
/// | a pending operation on the same table and branch | conflict | retry; how long at most until it is settled |
/// | an undoing that died, of an operation whose writer took its sidecar back | conflict | read again and retry |
/// | nothing that is known | drift | run `omnigraph repair` |
/// | not known: the sidecars could not be listed | drift | why, and both ways in order |
pub(super) async fn explain(
    runtime: &Runtime,
    head: &ManifestHead,
    table: &Table,
    operation: OperationId,
    moved: Error,
) -> Moved {
    let path = table.path();
    // A newer pin means that another process wrote and published; that is an ordinary lost race.
    let is_published =
        |now: &ManifestHead| now.state().tables.get(path).is_some_and(|entry| entry.version != table.version());
    if head.latest().await.is_ok_and(|latest| is_published(&latest)) {
        return Moved::Beaten(moved);
    }
    let next = table.landed_after(table.version(), table.version() + 1).await;
    if next.is_ok_and(|landed| landed.iter().any(|version| version.operation == Some(operation))) {
        return Moved::Overtaken(overtaken(operation));
    }
    let what = format!("table `{path}` stands past version {}, which is the one that is visible", table.version());
    let advice = match covering(runtime, path, operation).await {
        Ok(Some(sidecar)) => {
            let (pending, left) = (sidecar.operation_id, grace_left(runtime, &sidecar));
            let error = Error::conflict(what).with_advice(settled_soon(&sidecar, left)).with_source(moved);
            return if left.is_zero() { Moved::Beaten(error) } else { Moved::Pending(error, pending) };
        }
        Ok(None) => {
            // Looked at once more, after the list: who has deleted a sidecar since the first look has published before.
            if let Ok(latest) = head.latest().await {
                let explained = is_published(&latest);
                // One that could not be adopted was published by somebody else meanwhile, or is met again by the next attempt.
                if explained || adopt(runtime, &latest, path).await.unwrap_or(true) {
                    return Moved::Beaten(moved);
                }
            }
            "no pending operation explains it: run `omnigraph repair` to look at it and decide".to_owned()
        }
        Err(e) => format!(
            "whether a pending operation explains it could not be found out ({e}): first run `omnigraph recover`, then, if it is \
             still so, `omnigraph repair`"
        ),
    };
    Moved::Drifted(Error::new(ErrorKind::Drift, what).with_advice(advice).with_source(moved))
}

/// The error of a write that another process took for dead and undid while it was at work.
pub(super) fn overtaken(operation: OperationId) -> Error {
    Error::conflict(format!("recovery in another process has undone operation {operation}")).with_operation(operation)
}

/// What to do beside a pending operation of somebody else.
fn settled_soon(sidecar: &Sidecar, left: Duration) -> String {
    let (operation, writer) = (sidecar.operation_id, sidecar.writer);
    if left.is_zero() {
        return format!("operation {operation} ({writer}) left it so: retry, which finishes or undoes it first");
    }
    format!(
        "operation {operation} ({writer}) of another process is at work on it, or died: retry; in {} ms at most it is \
         finished or undone",
        left.as_millis()
    )
}

/// A sidecar, other than that of `operation`, which commits to `path` on this branch.
async fn covering(runtime: &Runtime, path: &str, operation: OperationId) -> Result<Option<Sidecar>, Error> {
    let journal = Journal::new(&runtime.stack, Scope::Heal);
    let covers = |sidecar: &Sidecar| {
        sidecar.operation_id != operation
            && sidecar.branch.name == MAIN_BRANCH
            && sidecar.tables.iter().any(|planned| planned.path == path)
    };
    for name in journal.names().await? {
        if let Some(listed) = journal.read(&name).await? {
            let sidecar = listed.map_err(unreadable)?;
            if covers(&sidecar) {
                return Ok(Some(sidecar));
            }
        }
    }
    Ok(None)
}
