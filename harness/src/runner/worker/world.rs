//! The whole graph at one moment without writers, for the oracle.

use std::collections::BTreeMap;

use omnigraph::{Graph, Snapshot};
use serde_json::Value;

use crate::oracle::evidence::{CommitFact, RecoveredTable, RecoveryFact, TablePin, World};
use crate::oracle::facts::{SchemaFacts, TypeFacts};
use crate::oracle::rows::Row;
use crate::workload::rows::rows_of;

/// Rows of a type that are looked up one by one.
const LOOKUPS_MAX: usize = 100;
/// Commits that are read.
const COMMITS_MAX: usize = 100_000;

/// Everything but the objects.
///
/// # Errors
/// Something cannot be read; the error's whole text.
pub async fn world(graph: &Graph, schema: &SchemaFacts) -> Result<World, String> {
    let snapshot = graph.snapshot();
    let rows = all_rows(&snapshot).await?;
    Ok(World {
        graph_version: snapshot.version(),
        tables: tables(&snapshot),
        looked_up: looked_up(&snapshot, schema, &rows).await,
        rows,
        commits: commits(graph).await?,
        recoveries: recoveries(graph).await?,
        objects: Vec::new(),
    })
}

/// Every type's rows, by a full scan.
///
/// # Errors
/// As [`world`].
pub async fn all_rows(snapshot: &Snapshot) -> Result<BTreeMap<String, Vec<Row>>, String> {
    let mut rows = BTreeMap::new();
    for pin in snapshot.tables() {
        let batches = snapshot.query(&format!("SELECT * FROM {}", pin.type_name)).await;
        rows.insert(pin.type_name.clone(), rows_of(&batches.map_err(|error| format!("{error:?}"))?)?);
    }
    Ok(rows)
}

/// The history, newest first.
///
/// # Errors
/// As [`world`].
pub async fn commits(graph: &Graph) -> Result<Vec<CommitFact>, String> {
    let commits = graph.commits(COMMITS_MAX).await.map_err(|error| format!("{error:?}"))?;
    let fact = |commit: omnigraph::history::Commit| CommitFact {
        id: commit.id.to_string(),
        parents: commit.parents.iter().map(ToString::to_string).collect(),
        actor: commit.actor,
        kind: name_of(&commit.kind),
        writer: commit.writer.map(|writer| writer.to_string()),
        operation_id: commit.operation_id.map(|operation| operation.to_string()),
        graph_version: commit.graph_version,
    };
    Ok(commits.into_iter().map(fact).collect())
}

/// The audit rows, in the engine's order.
///
/// # Errors
/// As [`world`].
pub async fn recoveries(graph: &Graph) -> Result<Vec<RecoveryFact>, String> {
    let recoveries = graph.recoveries().await.map_err(|error| format!("{error:?}"))?;
    let fact = |row: omnigraph::recovery::Recovery| RecoveryFact {
        operation_id: row.operation_id.to_string(),
        kind: row.kind.as_str().to_owned(),
        writer: row.writer.to_string(),
        actor: row.actor,
        commit: row.commit.map(|commit| commit.to_string()),
        tables: row
            .tables
            .into_iter()
            .map(|table| RecoveredTable { table: table.path, from: table.from, to: table.to })
            .collect(),
    };
    Ok(recoveries.into_iter().map(fact).collect())
}

fn tables(snapshot: &Snapshot) -> Vec<TablePin> {
    let pin = |entry: &omnigraph::manifest::TableEntry| TablePin {
        type_name: entry.type_name.clone(),
        path: entry.path.clone(),
        pin: entry.version,
    };
    snapshot.tables().map(pin).collect()
}

/// The same rows, each looked up by its identity; none when a lookup fails or there are too many rows.
async fn looked_up(
    snapshot: &Snapshot,
    schema: &SchemaFacts,
    rows: &BTreeMap<String, Vec<Row>>,
) -> Option<BTreeMap<String, Vec<Row>>> {
    let mut found = BTreeMap::new();
    for (type_name, rows) in rows {
        let facts = schema.types.get(type_name)?;
        if rows.len() > LOOKUPS_MAX {
            return None;
        }
        if rows.is_empty() {
            found.insert(type_name.clone(), Vec::new());
            continue;
        }
        let conditions: Vec<String> = rows.iter().map(|row| identity(facts, row)).collect::<Option<_>>()?;
        let sql = format!("SELECT * FROM {type_name} WHERE {}", conditions.join(" OR "));
        let batches = snapshot.query(&sql).await.ok()?;
        found.insert(type_name.clone(), rows_of(&batches).ok()?);
    }
    Some(found)
}

/// The condition that only this row fulfils; none for an identity that has no plain literal.
fn identity(facts: &TypeFacts, row: &Row) -> Option<String> {
    let columns = facts.identity_columns();
    let parts: Vec<String> = columns
        .into_iter()
        .map(|column| match row.get(column)? {
            Value::String(text) => Some(format!("{column} = '{}'", text.replace('\'', "''"))),
            Value::Number(number) => Some(format!("{column} = {number}")),
            _ => None,
        })
        .collect::<Option<_>>()?;
    Some(format!("({})", parts.join(" AND ")))
}

fn name_of(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::facts::TypeKind;
    use serde_json::json;

    #[test]
    fn an_identity_is_a_condition_with_its_quotes_doubled() {
        let facts = |kind| TypeFacts { kind, properties: BTreeMap::new() };
        let row: Row = serde_json::from_value(json!({"name": "o'neill", "src": "a", "dst": 2})).expect("an object");
        let node = facts(TypeKind::Node { key: "name".into() });
        assert_eq!(identity(&node, &row).as_deref(), Some("(name = 'o''neill')"));
        let edge = facts(TypeKind::Edge { from: "A".into(), to: "B".into() });
        assert_eq!(identity(&edge, &row).as_deref(), Some("(src = 'a' AND dst = 2)"));
    }
}
