//! Commands that change rows. Once the engine has answered, the write is durable: nothing that happens to its report may make it
//! look as if it had failed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use omnigraph::{Load, Mutate, WriteReport};

use super::Place;
use crate::cli::failure::{Failure, say};
use crate::cli::flags::{Actor, Bounds, Mode, Operation, Sql};
use crate::cli::output::{Output, json};
use crate::cli::{input, interrupt, report};

pub async fn create(place: &Place, schema: &Path, mut output: Output) -> Result<(), Failure> {
    let text = input::text(schema)?;
    interrupt::watch_write(read_already(), output.json);
    let created = report::Created::of(&place.graph().create(&text).await?);
    let shown = output.show(|_| created.to_text(), || json::line(&created));
    tell_nevertheless(shown, output.json, "the graph is created", &created);
    Ok(())
}

/// `load` without its rows, as it was typed.
pub fn as_typed(mode: Mode, actor: Actor, operation: Operation) -> Load {
    Load { mode: mode.into(), actor: actor.name, operation_id: operation.id }
}

pub async fn load(place: &Place, path: &Path, load: Load, output: Output) -> Result<(), Failure> {
    let lines = input::Lines::open(path).await?;
    interrupt::watch_write(lines.at_end(), output.json);
    let graph = place.open_beside_others().await?;
    written(&graph.load(load, lines).await?, output);
    Ok(())
}

pub async fn mutate(
    place: &Place,
    sql: Sql,
    bounds: Bounds,
    actor: Actor,
    operation: Operation,
    output: Output,
) -> Result<(), Failure> {
    let sql = sql.text()?;
    interrupt::watch_write(read_already(), output.json);
    let graph = place.open_beside_others().await?;
    let Bounds { timeout, memory_bytes } = bounds;
    let mutate = Mutate { sql, actor: actor.name, operation_id: operation.id, memory_bytes, timeout };
    written(&graph.mutate(mutate).await?, output);
    Ok(())
}

/// The input of a command that has read all of it before it begins.
pub fn read_already() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(true))
}

fn written(report: &WriteReport, mut output: Output) {
    let report = report::Written::of(report);
    let shown = output.show(|_| report.to_text(), || json::line(&report));
    tell_nevertheless(shown, output.json, &report.in_short(), &report);
}

/// Where a report could not be written: says on standard error that what it reports has happened. The command has done what it was
/// asked for, so it has not failed: who repeats it would do it twice.
pub fn tell_nevertheless(shown: std::io::Result<()>, json: bool, what: &str, report: &impl serde::Serialize) {
    let Err(error) = shown else { return };
    let message = format!("{what}; only the report of it could not be written: {error}");
    say(&match json {
        true => {
            json::line(&serde_json::json!({ "notice": { "kind": "output", "message": message, "report": report } }))
        }
        false => format!("{message}\n"),
    });
}
