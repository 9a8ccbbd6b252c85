//! `chaos matrix`: the job matrix of a CI run, balanced by how long cells took when that was last recorded.

use std::fs::File;
use std::io::BufReader;

use serde_json::{Value, json};

use super::exit::Exit;
use super::flags::{MatrixArgs, SelectArgs};
use super::run::show_invalid;
use super::select::{Selected, durations, select};
use crate::backend::BackendKind;
use crate::coverage::ledger::records;
use crate::runner::{CellPlan, Durations, Shard, plan};

/// Prints the matrix on one line: a job for each backend and shard. Or records how long the cells of a run took.
///
/// # Errors
/// The scenarios or a run cannot be read.
pub fn command(args: &MatrixArgs) -> Result<Exit, String> {
    if !args.record.is_empty() {
        return record(args);
    }
    let selected = select(&SelectArgs { scenarios: args.scenarios.clone(), ..SelectArgs::default() })?;
    if !selected.invalid.is_empty() {
        show_invalid(&selected, false);
        return Ok(Exit::Usage);
    }
    let default = [BackendKind::Memory, BackendKind::Local, BackendKind::S3, BackendKind::Rustfs];
    let backends = if args.backend.is_empty() { &default[..] } else { &args.backend[..] };
    super::print(&format!("{}\n", matrix(&selected, &durations(&args.scenarios)?, backends, args.shards)))?;
    Ok(Exit::Held)
}

fn record(args: &MatrixArgs) -> Result<Exit, String> {
    let mut recorded = Durations::default();
    for run in &args.record {
        let about = |what: String| format!("{}: {what}", run.display());
        let file = File::open(run).map_err(|error| about(format!("cannot be read: {error}")))?;
        records(BufReader::new(file), |record| recorded.take(&record)).map_err(about)?;
    }
    super::print(&recorded.to_file())?;
    Ok(Exit::Held)
}

/// The backend that takes longest is divided into `shards` jobs, the others into as many as take no longer than those.
fn matrix(selected: &Selected, durations: &Durations, backends: &[BackendKind], shards: u32) -> Value {
    let total_ms = |cells: &[CellPlan]| cells.iter().map(|cell| durations.of_plan(cell)).sum::<u64>();
    let of = |backend: BackendKind, shard: Option<Shard>| plan(&selected.scenarios, &[backend], shard, durations);
    let totals: Vec<u64> = backends.iter().map(|&backend| total_ms(&of(backend, None))).collect();
    let job_ms = totals.iter().max().copied().unwrap_or(0).div_ceil(u64::from(shards)).max(1);
    let mut jobs = Vec::new();
    for (&backend, total) in backends.iter().zip(&totals) {
        let n = u32::try_from(total.div_ceil(job_ms)).unwrap_or(shards).clamp(1, shards);
        for k in 1..=n {
            let cells = of(backend, Some(Shard { k, n }));
            jobs.push(json!({
                "backend": backend.as_str(),
                "shard": format!("{k}/{n}"),
                // A slash may stand in no name of an artifact.
                "id": format!("{}-{k}-of-{n}", backend.as_str()),
                "cells": cells.len(),
                "expected_ms": total_ms(&cells),
            }));
        }
    }
    json!({ "include": jobs })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn selected() -> Selected {
        let text = b"
summary: one
why: because
backends: [memory, s3]
graph: {schema: 'node Person { name: String @key }'}
steps:
  - load: {rows: [{type: Person, data: {name: a}}]}
  - check: {rows: {Person: 1}}
";
        let scenario = |name: String| Arc::new(crate::scenario::parse(&name, "x.yaml", text).expect("valid"));
        Selected {
            scenarios: (0..20).map(|number| scenario(format!("a/{number:02}"))).collect(),
            ..Selected::default()
        }
    }

    /// s3 takes three times as long as memory; one cell of it as long as four others.
    fn recorded() -> Durations {
        let of =
            |ms: u64| (0..20).map(|number| (format!("a/{number:02}"), json!(ms))).collect::<serde_json::Map<_, _>>();
        let mut s3 = of(300);
        s3.insert("a/00".into(), json!(1200));
        serde_json::from_value(json!({"memory": of(100), "s3": s3})).expect("durations")
    }

    fn jobs(matrix: &Value) -> Vec<(&str, u64)> {
        let jobs = matrix["include"].as_array().expect("a list");
        jobs.iter()
            .map(|job| (job["id"].as_str().expect("an id"), job["expected_ms"].as_u64().expect("a time")))
            .collect()
    }

    #[test]
    fn the_longest_backend_has_all_shards_and_the_others_as_many_as_take_as_long() {
        let matrix = matrix(&selected(), &recorded(), &[BackendKind::Memory, BackendKind::S3], 3);
        assert_eq!(
            jobs(&matrix),
            [("memory-1-of-1", 2000), ("s3-1-of-3", 2400), ("s3-2-of-3", 2400), ("s3-3-of-3", 2100),]
        );
        assert_eq!(matrix["include"][1]["shard"], "1/3");
    }

    #[test]
    fn what_was_never_recorded_is_divided_evenly() {
        let matrix = matrix(&selected(), &Durations::default(), &[BackendKind::Memory], 4);
        assert_eq!(jobs(&matrix).iter().map(|(_, ms)| *ms).collect::<Vec<_>>(), [250; 4]);
    }

    #[test]
    fn a_run_takes_the_cells_that_the_matrix_counted_for_it() {
        let (selected, recorded) = (selected(), recorded());
        let matrix = matrix(&selected, &recorded, &[BackendKind::S3], 3);
        let mut all = Vec::new();
        for job in matrix["include"].as_array().expect("a list") {
            let shard: Shard = job["shard"].as_str().expect("a shard").parse().expect("k/n");
            let cells = plan(&selected.scenarios, &[BackendKind::S3], Some(shard), &recorded);
            assert_eq!(json!(cells.len()), job["cells"]);
            all.extend(cells.into_iter().map(|cell| cell.id.scenario));
        }
        all.sort();
        assert_eq!(all, selected.scenarios.iter().map(|scenario| scenario.name.clone()).collect::<Vec<_>>());
    }
}
