//! What stands in a graph that may be in trouble, and what was done about it.

use std::fmt::Write;

use omnigraph::printable::escaped;
use omnigraph::write::repair::Drift;
use omnigraph::{AuditRepair, Graph, Inspection, ManifestRepair, RepairReport};
use serde::Serialize;

use super::at;
use crate::cli::output::table::{Column, TooWide, render, shown};

/// Sidecars, quarantine and drift.
#[derive(Serialize)]
pub struct Inspected {
    graph_version: u64,
    sidecars: Vec<Sidecar>,
    sidecars_not_shown: usize,
    quarantined: Vec<String>,
    drift: Vec<Drift>,
}

#[derive(Serialize)]
struct Sidecar {
    file: String,
    #[serde(flatten)]
    content: Content,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content {
    Read { operation_id: String, writer: &'static str, actor: String, started_at: String, tables: Vec<String> },
    Unreadable { unreadable: String },
}

impl Inspected {
    pub fn of(found: &Inspection) -> Inspected {
        let sidecars = found.sidecars.iter().map(|file| {
            let content = match &file.content {
                Ok(sidecar) => Content::Read {
                    operation_id: sidecar.operation_id.to_string(),
                    writer: sidecar.writer.as_str(),
                    actor: sidecar.actor.clone(),
                    started_at: at(sidecar.started_at),
                    tables: sidecar.tables.iter().map(|table| table.path.clone()).collect(),
                },
                Err(reason) => Content::Unreadable { unreadable: reason.clone() },
            };
            Sidecar { file: file.name.clone(), content }
        });
        Inspected {
            graph_version: found.graph_version,
            sidecars: sidecars.collect(),
            sidecars_not_shown: found.sidecars_not_shown,
            quarantined: found.quarantined.clone(),
            drift: found.drift.clone(),
        }
    }

    pub fn to_text(&self, width: Option<usize>) -> String {
        let mut text = format!("version {}\n", self.graph_version);
        for Sidecar { file, content } in &self.sidecars {
            let says = match content {
                Content::Read { writer, actor, started_at, tables, .. } => {
                    format!("a {writer} by {}, begun {started_at}, on {} tables", escaped(actor), tables.len())
                }
                Content::Unreadable { unreadable } => format!("unreadable, {}", escaped(unreadable)),
            };
            let _ = writeln!(text, "sidecar {}: {says}", escaped(file));
        }
        if self.sidecars_not_shown > 0 {
            let _ = writeln!(text, "and {} sidecars more", self.sidecars_not_shown);
        }
        for name in &self.quarantined {
            let _ = writeln!(text, "quarantined {}", escaped(name));
        }
        text.push_str(&drift(&self.drift, width));
        if self.sidecars.is_empty() && self.drift.is_empty() {
            text.push_str("nothing is pending and nothing has drifted\n");
        }
        text
    }
}

/// A graph that was opened read-write.
#[derive(Serialize)]
pub struct Recovered {
    graph_version: u64,
}

impl Recovered {
    pub fn of(graph: &Graph) -> Recovered {
        Recovered { graph_version: graph.snapshot().version() }
    }

    pub fn to_text(&self) -> String {
        format!("{}\n", self.in_short())
    }

    pub fn in_short(&self) -> String {
        format!("the graph stands at version {}; nothing is pending", self.graph_version)
    }
}

/// What a repair saw and did.
#[derive(Serialize)]
pub struct Repaired {
    drift: Vec<Drift>,
    commit_id: Option<String>,
    quarantined: Option<String>,
    audit: Option<Audit>,
}

/// What became of the recovery audit.
#[derive(Serialize)]
struct Audit {
    set_aside: Option<String>,
    rebuilt: u64,
}

impl Repaired {
    pub fn of(report: &RepairReport) -> Repaired {
        Repaired {
            drift: report.drift.clone(),
            commit_id: report.commit_id.map(|id| id.to_string()),
            quarantined: report.quarantined.clone(),
            audit: report.audit.clone().map(|AuditRepair { set_aside, rebuilt }| Audit { set_aside, rebuilt }),
        }
    }

    pub fn to_text(&self, width: Option<usize>) -> String {
        format!("{}{}\n", drift(&self.drift, width), self.in_short())
    }

    pub fn in_short(&self) -> String {
        if let Some(Audit { set_aside, rebuilt }) = &self.audit {
            let rebuilt = format!("{rebuilt} rows were written again from the history");
            return match set_aside {
                Some(to) => format!("the damaged audit was moved to {}; {rebuilt}", escaped(to)),
                None => format!("the audit can be read; {rebuilt}"),
            };
        }
        match (&self.commit_id, &self.quarantined) {
            (Some(commit), _) => format!("published as commit {commit}"),
            (None, Some(to)) => format!("moved to {}", escaped(to)),
            (None, None) if self.drift.is_empty() => "nothing has drifted".to_owned(),
            (None, None) => "to publish this, run repair --confirm".to_owned(),
        }
    }
}

/// What was found of the manifest's newest versions.
#[derive(Serialize)]
pub struct ManifestRepaired {
    broken: Vec<BrokenVersion>,
    whole: u64,
    moved: Vec<String>,
}

#[derive(Serialize)]
struct BrokenVersion {
    version: u64,
    why: String,
}

impl ManifestRepaired {
    pub fn of(repair: &ManifestRepair) -> ManifestRepaired {
        let broken = repair.broken.iter().map(|(version, why)| BrokenVersion { version: *version, why: why.clone() });
        ManifestRepaired { broken: broken.collect(), whole: repair.whole, moved: repair.moved.clone() }
    }

    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for BrokenVersion { version, why } in &self.broken {
            let _ = writeln!(text, "version {version} of the manifest cannot be read: {}", escaped(why));
        }
        let _ = writeln!(text, "{}", self.in_short());
        text
    }

    pub fn in_short(&self) -> String {
        match (self.broken.len(), self.moved.len()) {
            (0, _) => format!("the newest version of the manifest, {}, is whole", self.whole),
            (_, 0) => {
                format!("version {} is whole; to make it the newest, run repair --manifest --confirm", self.whole)
            }
            (_, moved) => format!(
                "{moved} versions were moved to quarantine, and version {} is the newest; next run recover, then repair",
                self.whole
            ),
        }
    }
}

fn drift(drift: &[Drift], width: Option<usize>) -> String {
    if drift.is_empty() {
        return String::new();
    }
    let columns = [
        Column::text("type"),
        Column::number("visible"),
        Column::number("rows"),
        Column::number("newest"),
        Column::number("rows there"),
        Column::text("table"),
    ];
    let rows: Vec<Vec<String>> = drift
        .iter()
        .map(|table| {
            let numbers = [table.pin, table.pin_rows, table.head, table.head_rows].map(|number| number.to_string());
            let mut row = vec![shown(&table.type_name)];
            row.extend(numbers);
            row.push(shown(&table.path));
            row
        })
        .collect();
    let mut text = render(&columns, &rows, width, TooWide::Listed);
    for (table, operation) in drift.iter().filter_map(|table| table.undoing.map(|operation| (table, operation))) {
        let _ = writeln!(
            text,
            "{}: the newest version is what a recovery restored when it undid operation {operation}, and repair --confirm \
             puts back what is visible",
            escaped(&table.type_name)
        );
    }
    text
}
