//! The search over a bench that knows what fails, so that it costs nothing.

use super::super::StepEnd;
use super::*;
use crate::event::{Breach, FaultFamily, FaultId, FaultTally, Outcome, Verdict};
use crate::scenario::model::{Action, Load};

/// A world in which a property of the scenario decides what becomes of it.
struct Knowing<F>(F, u64);

impl<F: Fn(&Scenario) -> Trial> Bench for Knowing<F> {
    async fn run(&mut self, batch: &[Scenario]) -> Option<Vec<Trial>> {
        self.1 += batch.len() as u64;
        Some(batch.iter().map(&self.0).collect())
    }
}

fn held(scenario: &Scenario) -> Trial {
    let end = |(step, number): (&Step, u64)| StepEnd {
        number,
        kind: step.action.name().to_owned(),
        outcome: Outcome::done(),
        as_expected: true,
    };
    Trial { verdict: Verdict::Held, faults: Vec::new(), ends: scenario.steps.iter().zip(1..).map(end).collect() }
}

fn broken(scenario: &Scenario) -> Trial {
    Trial { verdict: Verdict::Broken { breaches: vec![Breach::new("head-equals-pin", "so")] }, ..held(scenario) }
}

/// Step `number` finds something else than it looks for; nothing is run after it.
fn deviated(trial: Trial, number: usize, kind: &str) -> Trial {
    let mut ends = trial.ends;
    ends.truncate(number);
    ends[number - 1] = StepEnd {
        number: number as u64,
        kind: kind.to_owned(),
        outcome: Outcome::Mismatch { differences: vec!["rows".into()] },
        as_expected: false,
    };
    let mut breaches = match trial.verdict {
        Verdict::Broken { breaches } => breaches,
        _ => Vec::new(),
    };
    breaches.push(Breach::new("check", "rows").at_step(number as u64, None));
    Trial { verdict: Verdict::Broken { breaches }, faults: trial.faults, ends }
}

fn rows(step: &Step) -> Vec<&str> {
    match &step.action {
        Action::Load(Load { rows, .. }) => rows.iter().filter_map(|row| row.data.get("name")?.as_str()).collect(),
        _ => Vec::new(),
    }
}

fn scenario(steps: &str) -> Scenario {
    let text = format!(
        "summary: one\nwhy: because\ngraph: {{schema: 'node Person {{ name: String @key  age: I32? }} node City {{ name: String @key }}'}}\nsteps:\n{steps}"
    );
    crate::scenario::parse("a", "a", text.as_bytes()).unwrap_or_else(|report| panic!("{report}"))
}

/// Ten loads; the eighth has the row that matters.
fn long() -> Scenario {
    let load = |n: usize| {
        format!(
            "  - load: {{rows: [{{type: Person, data: {{name: a{n}, age: {n}}}}}, {{type: Person, data: {{name: b{n}}}}}]}}\n"
        )
    };
    let fault =
        "    failpoints: {load:sidecar.written: delay(1)}\n    faults: [{on: {class: sidecar}, do: {latency: 1}}]\n";
    let steps: Vec<String> = (0..10).map(|n| if n == 7 { load(n) + fault } else { load(n) }).collect();
    scenario(&format!("{}  - check: {{rows: {{Person: 20}}}}\n", steps.concat()))
}

const BOUNDS: Bounds = Bounds { candidates_max: 2_000, time_max: Duration::from_secs(60), batch: 2 };

/// Drives a search that never really waits.
fn search(scenario: &Scenario, world: impl Fn(&Scenario) -> Trial, bounds: Bounds) -> Result<Shrunk, String> {
    let recorded = world(scenario);
    let mut bench = Knowing(world, 0);
    futures::executor::block_on(shrink(&mut bench, scenario, Seed(7), &recorded, bounds, &mut |_| {}))
}

#[test]
fn only_what_the_failure_needs_is_left() {
    let fails = |scenario: &Scenario| {
        let it = scenario.steps.iter().any(|step| rows(step).contains(&"a7") && !step.faults.is_empty());
        if it { broken(scenario) } else { held(scenario) }
    };
    let shrunk = search(&long(), fails, BOUNDS).expect("it shrinks");
    let step = &shrunk.scenario.steps[0];
    assert_eq!(rows(step), ["a7"]);
    assert!(step.failpoints.is_empty() && step.faults.len() == 1, "{:?}", step.faults);
    assert_eq!(step.faults[0].when, crate::scenario::model::When::Nth(1));
    assert_eq!(shrunk.scenario.graph.schema, "node Person { name: String @key }\n");
    assert_eq!((shrunk.scenario.seed, shrunk.why, shrunk.failed, shrunk.runs), (None, Why::Smallest, 3, 3));
    assert!(shrunk.after.steps <= 2, "the load, and a check because a scenario has to have one");
    assert!(shrunk.candidates < 150, "{}", shrunk.candidates);
}

#[test]
fn an_expectation_that_a_removal_made_wrong_is_given_up() {
    // The check counts rows, so that it deviates as soon as a load is gone; the invariant has nothing to do with it.
    let fails = |scenario: &Scenario| {
        let loaded: usize = scenario.steps.iter().map(|step| rows(step).len()).sum();
        let check = scenario
            .steps
            .iter()
            .position(|step| matches!(&step.action, Action::Check(check) if !check.rows.is_empty()));
        let trial = if scenario.steps.iter().any(|step| rows(step).contains(&"a7")) {
            broken(scenario)
        } else {
            held(scenario)
        };
        match check {
            Some(at) if loaded != 20 => deviated(trial, at + 1, "check"),
            _ => trial,
        }
    };
    let shrunk = search(&long(), fails, BOUNDS).expect("it shrinks");
    assert_eq!(rows(&shrunk.scenario.steps[0]), ["a7"]);
    assert!(shrunk.after.steps <= 2);
}

#[test]
fn a_check_that_is_merely_wrong_is_not_taken_for_the_failure() {
    // The engine loses the row of the eighth load under its fault, and the check counts 19 of 20 rows. Without any other
    // load the check fails as well, and that is nothing.
    let fails = |scenario: &Scenario| {
        let rows_of =
            |step: &Step| rows(step).len() - usize::from(rows(step).contains(&"a7") && !step.faults.is_empty());
        let loaded: usize = scenario.steps.iter().map(rows_of).sum();
        let check = scenario
            .steps
            .iter()
            .position(|step| matches!(&step.action, Action::Check(check) if !check.rows.is_empty()));
        match check {
            Some(at) if loaded != 20 => deviated(held(scenario), at + 1, "check"),
            _ => held(scenario),
        }
    };
    let shrunk = search(&long(), fails, BOUNDS).expect("it shrinks");
    assert_eq!(shrunk.after.steps, 11, "each load is needed for the count of 20");
    assert_eq!(shrunk.after.faults, 1);
}

#[test]
fn bounds_end_the_search_and_the_best_so_far_is_given() {
    let fails = |scenario: &Scenario| {
        if scenario.steps.iter().any(|step| rows(step).contains(&"a7")) { broken(scenario) } else { held(scenario) }
    };
    let shrunk = search(&long(), fails, Bounds { candidates_max: 8, ..BOUNDS }).expect("it shrinks");
    assert_eq!(shrunk.why, Why::Candidates);
    assert!(shrunk.after.steps < 11 && shrunk.failed == 3);
}

#[test]
fn what_does_not_happen_again_is_not_shrunk() {
    let recorded = broken(&long());
    let mut bench = Knowing(held, 0);
    let long = long();
    let ended = futures::executor::block_on(shrink(&mut bench, &long, Seed(7), &recorded, BOUNDS, &mut |_| {}));
    let reason = ended.expect_err("it held");
    assert!(reason.contains("did not happen again in 3 runs"), "{reason}");
}

#[test]
fn chance_is_written_out_as_what_it_did() {
    let steps = "  - load: {rows: [{type: Person, data: {name: a7}}]}\n    faults: [{on: {class: sidecar}, do: timeout, when: {probability: 0.3}}]\n    expect: any\n";
    let fails = |scenario: &Scenario| {
        let fault = FaultId { step: 1, ordinal: 1, family: FaultFamily::Store, site: "s".into(), action: "a".into() };
        let struck = scenario.steps.iter().any(|step| !step.faults.is_empty());
        let trial = if struck { broken(scenario) } else { held(scenario) };
        Trial { faults: vec![FaultTally { reached: 30, fired: 9, ..FaultTally::armed(fault) }], ..trial }
    };
    let shrunk = search(&scenario(steps), fails, BOUNDS).expect("it shrinks");
    let faults = &shrunk.scenario.steps[0].faults;
    assert_eq!((shrunk.scenario.seed, faults.len()), (None, 1));
    assert_eq!(faults[0].when, crate::scenario::model::When::Nth(1));
}
