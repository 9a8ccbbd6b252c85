//! The drift guard: why a table had moved when a write came to commit to it, and what to do.

use crate::error::{Error, ErrorKind};
use crate::failpoint::Scope;
use crate::id::OperationId;
use crate::intent::Sidecar;
use crate::manifest::{MAIN_BRANCH, ManifestHead};
use crate::recovery::{Journal, unreadable};
use crate::runtime::Runtime;
use crate::table::Table;

/// Explains `moved`: a conflict with a write that is published, or drift past the pin with the advice that fits.
///
/// | what covers the drift | advice |
/// |---|---|
/// | a sidecar on the same table and branch | retry, which finishes it if it can; else reopen read-write |
/// | nothing | run `omnigraph repair` |
/// | not known: the sidecars could not be listed | why, and both ways in order |
pub(super) async fn explain(
    runtime: &Runtime,
    head: &ManifestHead,
    table: &Table,
    operation: OperationId,
    moved: Error,
) -> Error {
    let path = table.path();
    // A newer pin means that another process wrote and published; that is an ordinary lost race.
    if let Ok(latest) = head.latest().await
        && latest.state().tables.get(path).is_some_and(|entry| entry.version != table.version())
    {
        return moved;
    }
    let what = format!("table `{path}` stands past version {}, which is the one that is visible", table.version());
    let advice = match covering(runtime, path, operation).await {
        Ok(Some(sidecar)) => format!(
            "operation {} ({}) left it so: retry, which finishes it where that needs no restore; if it stays so, reopen \
             the graph read-write, which finishes or undoes it",
            sidecar.operation_id, sidecar.writer
        ),
        Ok(None) => "no pending operation explains it: run `omnigraph repair` to look at it and decide".to_owned(),
        Err(e) => format!(
            "whether a pending operation explains it could not be found out ({e}): first reopen the graph read-write, \
             then, if it is still so, run `omnigraph repair`"
        ),
    };
    Error::new(ErrorKind::Drift, what).with_advice(advice).with_source(moved)
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
