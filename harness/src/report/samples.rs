//! Runs to report, for tests.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{
    Breach, CellId, ErrorData, Event, FaultCounts, FaultFamily, FaultId, FaultTally, FinishedCell, Firing, Outcome,
    OutcomeName, PreflightAnswer, Record, RunStarted, Selection, StepRef, StoreCall, Summary, SwarmReport, SweepReport,
    Verdict, VerdictCounts, VerdictName,
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

/// The cell of [`run`] that broke, with a trail.
pub fn broken_cell() -> CellId {
    CellId::new("recovery/a-leftover-is-consumed", "memory")
}

/// A store call.
pub fn call(sequence: u64, operation: &str, outcome: &str) -> StoreCall {
    StoreCall {
        process: "main".into(),
        sequence,
        realm: "control".into(),
        operation: operation.into(),
        class: "sidecar".into(),
        path: "__recovery/01J.json".into(),
        bytes: 512,
        outcome: outcome.into(),
    }
}

/// A run in which everything held.
pub fn green() -> Vec<Record> {
    finish(vec![
        cell("recovery/a-leftover-is-consumed", "local", Verdict::Held),
        cell("recovery/a-leftover-is-consumed", "memory", Verdict::Held),
        cell("write/a-load", "memory", Verdict::Held),
    ])
}

/// A green run with the results of a sweep and of a swarm, which no run has both of.
pub fn with_a_sweep_and_a_swarm() -> Vec<Record> {
    let sweep = SweepReport {
        sweep: "sweep/a-load".into(),
        backend: "local".into(),
        writes: Some((8, 8)),
        cuts: 9,
        firsts: 4,
        pairs: 5,
        pruned: vec![("nobody asked".into(), 3)],
        unexplored: vec!["a third death".into()],
        ..SweepReport::default()
    };
    let swarm = SwarmReport {
        swarms: vec!["swarm/crashes".into(), "swarm/storms".into()],
        backend: "memory".into(),
        verdicts: VerdictCounts(BTreeMap::from([(VerdictName::Held, 9), (VerdictName::Broken, 1)])),
        outcomes: BTreeMap::from([(
            "load".into(),
            BTreeMap::from([(OutcomeName::Acknowledged, 40), (OutcomeName::InDoubt, 2)]),
        )]),
        faults: BTreeMap::from([("store ack lost".into(), FaultCounts { armed: 9, reached: 7, fired: 5 })]),
        not_modelled: 1,
        unexplored: vec!["what nobody drew".into()],
    };
    told(vec![Event::SweepFinished(sweep), Event::SwarmFinished(swarm)])
}

/// A green run in whose universes no fault fired.
pub fn with_a_swarm_that_proves_nothing() -> Vec<Record> {
    let swarm = SwarmReport { backend: "memory".into(), ..SwarmReport::default() };
    told(vec![Event::SwarmFinished(swarm)])
}

/// A green run that tells of more before it ends.
fn told(more: Vec<Event>) -> Vec<Record> {
    let mut records = green();
    let end = records.len() - 1;
    records.splice(end..end, more.into_iter().map(|event| Record { elapsed_ms: 9, event }));
    records
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

/// The fault that fired in the cells that were run.
fn fired() -> FaultTally {
    FaultTally {
        reached: 2,
        fired: 1,
        firings: BTreeSet::from([Firing { at: "load:sidecar.delete".into(), did: "return".into() }]),
        ..FaultTally::armed(FaultId {
            step: 1,
            ordinal: 1,
            family: FaultFamily::Failpoint,
            site: "sidecar.delete".into(),
            action: "return".into(),
        })
    }
}

/// What happened in the cell that broke, with the time of each event.
fn story() -> Vec<(u64, Event)> {
    let cell = broken_cell;
    let step = |number, kind: &str, line| StepRef {
        number,
        kind: kind.into(),
        line: Some(line),
        process: "main".into(),
        handle: "main".into(),
    };
    let fault = fired().fault;
    let firing = Firing { at: "load:sidecar.delete".into(), did: "return".into() };
    let refused = Outcome::Refused { error: ErrorData::new("conflict", "table Person has moved") };
    let finished =
        |step, outcome, as_expected| Event::StepFinished { cell: cell(), step, outcome, as_expected, duration_ms: 20 };
    let call = |sequence, operation: &str, outcome: &str| Event::StoreCall {
        cell: cell(),
        call: call(sequence, operation, outcome),
    };
    vec![
        (20, Event::CellStarted { cell: cell(), seed: 42 }),
        (30, Event::StepStarted { cell: cell(), step: step(1, "load", 11) }),
        (30, Event::FaultArmed { cell: cell(), fault: fault.clone() }),
        (40, Event::FaultReached { cell: cell(), fault: fault.clone() }),
        (40, Event::FaultFired { cell: cell(), fault, firing }),
        (50, finished(step(1, "load", 11), Outcome::done(), true)),
        (60, Event::StepStarted { cell: cell(), step: step(2, "load", 14) }),
        (
            70,
            Event::RecoveryObserved {
                cell: cell(),
                step: Some(step(2, "load", 14)),
                rolled_forward: vec!["01J".into()],
                rolled_back: Vec::new(),
                deferred: Vec::new(),
            },
        ),
        (80, finished(step(2, "load", 14), refused, false)),
        (50, call(0, "put-if-absent", "ok")),
        (50, call(1, "delete", "failpoint returned an error")),
        (80, call(2, "list", "ok")),
        (90, call(3, "get", "ok")),
    ]
}

fn cell(scenario: &str, backend: &str, verdict: Verdict) -> FinishedCell {
    let faults = match &verdict {
        Verdict::NotExercised { faults } => Some(faults.clone()),
        Verdict::Skipped { .. }
        | Verdict::NotApplicable { .. }
        | Verdict::Infrastructure { .. }
        | Verdict::Invalid { .. } => Some(Vec::new()),
        _ => None,
    };
    let was_judged = !faults.as_ref().is_some_and(Vec::is_empty);
    let not_judged = ("readers-saw-whole-commits".to_owned(), "nobody read beside a call".to_owned());
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
        faults: faults.unwrap_or_else(|| vec![fired()]),
        held: if was_judged { vec!["history-is-sound".into()] } else { Vec::new() },
        waived: Vec::new(),
        not_judged: if was_judged { vec![not_judged] } else { Vec::new() },
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
        failpoints: ["load:sidecar.write", "load:sidecar.delete", "heal:audit.append"].map(String::from).to_vec(),
    };
    let mut events = vec![Event::RunStarted(started)];
    events.push(Event::BackendReady {
        backend: "memory".into(),
        start_ms: 3,
        preflight: vec![PreflightAnswer {
            check: "create-if-absent has one winner".into(),
            held: true,
            detail: Some("1 of 8".into()),
        }],
        details: BTreeMap::from([("endpoint".into(), "none".into())]),
    });
    if cells.iter().any(|cell| cell.cell.backend == "rustfs") {
        events.push(Event::BackendSkipped { backend: "rustfs".into(), reason: "there is no Docker here".into() });
    }
    let has_story = cells.iter().any(|cell| cell.cell == broken_cell() && cell.verdict.is_failure());
    let finished = cells.into_iter().map(Event::CellFinished).chain([Event::RunFinished { summary }]);
    let before = events.into_iter().zip((0..).step_by(5)).map(|(event, at)| (at, event));
    let story = if has_story { story() } else { Vec::new() };
    let after = finished.zip((100..).step_by(10)).map(|(event, at)| (at, event));
    before.chain(story).chain(after).map(|(elapsed_ms, event)| Record { elapsed_ms, event }).collect()
}
