//! Creating a graph: datasets under names that nobody else uses, then the manifest, which makes it one.

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, Result};
use crate::failpoint::{Scope, Window, hit};
use crate::history::{Commit, CommitKind};
use crate::id::{CommitId, IncarnationId};
use crate::manifest::{GraphState, ManifestHead, SchemaPointer, Snapshot, TableEntry, contract_path};
use crate::runtime::Runtime;
use crate::schema::{Catalog, TypeDef, hash_of};
use crate::table::Table;
use crate::write::ANONYMOUS;

/// Creates a graph. Until the manifest exists there is none; what a failure leaves is referenced by nothing and in
/// nobody's way, and a graph that was completed is never deleted.
pub(crate) async fn create(runtime: &Runtime, schema: &str) -> Result<Snapshot> {
    let catalog = Catalog::parse(schema)?;
    match ManifestHead::open(&runtime.stack).await {
        Ok(_) => {
            let at = runtime.stack.identity();
            return Err(Error::new(ErrorKind::AlreadyExists, format!("there is a graph at {at} already"))
                .with_advice("open it, or choose another URI"));
        }
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        Err(e) => return Err(e),
    }
    let mut tables = Vec::new();
    match complete(runtime, &catalog, &mut tables).await {
        Ok(manifest) => {
            if let Err(e) = hit(Scope::Create, Window::CreateManifested).await {
                tracing::warn!(error = %e, "a creation failed after the graph was complete");
            }
            Ok(Snapshot::of_new_graph(runtime, manifest, catalog, tables))
        }
        Err(Incomplete { error, ours_is_not_there }) => {
            if ours_is_not_there {
                remove(runtime, &tables).await;
            }
            Err(error)
        }
    }
}

struct Incomplete {
    error: Error,
    /// Whether it is certain that no manifest references the datasets.
    ours_is_not_there: bool,
}

async fn complete(runtime: &Runtime, catalog: &Catalog, tables: &mut Vec<Table>) -> Result<ManifestHead, Incomplete> {
    let before = |error| Incomplete { error, ours_is_not_there: true };
    hit(Scope::Create, Window::CreateTables).await.map_err(before)?;
    let contract = catalog.to_contract_json();
    let hash = hash_of(&contract);
    // Content-addressed: writing it again writes the same.
    let put = runtime.stack.objects().put(&contract_path(&hash), contract).await;
    put.map_err(|e| before(Error::from(e).context("put the schema contract")))?;
    let mut entries = BTreeMap::new();
    for definition in catalog.types() {
        let path = fresh_path(runtime, definition);
        let table = Table::create(&runtime.stack, &path, definition.arrow_schema()).await.map_err(before)?;
        let entry = TableEntry::new(&definition.name, &path, table.version());
        entries.insert(path, entry);
        tables.push(table);
    }
    hit(Scope::Create, Window::CreateManifest).await.map_err(before)?;
    let commit = Commit {
        id: CommitId::new(runtime.ids.ulid()),
        parents: Vec::new(),
        kind: CommitKind::Created,
        writer: None,
        actor: ANONYMOUS.to_owned(),
        operation_id: None,
        graph_version: 1,
        at: runtime.clock.now(),
    };
    let incarnation = IncarnationId::new(runtime.ids.ulid());
    let state = GraphState::created(incarnation, SchemaPointer { hash }, entries, commit);
    ManifestHead::create(&runtime.stack, state).await.map_err(|error| {
        if error.kind() == ErrorKind::AlreadyExists {
            return Incomplete { error, ours_is_not_there: true };
        }
        let error = Error::new(ErrorKind::InDoubt, "the graph may have been created")
            .with_advice("open it; if there is none, create it again")
            .with_source(error);
        Incomplete { error, ours_is_not_there: false }
    })
}

/// A path for a new dataset of a type. The suffix makes it new every time, so that no leftover is ever in the way.
fn fresh_path(runtime: &Runtime, definition: &TypeDef) -> String {
    let folder = if definition.is_node() { "nodes" } else { "edges" };
    format!("{folder}/{}-{}.lance", definition.name, runtime.ids.ulid())
}

async fn remove(runtime: &Runtime, tables: &[Table]) {
    for table in tables {
        if let Err(leftover) = runtime.stack.objects().delete_prefix(table.path()).await {
            tracing::warn!(table = table.path(), %leftover, "a dataset of a graph that was not created remains");
        }
    }
}
