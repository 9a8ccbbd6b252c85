//! The seal of an undoing that died, without a sidecar to explain it.
//!
//! A writer that knows that nothing of it landed takes its sidecar back. Another process may have taken it for dead at that moment,
//! have sealed its tables, and then died itself. What is left has the content that is visible, so it may be made visible by
//! whoever meets it.

use std::collections::BTreeMap;

use super::act::{Act, publish_delta, repairing};
use crate::error::Result;
use crate::failpoint::Scope;
use crate::manifest::{Delta, ManifestHead};
use crate::runtime::Runtime;
use crate::table::Table;

/// Makes HEAD of the table at `path` visible, when all that stands past its pin are restores of the pin that recovery made. Whether
/// it did. The caller holds the table's queue, and has found that no sidecar covers it, before it read `manifest`.
pub(crate) async fn adopt(runtime: &Runtime, manifest: &ManifestHead, path: &str) -> Result<bool> {
    let Some(pin) = manifest.state().tables.get(path).map(|entry| entry.version) else { return Ok(false) };
    let head = Table::open_head(&runtime.stack, path).await?;
    let past_pin = head.landed_after(pin, head.version()).await?;
    let is_seal = |landed: &crate::table::LandedVersion| landed.operation.is_some() && landed.restored == Some(pin);
    if past_pin.is_empty() || !past_pin.iter().all(is_seal) {
        return Ok(false);
    }
    tracing::info!(path, pin, head = head.version(), "what a dead undoing left is made visible");
    let act = Act { runtime, scope: Scope::Heal };
    let pins = BTreeMap::from([(path.to_owned(), head.version())]);
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
    async fn a_restore_of_something_older_than_what_is_visible_is_not_made_visible() {
        let graph = graph().await;
        insert(&graph, "ann").await.unwrap();
        let pin = graph.snapshot().state().table_of_type("Person").unwrap().version;
        restore(&graph, pin - 1).await;
        assert_eq!(insert(&graph, "bob").await.unwrap_err().kind(), ErrorKind::Drift);
        assert_eq!(graph.inspect().await.unwrap().drift.len(), 1);
    }
}
