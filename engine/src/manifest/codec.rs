//! The manifest's rows: text columns, one JSON body a row.
//!
//! `entry` says what a row is, `key` names it, `body` is JSON: `graph`, a `table` each, and a `commit` each of the chunk, oldest first. A
//! row `block` has its text in the column `block` instead, which nobody reads who wants the state alone. Bodies are read strictly;
//! those of a former program become what they mean today.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::chunk::{self, Block};
use super::{GraphState, SchemaPointer, TableEntry};
use crate::error::{Error, Result};
use crate::history::Commit;
use crate::id::IncarnationId;

/// The manifest's format. A reader knows this one and [`FORMER_FORMAT_VERSION`], and refuses every other.
const FORMAT_VERSION: u64 = 2;
/// The format before: one commit a version, and tables without a Lance branch.
const FORMER_FORMAT_VERSION: u64 = 1;

/// The columns that say the state.
pub(super) const STATE_COLUMNS: [&str; 2] = ["entry", "body"];
/// The columns that say the block.
pub(super) const BLOCK_COLUMNS: [&str; 2] = ["key", "block"];

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let text = |name: &str, nullable: bool| Field::new(name, DataType::Utf8, nullable);
    Arc::new(Schema::new(vec![text("entry", false), text("key", false), text("body", false), text("block", true)]))
});

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GraphRow {
    format_version: u64,
    incarnation: IncarnationId,
    schema: SchemaPointer,
    chunked_from: u64,
}

/// The row `graph` of a former program.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormerGraphRow {
    #[serde(rename = "format_version")]
    _format_version: u64,
    incarnation: IncarnationId,
    schema: SchemaPointer,
}

/// A row `table` of a former program: there was one Lance branch, and whatever moved a pin counted as a change of rows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormerTableRow {
    type_name: String,
    path: String,
    version: u64,
}

/// The rows that say `state`, and `block` where the version ends a chunk.
pub(super) fn encode(state: &GraphState, block: Option<&Block>) -> Result<RecordBatch> {
    let json = |value: serde_json::Result<String>| value.map_err(|e| Error::internal(format!("manifest row: {e}")));
    let graph = GraphRow {
        format_version: FORMAT_VERSION,
        incarnation: state.incarnation,
        schema: state.schema.clone(),
        chunked_from: state.chunked_from,
    };
    let mut rows = vec![("graph", "main".to_owned(), json(serde_json::to_string(&graph))?, None)];
    for commit in &state.recent {
        rows.push(("commit", commit.id.to_string(), json(serde_json::to_string(commit))?, None));
    }
    for table in state.tables.values() {
        rows.push(("table", table.path.clone(), json(serde_json::to_string(table))?, None));
    }
    if let Some(block) = block {
        rows.push(("block", block.first.to_string(), String::new(), Some(block.lines.as_ref())));
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.1))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.2))),
        Arc::new(rows.iter().map(|row| row.3).collect::<StringArray>()),
    ];
    RecordBatch::try_new(Arc::clone(&SCHEMA), columns).map_err(|e| Error::internal(format!("manifest rows: {e}")))
}

/// The state that the rows of `version` say.
pub(super) fn decode(version: u64, batch: &RecordBatch) -> Result<GraphState> {
    let rows = Rows { version, batch };
    let graph = rows.bodies("graph")?;
    let [graph] = graph[..] else { return Err(rows.corrupt("it has not exactly one row `graph`")) };
    let known = ["graph", "commit", "table", "block"];
    if let Some(other) = rows.column("entry")?.iter().flatten().find(|entry| !known.contains(entry)) {
        return Err(rows.corrupt(format_args!("unknown row `{other}`")));
    }
    // The format comes first: another one may differ in everything else.
    let value: serde_json::Value = rows.parse("graph", graph)?;
    match value.get("format_version").and_then(serde_json::Value::as_u64) {
        Some(FORMAT_VERSION) => rows.state(rows.parse("graph", graph)?),
        Some(FORMER_FORMAT_VERSION) => rows.former_state(rows.parse("graph", graph)?),
        Some(other) => Err(rows.corrupt(format_args!(
            "its format version is {other} and this program knows {FORMER_FORMAT_VERSION} and {FORMAT_VERSION}"
        ))),
        None => Err(rows.corrupt("it names no format version")),
    }
}

/// The block that the rows of `version` say, if it has one.
pub(super) fn decode_block(version: u64, batch: &RecordBatch) -> Result<Option<Block>> {
    let rows = Rows { version, batch };
    let keys = rows.column("key")?;
    let row = rows.column("block")?.iter().zip(keys.iter()).find_map(|(lines, key)| Some((lines?, key?)));
    let Some((lines, first)) = row else { return Ok(None) };
    let first = first.parse().map_err(|_| rows.corrupt(format_args!("a block begins with version `{first}`")))?;
    let block = Block { first, lines: lines.into() };
    if first.checked_add(block.length()) != Some(version + 1) {
        return Err(rows.corrupt(format_args!("its block has {} lines from version {first} on", block.length())));
    }
    Ok(Some(block))
}

struct Rows<'a> {
    version: u64,
    batch: &'a RecordBatch,
}

impl<'a> Rows<'a> {
    fn corrupt(&self, what: impl std::fmt::Display) -> Error {
        Error::corrupt(format!("version {} of the graph manifest cannot be read: {what}", self.version))
            .with_advice("restore the object from a backup")
    }

    fn column(&self, name: &str) -> Result<&'a StringArray> {
        let column = self.batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        column.ok_or_else(|| self.corrupt(format_args!("column `{name}` is missing")))
    }

    /// The bodies of the rows that are an `entry`, in their order.
    fn bodies(&self, entry: &str) -> Result<Vec<&'a str>> {
        let rows = self.column("entry")?.iter().zip(self.column("body")?.iter());
        rows.filter(|(found, _)| *found == Some(entry))
            .map(|(_, body)| body.ok_or_else(|| self.corrupt(format_args!("row `{entry}` has no body"))))
            .collect()
    }

    fn parse<T: DeserializeOwned>(&self, entry: &str, body: &str) -> Result<T> {
        serde_json::from_str(body).map_err(|e| self.corrupt(format_args!("row `{entry}`: {e}")))
    }

    fn all<T: DeserializeOwned>(&self, entry: &str) -> Result<Vec<T>> {
        self.bodies(entry)?.into_iter().map(|body| self.parse(entry, body)).collect()
    }

    fn state(&self, graph: GraphRow) -> Result<GraphState> {
        let recent: Vec<Commit> = self.all("commit")?;
        let versions = recent.iter().map(|commit| commit.graph_version);
        let commit = recent.last().cloned().ok_or_else(|| self.corrupt("row `commit` is missing"))?;
        let GraphRow { format_version: _, incarnation, schema, chunked_from } = graph;
        if !(1..=self.version).contains(&chunked_from) {
            return Err(self.corrupt(format_args!("its chunks begin with version {chunked_from}")));
        }
        let first = chunk::end_before(self.version).saturating_add(1).max(chunked_from);
        if !versions.is_sorted() || recent[0].graph_version != first || commit.graph_version != self.version {
            return Err(self.corrupt("its commits are those of other versions"));
        }
        let tables: Vec<TableEntry> = self.all("table")?;
        Ok(GraphState {
            version: self.version,
            incarnation,
            schema,
            tables: by_path(tables),
            commit,
            recent,
            chunked_from,
        })
    }

    fn former_state(&self, graph: FormerGraphRow) -> Result<GraphState> {
        let commits: Vec<Commit> = self.all("commit")?;
        let commit = commits.into_iter().next_back().ok_or_else(|| self.corrupt("row `commit` is missing"))?;
        let tables: Vec<FormerTableRow> = self.all("table")?;
        let tables = tables.into_iter().map(|table| TableEntry::new(table.type_name, table.path, table.version));
        Ok(GraphState {
            version: self.version,
            incarnation: graph.incarnation,
            schema: graph.schema,
            tables: by_path(tables),
            commit,
            recent: Vec::new(),
            chunked_from: self.version + 1,
        })
    }
}

fn by_path(tables: impl IntoIterator<Item = TableEntry>) -> BTreeMap<String, TableEntry> {
    tables.into_iter().map(|table| (table.path.clone(), table)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn sound() -> GraphState {
        let table = TableEntry { rows_version: 2, ..TableEntry::new("Person", "nodes/Person-1.lance", 3) };
        let earlier = Commit { graph_version: 6, ..Commit::example() };
        GraphState {
            version: 7,
            incarnation: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            schema: SchemaPointer { hash: "abc".into() },
            tables: BTreeMap::from([(table.path.clone(), table)]),
            commit: Commit::example(),
            recent: vec![earlier, Commit::example()],
            chunked_from: 6,
        }
    }

    fn rows(rows: &[(&str, &str)]) -> RecordBatch {
        let column = |values: Vec<&str>| Arc::new(StringArray::from(values)) as ArrayRef;
        let (entries, bodies) = rows.iter().copied().unzip();
        RecordBatch::try_from_iter([("entry", column(entries)), ("body", column(bodies))]).unwrap()
    }

    fn refused(batch: &RecordBatch) -> String {
        let error = decode(7, batch).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        error.message().to_owned()
    }

    #[test]
    fn a_state_reads_back_as_it_was_written_with_and_without_a_block() {
        let state = sound();
        let block = Block { first: 6, lines: "01ARZ3NDEKTSV4RRFFQ69G5FAV\n\n".into() };
        assert_eq!(decode(7, &encode(&state, None).unwrap()).unwrap(), state);
        let batch = encode(&state, Some(&block)).unwrap();
        assert_eq!(decode(7, &batch).unwrap(), state);
        assert_eq!(decode_block(7, &batch).unwrap(), Some(block));
        assert_eq!(decode_block(7, &encode(&state, None).unwrap()).unwrap(), None);
    }

    #[test]
    fn a_block_that_covers_other_versions_than_it_says_is_corrupt() {
        let batch = encode(&sound(), Some(&Block { first: 5, lines: "\n\n".into() })).unwrap();
        assert_eq!(decode_block(7, &batch).unwrap_err().kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn a_manifest_without_its_commit_or_with_that_of_another_version_is_corrupt() {
        let without = GraphState { recent: Vec::new(), ..sound() };
        assert!(refused(&encode(&without, None).unwrap()).ends_with("row `commit` is missing"));
        let of = |versions: &[u64]| {
            let commits = versions.iter().map(|version| Commit { graph_version: *version, ..Commit::example() });
            GraphState { recent: commits.collect(), ..sound() }
        };
        for others in [&[8][..], &[7], &[6, 8], &[6, 7, 6, 7], &[5, 6, 7]] {
            let refused = refused(&encode(&of(others), None).unwrap());
            assert!(refused.ends_with("its commits are those of other versions"), "{others:?}: {refused}");
        }
        for chunked_from in [0, 8] {
            let beyond = GraphState { chunked_from, ..sound() };
            assert!(refused(&encode(&beyond, None).unwrap()).contains("its chunks begin with version"));
        }
    }

    #[test]
    fn a_manifest_of_the_future_is_refused_whatever_else_it_says() {
        let future = rows(&[("graph", r#"{"format_version": 3, "more": true}"#)]);
        assert!(refused(&future).ends_with("its format version is 3 and this program knows 1 and 2"));
        assert!(refused(&rows(&[("graph", "{}")])).ends_with("it names no format version"));
        assert!(refused(&rows(&[("graph", "{}"), ("branch", "{}")])).ends_with("unknown row `branch`"));
        assert!(refused(&rows(&[])).ends_with("it has not exactly one row `graph`"));
    }

    #[test]
    fn a_manifest_of_a_former_program_says_what_it_meant() {
        let commit = serde_json::to_string(&Commit::example()).unwrap();
        let state = decode(
            7,
            &rows(&[
                (
                    "graph",
                    r#"{"format_version": 1, "incarnation": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "schema": {"hash": "abc"}}"#,
                ),
                ("commit", &commit),
                ("table", r#"{"type_name": "Person", "path": "nodes/Person-1.lance", "version": 3}"#),
            ]),
        );
        let state = state.unwrap();
        assert_eq!((&state.commit, state.recent.len(), state.chunked_from), (&Commit::example(), 0, 8));
        assert_eq!(state.commits(), [Commit::example()]);
        let entry = TableEntry::new("Person", "nodes/Person-1.lance", 3);
        assert_eq!(state.tables.into_values().collect::<Vec<_>>(), [entry]);
    }
}
