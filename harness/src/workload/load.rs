//! Loads rows through a handle.

use omnigraph::Graph;

use super::{Called, Done, Recovered};
use crate::event::{Outcome, WriteData};
use crate::scenario::model::{Load, LoadMode};

/// Loads the step's rows as JSON lines, the way a client sends them.
pub async fn load(graph: &Graph, load: &Load, called: Called<'_>) -> Done {
    let mode = match load.mode {
        LoadMode::Append => omnigraph::LoadMode::Append,
        LoadMode::Merge => omnigraph::LoadMode::Merge,
        LoadMode::Overwrite => omnigraph::LoadMode::Overwrite,
    };
    let mut lines = String::new();
    for line in load.lines() {
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    let (actor, operation_id) = (called.actor.map(str::to_owned), called.operation);
    let request = omnigraph::Load { mode, actor, operation_id };
    match graph.load(request, std::io::Cursor::new(lines.into_bytes())).await {
        Ok(report) => acknowledged(&report),
        Err(error) => Done::failed(&error),
    }
}

/// An acknowledged write, with what it healed first.
pub(super) fn acknowledged(report: &omnigraph::WriteReport) -> Done {
    let rows =
        report.rows.iter().map(|(name, counts)| (name.clone(), (counts.inserted, counts.updated, counts.deleted)));
    // A write that changes nothing makes no commit; the version that it found says when it was so.
    let named = |id: Option<String>| id.unwrap_or_default();
    let write = WriteData {
        operation: named(report.operation_id.map(|id| id.to_string())),
        commit: named(report.commit_id.map(|id| id.to_string())),
        graph_version: report.graph_version,
        rows: rows.collect(),
        repeated: report.repeated,
    };
    let recovered = Recovered::from(&report.recovered);
    Done { recovered: Some(recovered), ..Done::of(Outcome::Acknowledged { write: Some(write) }) }
}
