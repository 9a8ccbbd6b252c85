//! The plan of a run: which cells there are, and which of them cannot be run anywhere. A pure function of what was selected.

use std::sync::Arc;

use super::durations::{Durations, divide};
use crate::backend::{BackendKind, Capability};
use crate::event::CellId;
use crate::scenario::Scenario;
use crate::scenario::model::{Action, BackendName, Kind, Step};
use crate::seed::Seed;

/// One cell to come.
#[derive(Clone, Debug)]
pub struct CellPlan {
    /// Which.
    pub id: CellId,
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// The backend.
    pub backend: BackendKind,
    /// Why it cannot be run there; none when it can.
    pub not_applicable: Option<NotApplicable>,
}

/// Why a cell is not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotApplicable {
    /// What the scenario asks for.
    pub reason: String,
    /// The line that asks for it, where one does.
    pub line: Option<u64>,
}

/// A part of the cells: the `k`-th of `n`, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which part.
    pub k: u32,
    /// Of how many.
    pub n: u32,
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no shard; write it as k/n, where k counts from 1 to n, such as 1/4");
        let (k, n) = text.split_once('/').ok_or_else(wrong)?;
        let (k, n) = (k.parse().map_err(|_| wrong())?, n.parse().map_err(|_| wrong())?);
        if k == 0 || k > n { Err(wrong()) } else { Ok(Shard { k, n }) }
    }
}

/// Every cell of `scenarios` × `backends`, backend by backend in the order given, scenario by scenario in theirs; of them
/// those of the shard, which all take equally long as far as `durations` knows.
pub fn plan(
    scenarios: &[Arc<Scenario>],
    backends: &[BackendKind],
    shard: Option<Shard>,
    durations: &Durations,
) -> Vec<CellPlan> {
    let cells = backends.iter().flat_map(|&backend| {
        scenarios.iter().map(move |scenario| CellPlan {
            id: CellId::new(&scenario.name, backend.as_str()),
            scenario: Arc::clone(scenario),
            backend,
            not_applicable: not_applicable(scenario, backend),
        })
    });
    let cells: Vec<CellPlan> = cells.collect();
    let Some(Shard { k, n }) = shard else { return cells };
    let expected: Vec<u64> = cells.iter().map(|cell| durations.of_plan(cell)).collect();
    cells.into_iter().zip(divide(&expected, n)).filter(|(_, part)| *part == k).map(|(cell, _)| cell).collect()
}

fn not_applicable(scenario: &Scenario, backend: BackendKind) -> Option<NotApplicable> {
    if scenario.kind() != Kind::Case {
        let kind = scenario.kind().as_str();
        let reason = format!("it is a {kind}; 'chaos {kind}' runs it");
        return Some(NotApplicable { reason, line: None });
    }
    if let Some(reason) = runs_elsewhere(scenario, backend) {
        return Some(NotApplicable { reason, line: None });
    }
    lacks(scenario, backend)
}

/// What the steps of a scenario ask for, those of a sweep included, and the backend has not.
fn lacks(scenario: &Scenario, backend: BackendKind) -> Option<NotApplicable> {
    let there = backend.capabilities();
    let missing = |step: &Step| asks(step).filter(|(capability, _)| !there.contains(capability));
    let swept = scenario.sweep.iter().flat_map(|sweep| std::iter::once(&sweep.operation).chain(&sweep.recovery));
    scenario.steps.iter().chain(swept).find_map(|step| {
        let (_, what) = missing(step)?;
        Some(NotApplicable { reason: format!("the step asks for {what}, which {backend} has not"), line: step.line() })
    })
}

/// The backends that a scenario names, or all where it names none, each with what it asks for there in vain, if anything.
pub fn places(scenario: &Scenario) -> Vec<(BackendName, Option<NotApplicable>)> {
    let place = |name: &BackendName| {
        let backend = match name {
            BackendName::Local => BackendKind::Local,
            BackendName::Memory => BackendKind::Memory,
            BackendName::S3 => BackendKind::S3,
            BackendName::Rustfs => BackendKind::Rustfs,
        };
        (*name, lacks(scenario, backend))
    };
    scenario.backends.iter().map(place).collect()
}

/// Why a scenario does not run on a backend, if it says itself on which it does.
pub fn runs_elsewhere(scenario: &Scenario, backend: BackendKind) -> Option<String> {
    let stands_for: &[BackendName] = match backend {
        BackendKind::Local => &[BackendName::Local],
        BackendKind::Memory => &[BackendName::Memory],
        BackendKind::S3 => &[BackendName::S3],
        BackendKind::Rustfs => &[BackendName::Rustfs],
        // Any other S3 service does what the two that scenarios can name do.
        BackendKind::Service => &[BackendName::S3, BackendName::Rustfs],
    };
    if stands_for.iter().any(|name| scenario.backends.contains(name)) {
        return None;
    }
    let names: Vec<&str> = scenario.backends.iter().map(|name| name.as_str()).collect();
    Some(format!("the scenario says that it runs on {} only", names.join(", ")))
}

/// What a step needs of a backend that not every backend has.
fn asks(step: &Step) -> Option<(Capability, &'static str)> {
    match &step.action {
        Action::Container(_) => Some((Capability::Container, "a container of the store")),
        Action::Pause(_) | Action::Continue(_) => Some((Capability::ProcessKill, "a process that can be stopped")),
        Action::Arm(arm) if !arm.wire.is_empty() => Some((Capability::Wire, "a wire to the store")),
        _ if !step.wire.is_empty() => Some((Capability::Wire, "a wire to the store")),
        _ => None,
    }
}

/// Whether a scenario needs a wire that can be disturbed: for wire faults, or because its container is reached elsewhere
/// once it was started again.
pub fn has_wire(scenario: &Scenario) -> bool {
    let asked = scenario.steps.iter().filter_map(asks);
    asked.map(|(capability, _)| capability).any(|asked| matches!(asked, Capability::Wire | Capability::Container))
}

/// Whether a scenario needs a container of its own.
pub fn has_container(scenario: &Scenario) -> bool {
    scenario.steps.iter().any(|step| matches!(step.action, Action::Container(_)))
}

/// Where the random streams of a scenario start: the same on every backend, whatever else is run.
pub fn seed_of(scenario: &Scenario, root: Seed) -> Seed {
    scenario.seed.map_or_else(|| root.stream("scenario").stream(&scenario.name), Seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(name: &str) -> Arc<Scenario> {
        let text = "
summary: one
why: because
backends: [memory, local]
graph: {schema: 'node Person { name: String @key }'}
steps:
  - load: {rows: [{type: Person, data: {name: a}}]}
  - check: {rows: {Person: 1}}
";
        Arc::new(crate::scenario::parse(name, "x.yaml", text.as_bytes()).expect("valid"))
    }

    #[test]
    fn shards_are_disjoint_and_cover_everything() {
        let scenarios: Vec<_> = ["a", "b", "c", "d", "e"].into_iter().map(scenario).collect();
        let backends = [BackendKind::Memory, BackendKind::Local];
        let all: Vec<CellId> =
            plan(&scenarios, &backends, None, &Durations::default()).into_iter().map(|cell| cell.id).collect();
        let mut parts: Vec<CellId> = (1..=3)
            .flat_map(|k| plan(&scenarios, &backends, Some(Shard { k, n: 3 }), &Durations::default()))
            .map(|cell| cell.id)
            .collect();
        parts.sort();
        let mut sorted = all.clone();
        sorted.sort();
        assert_eq!(parts, sorted);
        assert_eq!(all.len(), 10);
    }

    #[test]
    fn a_backend_that_the_scenario_does_not_name_is_not_applicable_and_still_counted() {
        let cells = plan(&[scenario("a")], &[BackendKind::Memory, BackendKind::S3], None, &Durations::default());
        assert_eq!(cells[0].not_applicable, None);
        assert!(cells[1].not_applicable.as_ref().is_some_and(|why| why.reason.contains("local, memory")));
    }

    #[test]
    fn what_a_backend_lacks_is_not_applicable_with_the_line_that_asks_for_it() {
        let scenario = |step: &str| {
            let text = format!(
                "
summary: one
why: because
graph: {{schema: 'node Person {{ name: String @key }}'}}
steps:
  - check: {{rows: {{Person: 0}}}}
  - {step}
  - check: {{rows: {{Person: 0}}}}
"
            );
            let read = crate::scenario::parse("n", "x.yaml", text.as_bytes());
            Arc::new(read.unwrap_or_else(|report| panic!("{report}")))
        };
        let wire = "{on: {operation: list}, do: slow-down, when: {nth: 1}}";
        for (step, lack, have) in [
            (format!("{{refresh: {{}}, wire: [{wire}]}}"), "local memory", "s3 rustfs service"),
            (format!("arm: {{as: weather, wire: [{wire}]}}\n  - refresh: {{}}"), "local memory", "s3 rustfs service"),
            ("container: restart".to_owned(), "local memory s3", "rustfs"),
            ("pause: {}\n  - continue: {}".to_owned(), "memory", "local s3 rustfs service"),
        ] {
            let scenario = scenario(&step);
            let why = |name: &str| not_applicable(&scenario, name.parse().expect("a backend"));
            for name in lack.split(' ') {
                let why = why(name).unwrap_or_else(|| panic!("{step} on {name}"));
                assert_eq!(why.line, Some(7), "{step} on {name}: {}", why.reason);
            }
            for name in have.split(' ') {
                assert_eq!(why(name), None, "{step} on {name}");
            }
            for (name, lacking) in places(&scenario) {
                assert_eq!(lacking, why(name.as_str()), "{step} on {}: what is planned is what is told", name.as_str());
            }
        }
    }

    #[test]
    fn what_the_recovery_of_a_sweep_asks_for_counts_as_well() {
        let text = "
summary: one
why: because
graph: {schema: 'node Person { name: String @key }'}
steps: []
sweep:
  operation: {load: {rows: [{type: Person, data: {name: a}}]}}
  recovery:
    - {open: read-write, wire: [{on: {operation: list}, do: slow-down, when: {nth: 1}}]}
";
        let sweep = crate::scenario::parse("n", "x.yaml", text.as_bytes()).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(lacks(&sweep, BackendKind::Memory).and_then(|why| why.line), Some(9));
        assert_eq!(lacks(&sweep, BackendKind::S3), None);
    }

    #[test]
    fn a_shard_counts_from_one() {
        assert_eq!("2/4".parse(), Ok(Shard { k: 2, n: 4 }));
        for text in ["0/4", "5/4", "1", "a/b", "1/0"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_scenario_draws_the_same_numbers_whatever_else_is_run() {
        assert_eq!(seed_of(&scenario("a"), Seed(1)), seed_of(&scenario("a"), Seed(1)));
        assert_ne!(seed_of(&scenario("a"), Seed(1)), seed_of(&scenario("b"), Seed(1)));
    }
}
