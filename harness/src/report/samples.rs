//! Runs to report, for tests.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{
    Breach, CellId, Event, FaultFamily, FaultId, FaultTally, FinishedCell, Record, RunStarted, Selection, StoreCall,
    Summary, Verdict,
};

/// A run in which every verdict occurs.
pub fn run() -> Vec<Record> {
    let breach = Breach::new("head-equals-pin", "does not hold: no table's HEAD differs from its pin")
        .with_evidence((1..=14).map(|number| format!("table {number}: pin 3, HEAD 4")));
    let expectation = Breach::new("expectation", "step 2 did not end as it should")
        .between("ok", "refused, conflict: table Person has moved")
        .at_step(2, Some(14));
    let tally = FaultTally {
        fault: FaultId {
            step: 3,
            ordinal: 1,
            family: FaultFamily::Failpoint,
            site: "audit.append".into(),
            action: "return".into(),
        },
        reached: 2,
        fired: 0,
        firings: BTreeSet::new(),
    };
    let reason = |text: &str| text.to_owned();
    finish(vec![
        cell("recovery/a-leftover-is-consumed", "local", Verdict::Held),
        cell(
            "recovery/a-leftover-is-consumed",
            "memory",
            Verdict::Broken { breaches: vec![breach.clone(), expectation] },
        ),
        cell("recovery/audit-fails-twice", "local", Verdict::NotExercised { faults: vec![tally] }),
        cell(
            "recovery/audit-fails-twice",
            "rustfs",
            Verdict::Skipped { reason: reason("there is no Docker here; start it, or leave rustfs out") },
        ),
        cell(
            "recovery/two-processes",
            "memory",
            Verdict::NotApplicable { reason: reason("the scenario needs many-processes"), line: Some(7) },
        ),
        cell(
            "write/a-load-hangs",
            "local",
            Verdict::Inconclusive { reason: reason("step 1 was still running after 30 s, at manifest.publish") },
        ),
        cell("write/a-load-hangs", "s3", Verdict::Infrastructure { reason: reason("the worker could not be started") }),
        cell(
            "write/a-load-hangs",
            "memory",
            Verdict::Invalid { reason: reason("line 3: unknown key 'step'; did you mean 'steps'?") },
        ),
        cell(
            "write/known",
            "local",
            Verdict::Known {
                issue: reason("https://example.com/issues/7"),
                until: reason("2027-01-31"),
                breaches: vec![breach],
            },
        ),
        FinishedCell {
            canary: true,
            waived: vec![("only-declared-residue".into(), "the scenario plants an object".into())],
            ..cell("canary/a-lost-write", "memory", Verdict::Held)
        },
    ])
}

/// A run in which everything held.
pub fn green() -> Vec<Record> {
    finish(vec![
        cell("recovery/a-leftover-is-consumed", "local", Verdict::Held),
        cell("recovery/a-leftover-is-consumed", "memory", Verdict::Held),
        cell("write/a-load", "memory", Verdict::Held),
    ])
}

/// Lets every place that quotes something quote this.
pub fn quote(records: &mut [Record], text: &str) {
    for record in records {
        if let Event::CellFinished(finished) = &mut record.event {
            finished.summary = format!("quotes {text}");
            match &mut finished.verdict {
                Verdict::Broken { breaches } => breaches[0].evidence[0] = format!("quotes {text}"),
                Verdict::Skipped { reason } | Verdict::Infrastructure { reason } => *reason = format!("quotes {text}"),
                _ => {}
            }
        }
    }
}

fn cell(scenario: &str, backend: &str, verdict: Verdict) -> FinishedCell {
    FinishedCell {
        cell: CellId::new(scenario, backend),
        summary: "what a crash left is consumed by the next write".into(),
        tags: vec!["pr".into()],
        file: format!("scenarios/{scenario}.yaml"),
        seed: 42,
        canary: false,
        bundle: verdict.is_failure().then(|| format!("target/chaos/01RUN/{}@{backend}", scenario.replace('/', "."))),
        replay: format!("chaos run --seed 42 --backend {backend} scenarios/{scenario}.yaml"),
        verdict,
        duration_ms: 312,
        faults: Vec::new(),
        held: vec!["history-is-sound".into()],
        waived: Vec::new(),
    }
}

fn finish(cells: Vec<FinishedCell>) -> Vec<Record> {
    let mut summary = Summary { duration_ms: 2500, ..Summary::default() };
    cells.iter().for_each(|cell| summary.add(cell));
    let selection =
        Selection { cells: cells.iter().map(|cell| cell.cell.clone()).collect(), jobs: 2, ..Selection::default() };
    let started = RunStarted {
        run: "01RUN".into(),
        seed: 42,
        started_at: "2026-11-22T12:00:00Z".into(),
        versions: BTreeMap::from([("omnigraph".into(), "0.1.0".into())]),
        selection,
        failpoints: Vec::new(),
    };
    let call = StoreCall {
        process: "main".into(),
        sequence: 0,
        realm: "control".into(),
        operation: "put-if-absent".into(),
        class: "sidecar".into(),
        path: "__recovery/01J.json".into(),
        bytes: 512,
        outcome: "ok".into(),
    };
    let mut events = vec![Event::RunStarted(started)];
    events.push(Event::BackendReady {
        backend: "memory".into(),
        start_ms: 3,
        preflight: Vec::new(),
        details: BTreeMap::from([("endpoint".into(), "none".into())]),
    });
    if cells.iter().any(|cell| cell.cell.backend == "rustfs") {
        events.push(Event::BackendSkipped { backend: "rustfs".into(), reason: "there is no Docker here".into() });
    }
    events.push(Event::StoreCall { cell: cells[0].cell.clone(), call });
    events.extend(cells.into_iter().map(Event::CellFinished));
    events.push(Event::RunFinished { summary });
    events.into_iter().enumerate().map(|(at, event)| Record { elapsed_ms: at as u64 * 10, event }).collect()
}
