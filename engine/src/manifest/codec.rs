//! The manifest's rows: three text columns, one JSON body a row.
//!
//! `entry` says what a row is (`graph`, `table`, `commit`), `key` names it, `body` is JSON. Bodies are read strictly.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use arrow_array::cast::AsArray;
use arrow_array::{RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::{GraphState, SchemaPointer, TableEntry};
use crate::error::{Error, Result};
use crate::history::Commit;
use crate::id::IncarnationId;

/// The manifest's format. A reader refuses every other one.
const FORMAT_VERSION: u32 = 1;

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    Arc::new(Schema::new(vec![text("entry"), text("key"), text("body")]))
});

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GraphRow {
    format_version: u32,
    incarnation: IncarnationId,
    schema: SchemaPointer,
}

/// The rows that say `state`.
pub(super) fn encode(state: &GraphState) -> Result<RecordBatch> {
    let json = |value: serde_json::Result<String>| value.map_err(|e| Error::internal(format!("manifest row: {e}")));
    let graph =
        GraphRow { format_version: FORMAT_VERSION, incarnation: state.incarnation, schema: state.schema.clone() };
    let mut entries = vec!["graph", "commit"];
    let mut keys = vec!["main".to_owned(), state.commit.id.to_string()];
    let mut bodies = vec![json(serde_json::to_string(&graph))?, json(serde_json::to_string(&state.commit))?];
    for table in state.tables.values() {
        entries.push("table");
        keys.push(table.path.clone());
        bodies.push(json(serde_json::to_string(table))?);
    }
    let columns: Vec<Arc<dyn arrow_array::Array>> = vec![
        Arc::new(StringArray::from(entries)),
        Arc::new(StringArray::from(keys)),
        Arc::new(StringArray::from(bodies)),
    ];
    RecordBatch::try_new(Arc::clone(&SCHEMA), columns).map_err(|e| Error::internal(format!("manifest rows: {e}")))
}

/// The state that the rows of `version` say.
pub(super) fn decode(version: u64, batch: &RecordBatch) -> Result<GraphState> {
    let corrupt = |what: String| {
        Error::corrupt(format!("version {version} of the graph manifest cannot be read: {what}"))
            .with_advice("restore the object from a backup")
    };
    let column = |name: &str| {
        batch
            .column_by_name(name)
            .and_then(|column| column.as_string_opt::<i32>())
            .ok_or_else(|| corrupt(format!("column `{name}` is missing")))
    };
    let (entries, bodies) = (column("entry")?, column("body")?);
    let mut graph: Option<GraphRow> = None;
    let mut commit: Option<Commit> = None;
    let mut tables = BTreeMap::new();
    for (entry, body) in entries.iter().zip(bodies.iter()) {
        let (Some(entry), Some(body)) = (entry, body) else {
            return Err(corrupt("a row has no entry or no body".into()));
        };
        let bad = |e: serde_json::Error| corrupt(format!("row `{entry}`: {e}"));
        match entry {
            "graph" => graph = Some(serde_json::from_str(body).map_err(bad)?),
            "commit" => commit = Some(serde_json::from_str(body).map_err(bad)?),
            "table" => {
                let table: TableEntry = serde_json::from_str(body).map_err(bad)?;
                tables.insert(table.path.clone(), table);
            }
            other => return Err(corrupt(format!("unknown row `{other}`"))),
        }
    }
    let graph = graph.ok_or_else(|| corrupt("row `graph` is missing".into()))?;
    if graph.format_version != FORMAT_VERSION {
        return Err(corrupt(format!("format version {} is not {FORMAT_VERSION}", graph.format_version)));
    }
    let commit = commit.ok_or_else(|| corrupt("row `commit` is missing".into()))?;
    Ok(GraphState { version, incarnation: graph.incarnation, schema: graph.schema, tables, commit })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> GraphState {
        let table = TableEntry { type_name: "Person".into(), path: "nodes/Person-1.lance".into(), version: 3 };
        GraphState {
            version: 7,
            incarnation: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            schema: SchemaPointer { hash: "abc".into() },
            tables: BTreeMap::from([(table.path.clone(), table)]),
            commit: Commit::example(),
        }
    }

    #[test]
    fn a_state_reads_back_as_it_was_written() {
        let state = sound();
        assert_eq!(decode(7, &encode(&state).unwrap()).unwrap(), state);
    }

    #[test]
    fn a_manifest_without_its_commit_is_corrupt() {
        let batch = encode(&sound()).unwrap();
        let without = batch.slice(2, batch.num_rows() - 2);
        assert_eq!(decode(7, &without).unwrap_err().kind(), crate::ErrorKind::Corrupt);
    }
}
