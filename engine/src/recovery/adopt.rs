//! What an undoing left that died, without a sidecar to explain it.
//!
//! A writer that knows that nothing of it landed takes its sidecar back. Another process may have taken it for dead at that moment,
//! have sealed or restored its tables, and then died itself. What stands past a pin are then restores that recovery made and nothing
//! else, so no row hangs on them: whoever meets them makes the content of the pin the newest version, and that visible.

use std::collections::BTreeMap;

use super::act::{Act, publish_delta, repairing};
use crate::error::Result;
use crate::failpoint::Scope;
use crate::manifest::{Delta, ManifestHead};
use crate::runtime::Runtime;
use crate::table::{LandedVersion, Table};

/// Makes HEAD of the table at `path` visible, with the content of its pin, when all that stands past the pin are restores that recovery
/// made. Whether it did. The caller holds the table's queue, and has found that no sidecar covers it, before it read `manifest`.
///
/// # Errors
/// [`crate::ErrorKind::Conflict`] when somebody else was faster, else the store's trouble.
pub(crate) async fn adopt(runtime: &Runtime, manifest: &ManifestHead, path: &str) -> Result<bool> {
    let Some(pin) = manifest.state().tables.get(path).map(|entry| entry.version) else { return Ok(false) };
    let head = Table::open_head(&runtime.stack, path).await?;
    let past_pin = head.landed_after(pin, head.version()).await?;
    let is_undoing = |landed: &LandedVersion| landed.operation.is_some() && landed.restored.is_some();
    let newest = past_pin.last().filter(|_| past_pin.iter().all(is_undoing));
    let Some((newest, operation)) = newest.and_then(|newest| Some((newest, newest.operation?))) else {
        return Ok(false);
    };
    tracing::info!(path, pin, head = head.version(), "what a dead undoing left is made visible");
    let visible = if newest.restored == Some(pin) {
        head
    } else {
        // A writer published beneath a restore of something older.
        Table::restore(&runtime.stack, path, pin, head.version(), operation, runtime.ids.as_ref()).await?
    };
    let pins = BTreeMap::from([(path.to_owned(), visible.version())]);
    let act = Act { runtime, scope: Scope::Heal };
    publish_delta(&act, manifest, &Delta::of_same_rows(pins, repairing(runtime))).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use crate::history::CommitKind;
    use crate::id::OperationId;
    use crate::table::Table;
    use crate::{ErrorKind, Graph, Mutate};

    async fn graph() -> Graph {
        let uri = format!("memory://adopt-{}", uuid::Uuid::new_v4());
        Graph::builder(uri).create("node Person { name: String @key }").await.unwrap()
    }

    async fn insert(graph: &Graph, name: &str) -> crate::Result<crate::WriteReport> {
        graph.mutate(Mutate::sql(format!("INSERT INTO Person (name) VALUES ('{name}')"))).await
    }

    /// A restore of `version` above the pin, as recovery makes it for some operation.
    async fn restore(graph: &Graph, version: u64) {
        let runtime = &graph.handle().runtime;
        let entry = graph.snapshot().state().table_of_type("Person").unwrap().clone();
        let operation = OperationId::new(runtime.ids.ulid());
        let ids = runtime.ids.as_ref();
        Table::restore(&runtime.stack, &entry.path, version, entry.version, operation, ids).await.unwrap();
    }

    #[tokio::test]
    async fn the_seal_of_an_undoing_that_died_is_in_nobodys_way() {
        let graph = graph().await;
        insert(&graph, "ann").await.unwrap();
        let pin = graph.snapshot().state().table_of_type("Person").unwrap().version;
        restore(&graph, pin).await;
        insert(&graph, "bob").await.unwrap();
        assert_eq!(graph.inspect().await.unwrap().drift, []);
        let kinds: Vec<CommitKind> = graph.commits(2).await.unwrap().iter().map(|commit| commit.kind).collect();
        assert_eq!(kinds, [CommitKind::Written, CommitKind::Repaired]);
    }

    #[tokio::test]
    async fn a_restore_of_something_older_takes_no_row_away_that_is_visible() {
        let graph = graph().await;
        insert(&graph, "ann").await.unwrap();
        let pin = graph.snapshot().state().table_of_type("Person").unwrap().version;
        restore(&graph, pin - 1).await;
        insert(&graph, "bob").await.unwrap();
        assert_eq!(graph.inspect().await.unwrap().drift, []);
        let rows = graph.query("SELECT name FROM Person ORDER BY name").await.unwrap();
        assert_eq!(rows.iter().map(arrow_array::RecordBatch::num_rows).sum::<usize>(), 2);
    }

    /// A commit that no operation explains may hold rows: whether they are to be seen, an operator decides.
    #[tokio::test]
    async fn what_is_more_than_an_undoing_is_left_to_an_operator() {
        let graph = graph().await;
        insert(&graph, "ann").await.unwrap();
        let runtime = &graph.handle().runtime;
        let entry = graph.snapshot().state().table_of_type("Person").unwrap().clone();
        let table = Table::open(&runtime.stack, &entry.path, entry.version).await.unwrap();
        let everything = table.addresses(datafusion::logical_expr::lit(true)).await.unwrap();
        let deleted = table.stage_delete(&everything).await.unwrap();
        let foreign = table.plan(crate::table::TableChange::Delete(deleted), runtime.ids.as_ref());
        foreign.commit(&runtime.stack).await.unwrap();
        assert_eq!(insert(&graph, "bob").await.unwrap_err().kind(), ErrorKind::Drift);
        assert_eq!(graph.inspect().await.unwrap().drift.len(), 1);
    }
}
