//! `chaos inspect`: what stands in a graph that may be in trouble, for a human. It never writes.

use std::fmt::Write;

use omnigraph::history::Commit;
use omnigraph::printable::escaped;
use omnigraph::recovery::Recovery;
use omnigraph::{Graph, Inspection};
use serde_json::{Value, json};

use super::exit::Exit;
use super::flags::InspectArgs;
use super::settings;

/// Inspects a graph. Held when nothing is pending and nothing has drifted, broken otherwise.
///
/// # Errors
/// There is no graph, or it cannot be read.
pub fn command(args: &InspectArgs) -> Result<Exit, String> {
    let seen = super::run::runtime()?.block_on(look(args)).map_err(|error| error.told())?;
    let text = if args.json { format!("{:#}\n", seen.to_json()) } else { seen.to_text() };
    super::print(&super::redactor().redact(&text))?;
    Ok(if seen.is_at_rest() { Exit::Held } else { Exit::Broken })
}

struct Seen {
    found: Inspection,
    recoveries: Vec<Recovery>,
    commits: Vec<Commit>,
}

async fn look(args: &InspectArgs) -> omnigraph::Result<Seen> {
    let graph = Graph::builder(&args.uri).storage_options(settings::storage()).open_read_only().await?;
    Ok(Seen {
        found: graph.inspect().await?,
        recoveries: graph.recoveries().await?,
        commits: graph.commits(args.commits).await?,
    })
}

impl Seen {
    fn is_at_rest(&self) -> bool {
        self.found.sidecars.is_empty() && self.found.drift.is_empty()
    }

    fn to_text(&self) -> String {
        let mut text = format!("version {}\n", self.found.graph_version);
        let sidecars = self.found.sidecars.iter().map(|file| match &file.content {
            Ok(sidecar) => vec![
                file.name.clone(),
                sidecar.writer.to_string(),
                sidecar.actor.clone(),
                sidecar.started_at.to_rfc3339(),
                sidecar.tables.iter().map(|table| table.path.clone()).collect::<Vec<_>>().join(" "),
            ],
            Err(reason) => vec![file.name.clone(), format!("unreadable: {reason}")],
        });
        table(&mut text, "sidecars", &["file", "writer", "actor", "begun", "tables"], sidecars.collect());
        let drift = self.found.drift.iter().map(|table| {
            let (pin, head) = (table.pin.to_string(), table.head.to_string());
            let rows = format!("{} → {}", table.pin_rows, table.head_rows);
            vec![table.type_name.clone(), pin, head, rows, table.path.clone()]
        });
        table(&mut text, "drift", &["type", "visible", "newest", "rows", "table"], drift.collect());
        let quarantined = self.found.quarantined.iter().map(|name| vec![name.clone()]);
        table(&mut text, "quarantined", &["file"], quarantined.collect());
        let recoveries = self.recoveries.iter().map(|row| {
            let tables = row.tables.iter().map(|table| format!("{} {}→{}", table.path, table.from, table.to));
            vec![
                row.at.to_rfc3339(),
                row.kind.as_str().to_owned(),
                row.writer.to_string(),
                row.actor.clone(),
                row.operation_id.to_string(),
                tables.collect::<Vec<_>>().join(" "),
            ]
        });
        table(&mut text, "audit", &["at", "what", "writer", "actor", "operation", "tables"], recoveries.collect());
        let commits = self.commits.iter().map(|commit| {
            let operation = commit.operation_id.map(|id| id.to_string()).unwrap_or_default();
            vec![
                commit.graph_version.to_string(),
                commit.at.to_rfc3339(),
                format!("{:?}", commit.kind),
                commit.actor.clone(),
                commit.id.to_string(),
                operation,
            ]
        });
        table(&mut text, "history", &["version", "at", "what", "actor", "commit", "operation"], commits.collect());
        let end = if self.is_at_rest() {
            "nothing is pending and nothing has drifted"
        } else {
            "a read-write open finishes or undoes what is pending; 'omnigraph repair' decides about drift that nothing explains"
        };
        let _ = writeln!(text, "\n{end}");
        text
    }

    fn to_json(&self) -> Value {
        let sidecars = self.found.sidecars.iter().map(|file| match &file.content {
            Ok(sidecar) => json!({
                "file": file.name,
                "operation": sidecar.operation_id.to_string(),
                "writer": sidecar.writer.to_string(),
                "actor": sidecar.actor,
                "begun": sidecar.started_at.to_rfc3339(),
                "tables": sidecar.tables.iter().map(|table| table.path.as_str()).collect::<Vec<_>>(),
            }),
            Err(reason) => json!({"file": file.name, "unreadable": reason}),
        });
        let drift = self.found.drift.iter().map(|table| {
            json!({
                "type": table.type_name, "table": table.path, "visible": table.pin, "newest": table.head,
                "rows_visible": table.pin_rows, "rows_newest": table.head_rows,
            })
        });
        let recoveries = self.recoveries.iter().map(|row| {
            let tables = row.tables.iter().map(|table| json!({"table": table.path, "from": table.from, "to": table.to}));
            json!({
                "at": row.at.to_rfc3339(), "what": row.kind.as_str(), "writer": row.writer.to_string(), "actor": row.actor,
                "operation": row.operation_id.to_string(), "commit": row.commit.map(|id| id.to_string()),
                "tables": tables.collect::<Vec<_>>(),
            })
        });
        json!({
            "version": self.found.graph_version,
            "at_rest": self.is_at_rest(),
            "sidecars": sidecars.collect::<Vec<_>>(),
            "drift": drift.collect::<Vec<_>>(),
            "quarantined": self.found.quarantined,
            "audit": recoveries.collect::<Vec<_>>(),
            "history": self.commits,
        })
    }
}

/// A table with a title; a title that says so where there is no row.
fn table(text: &mut String, title: &str, head: &[&str], rows: Vec<Vec<String>>) {
    if rows.is_empty() {
        let _ = writeln!(text, "\n{title}: none");
        return;
    }
    let _ = writeln!(text, "\n{title}");
    let head: Vec<String> = head.iter().map(|word| (*word).to_owned()).collect();
    // Names in a graph in trouble may be anybody's: they forge no line and drive no terminal.
    let rows = rows.iter().map(|row| row.iter().map(|cell| escaped(cell).into_owned()).collect());
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| {
        let cells = lines.iter().filter(|line| line.len() > column + 1).map(|line| line[column].chars().count());
        cells.max().unwrap_or(0)
    };
    for line in &lines {
        let cells = line.iter().enumerate().map(|(column, cell)| format!("{cell:<width$}", width = width(column)));
        let _ = writeln!(text, "  {}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}
