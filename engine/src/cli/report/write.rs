//! What a write did.

use std::collections::BTreeMap;
use std::fmt::Write;

use omnigraph::printable::escaped;
use omnigraph::{Graph, WriteReport};
use serde::Serialize;

use super::done;

/// A graph that was created.
#[derive(Serialize)]
pub struct Created {
    graph_version: u64,
    types: Vec<String>,
}

impl Created {
    pub fn of(graph: &Graph) -> Created {
        let snapshot = graph.snapshot();
        let types = snapshot.tables().map(|table| table.type_name.clone()).collect();
        Created { graph_version: snapshot.version(), types }
    }

    pub fn to_text(&self) -> String {
        format!("created a graph of {} types\n", self.types.len())
    }
}

/// A load or a mutation.
#[derive(Serialize)]
pub struct Written {
    graph_version: u64,
    commit_id: Option<String>,
    operation_id: Option<String>,
    rows: BTreeMap<String, Counts>,
    repeated: bool,
    recovered: Healed,
}

#[derive(Serialize)]
struct Counts {
    inserted: u64,
    updated: u64,
    deleted: u64,
}

/// What the write found left behind by others before it began.
#[derive(Serialize)]
struct Healed {
    resolved: Vec<Resolved>,
    deferred: Vec<Deferred>,
}

#[derive(Serialize)]
struct Resolved {
    operation_id: String,
    kind: &'static str,
}

#[derive(Serialize)]
struct Deferred {
    operation_id: String,
    why: String,
}

impl Written {
    pub fn of(report: &WriteReport) -> Written {
        let rows = report.rows.iter().map(|(name, rows)| {
            (name.clone(), Counts { inserted: rows.inserted, updated: rows.updated, deleted: rows.deleted })
        });
        let resolved = report.recovered.resolved.iter();
        let deferred = report.recovered.deferred.iter();
        Written {
            graph_version: report.graph_version,
            commit_id: report.commit_id.map(|id| id.to_string()),
            operation_id: report.operation_id.map(|id| id.to_string()),
            rows: rows.collect(),
            repeated: report.repeated,
            recovered: Healed {
                resolved: resolved
                    .map(|(id, kind)| Resolved { operation_id: id.to_string(), kind: done(*kind) })
                    .collect(),
                deferred: deferred
                    .map(|left| Deferred { operation_id: left.operation.to_string(), why: left.why.clone() })
                    .collect(),
            },
        }
    }

    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for Resolved { operation_id, kind } in &self.recovered.resolved {
            let _ = writeln!(text, "recovered operation {operation_id}: {kind}");
        }
        for Deferred { operation_id, why } in &self.recovered.deferred {
            let _ = writeln!(text, "operation {operation_id} stays pending: {}", escaped(why));
        }
        for (name, Counts { inserted, updated, deleted }) in &self.rows {
            let _ = writeln!(text, "{}: {inserted} inserted, {updated} updated, {deleted} deleted", escaped(name));
        }
        if self.repeated {
            text.push_str("it was done before, and nothing was done now\n");
        }
        let _ = match (&self.commit_id, &self.operation_id) {
            (Some(commit), Some(operation)) => {
                writeln!(text, "version {}, commit {commit}, operation {operation}", self.graph_version)
            }
            _ => writeln!(text, "nothing to change; the graph stays at version {}", self.graph_version),
        };
        text
    }

    /// In one line, for whoever gets nothing else to see.
    pub fn in_short(&self) -> String {
        match (&self.commit_id, &self.operation_id) {
            (Some(commit), Some(operation)) => {
                format!("the write is durable: version {}, commit {commit}, operation {operation}", self.graph_version)
            }
            _ => format!("there was nothing to change; the graph stays at version {}", self.graph_version),
        }
    }
}
