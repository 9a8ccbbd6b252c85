//! Output for a person; rows as JSON lines, for a program too.

use arrow_array::RecordBatch;
use omnigraph::history::Commit;
use omnigraph::recovery::Recovery;
use omnigraph::{Inspection, RepairReport, WriteReport};

/// What a write did.
pub fn write(report: &WriteReport) {
    for (operation, kind) in &report.recovered.resolved {
        println!("recovered operation {operation}: {}", kind.as_str());
    }
    for deferred in &report.recovered.deferred {
        println!("operation {} stays pending: {}", deferred.operation, deferred.why);
    }
    for (name, rows) in &report.rows {
        println!("{name}: {} inserted, {} updated, {} deleted", rows.inserted, rows.updated, rows.deleted);
    }
    match (report.commit_id, report.operation_id) {
        (Some(commit), Some(operation)) => {
            println!("version {}, commit {commit}, operation {operation}", report.graph_version);
        }
        _ => println!("nothing to change; the graph stays at version {}", report.graph_version),
    }
}

/// Rows, one JSON object a line.
pub fn rows(batches: &[RecordBatch]) -> Result<(), Box<dyn std::error::Error>> {
    let mut writer = arrow_json::LineDelimitedWriter::new(std::io::stdout().lock());
    writer.write_batches(&batches.iter().collect::<Vec<_>>())?;
    writer.finish()?;
    Ok(())
}

/// Commits, one a line.
pub fn commits(commits: &[Commit]) {
    for commit in commits {
        let operation = commit.operation_id.map(|id| format!(" operation {id}")).unwrap_or_default();
        let (at, kind) = (commit.at.to_rfc3339(), commit.kind);
        println!("{:>6} {} {at} {kind:?} by {}{operation}", commit.graph_version, commit.id, commit.actor);
    }
}

/// Audit rows, one a line.
pub fn recoveries(recoveries: &[Recovery]) {
    for row in recoveries {
        let tables: Vec<String> = row.tables.iter().map(|t| format!("{} {}→{}", t.path, t.from, t.to)).collect();
        println!(
            "{} {} of a {} by {} at {}: {}",
            row.operation_id,
            row.kind.as_str(),
            row.writer,
            row.actor,
            row.at.to_rfc3339(),
            if tables.is_empty() { "no table moved".to_owned() } else { tables.join(", ") }
        );
    }
}

/// Sidecars, quarantine and drift.
pub fn inspection(found: &Inspection) {
    println!("version {}", found.graph_version);
    for file in &found.sidecars {
        match &file.content {
            Ok(sidecar) => println!(
                "sidecar {}: a {} by {}, begun {}, on {} tables",
                file.name,
                sidecar.writer,
                sidecar.actor,
                sidecar.started_at.to_rfc3339(),
                sidecar.tables.len()
            ),
            Err(reason) => println!("sidecar {}: unreadable, {reason}", file.name),
        }
    }
    for name in &found.quarantined {
        println!("quarantined {name}");
    }
    drift(&found.drift);
    if found.sidecars.is_empty() && found.drift.is_empty() {
        println!("nothing is pending and nothing has drifted");
    }
}

/// What a repair saw and did.
pub fn repair(report: &RepairReport) {
    drift(&report.drift);
    match (&report.commit_id, &report.quarantined) {
        (Some(commit), _) => println!("published as commit {commit}"),
        (None, Some(to)) => println!("moved to {to}"),
        (None, None) if report.drift.is_empty() => println!("nothing has drifted"),
        (None, None) => println!("to publish this, run repair --confirm"),
    }
}

fn drift(drift: &[omnigraph::write::repair::Drift]) {
    for table in drift {
        let what = match table.undoing {
            Some(operation) => format!(
                "; it is what a recovery restored when it undid operation {operation}, and repair --confirm puts back what is visible"
            ),
            None => String::new(),
        };
        println!(
            "{} ({}): version {} is visible with {} rows, version {} is newest with {} rows{what}",
            table.type_name, table.path, table.pin, table.pin_rows, table.head, table.head_rows
        );
    }
}
