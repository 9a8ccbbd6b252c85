//! The cases of a sweep: ordinary scenarios, each of which dies in one place, or in two.

use std::collections::BTreeSet;
use std::fmt;

use super::model::{
    Action, Check, CrashPoint, Effect, Expect, Matcher, Nothing, Scenario, Step, StoreFault, Sweep, When,
};

/// Where the operation of a case dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cut {
    /// Nowhere: its writes are counted.
    Nowhere,
    /// When this many of its durable writes are done.
    Write(u64),
    /// When everything is done and nobody was told.
    BeforeAnswer,
    /// Right after it was acknowledged.
    AfterAnswer,
}

/// Where a step of the recovery dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Again {
    /// Which step of the recovery, counted from 0.
    pub step: usize,
    /// When this many of its durable writes are done.
    pub write: u64,
}

/// A case of a sweep.
#[derive(Clone, Debug)]
pub struct Case {
    /// The scenario.
    pub scenario: Scenario,
    /// The operation's number among its steps, counted from 1.
    pub operation: u64,
    /// The numbers of the steps of its recovery, in order; of one that is killed in its recovery, none.
    pub recovery: Vec<u64>,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cut::Nowhere => f.write_str("uncut"),
            Cut::Write(done) => write!(f, "cut-{done}"),
            Cut::BeforeAnswer => f.write_str("unanswered"),
            Cut::AfterAnswer => f.write_str("answered"),
        }
    }
}

impl fmt::Display for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "recovery-{}-cut-{}", self.step + 1, self.write)
    }
}

/// The case of a sweep with these deaths; none where the scenario is no sweep, or its recovery has no such step.
pub fn case(scenario: &Scenario, cut: Cut, again: Option<Again>) -> Option<Case> {
    let sweep = scenario.sweep.as_ref()?;
    let mut steps = scenario.steps.clone();
    let operation = steps.len() as u64 + 1;
    steps.push(killed(sweep.operation.clone(), cut));
    let mut recovery = Vec::new();
    if cut != Cut::Nowhere {
        steps.push(restart(&sweep.operation));
        let first = steps.len() as u64 + 1;
        match again {
            None => {
                recovery = (first..).take(sweep.recovery.len()).collect();
                steps.extend(sweep.recovery.iter().cloned());
            }
            Some(again) => steps.extend(recovered_again(sweep, again)?),
        }
    }
    let label = again.map_or_else(|| cut.to_string(), |again| format!("{cut}/{again}"));
    let scenario = checked(scenario, steps, &label, &in_words(sweep, cut, again));
    Some(Case { scenario, operation, recovery })
}

/// A case with these steps, and a look at what they left.
pub(super) fn checked(sweep: &Scenario, mut steps: Vec<Step>, label: &str, words: &str) -> Scenario {
    steps.push(Step::plain(Action::Check(Check { sidecars: Some(0), drift: Some(Vec::new()), ..Check::default() })));
    Scenario {
        name: format!("{}#{label}", sweep.name),
        summary: format!("{}, {words}", sweep.summary),
        steps,
        sweep: None,
        ..sweep.clone()
    }
}

/// A recovery that is killed in one of its steps, and then done once more.
fn recovered_again(sweep: &Sweep, again: Again) -> Option<Vec<Step>> {
    let dying = sweep.recovery.get(again.step)?;
    let mut steps = sweep.recovery[..again.step].to_vec();
    steps.push(killed(dying.clone(), Cut::Write(again.write)));
    steps.push(restart(dying));
    steps.extend(without_the_dead(sweep, dying));
    Some(steps)
}

/// The whole recovery after the death of one of its steps' process.
pub(super) fn without_the_dead(sweep: &Sweep, dying: &Step) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut open = BTreeSet::new();
    for step in &sweep.recovery {
        let opens = matches!(step.action, Action::Open(_) | Action::Create(_));
        if opens {
            open.insert(step.handle());
        }
        // The handles of a process that was killed are gone until they are opened again.
        if step.process() != dying.process() || opens || open.contains(step.handle()) {
            steps.push(step.clone());
        }
    }
    steps
}

fn killed(step: Step, cut: Cut) -> Step {
    let fault =
        |effect, nth| StoreFault { on: Matcher { durable: true, ..Matcher::default() }, effect, when: When::Nth(nth) };
    match cut {
        Cut::Nowhere | Cut::AfterAnswer => step,
        Cut::Write(0) => Step { faults: vec![fault(Effect::CrashBefore, 1)], ..may_die(step) },
        Cut::Write(done) => Step { faults: vec![fault(Effect::CrashAfter, done)], ..may_die(step) },
        Cut::BeforeAnswer => Step { crash: Some(CrashPoint::BeforeAnswer), expect: Expect::Crash, ..step },
    }
}

/// A step that dies or ends as it would have. Where it makes fewer calls than it was counted to make, its fault did not
/// fire: that is what is to be said then, and not that it broke a promise.
pub(super) fn may_die(step: Step) -> Step {
    Step { expect: Expect::OneOf(vec![Expect::Crash, step.expect.clone()]), ..step }
}

/// Starts the process of a step anew. It may be alive or dead.
pub(super) fn restart(step: &Step) -> Step {
    Step { process: step.process.clone(), ..Step::plain(Action::Restart(Nothing {})) }
}

fn in_words(sweep: &Sweep, cut: Cut, again: Option<Again>) -> String {
    let after = |writes: u64| match writes {
        0 => "killed before its first durable write".to_owned(),
        1 => "killed after its first durable write".to_owned(),
        _ => format!("killed after {writes} durable writes"),
    };
    let mut words = match cut {
        Cut::Nowhere => "not killed".to_owned(),
        Cut::Write(done) => after(done),
        Cut::BeforeAnswer => "killed when all is done and before it answers".to_owned(),
        Cut::AfterAnswer => "killed right after its answer".to_owned(),
    };
    if let Some(again) = again {
        let step = sweep.recovery.get(again.step).map_or("step", |step| step.action.name());
        words.push_str(&format!(", and the {step} that recovers {}", after(again.write)));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse;

    fn sweep(rest: &str) -> Scenario {
        let text = format!(
            "
summary: a load
why: because
graph: {{schema: 'node Person {{ name: String @key }}'}}
steps:
  - open: read-write
    process: other
sweep:
  operation:
    load: {{rows: [{{type: Person, data: {{name: a}}}}]}}
{rest}"
        );
        parse("sweep/a", "sweep/a.yaml", text.as_bytes()).unwrap_or_else(|report| panic!("{report}"))
    }

    fn kinds(case: &Case) -> Vec<&str> {
        case.scenario.steps.iter().map(|step| step.action.name()).collect()
    }

    #[test]
    fn a_cut_dies_when_so_many_writes_are_done_and_is_recovered() {
        let sweep = sweep("");
        for (done, effect, nth) in [(0, Effect::CrashBefore, 1), (1, Effect::CrashAfter, 1), (7, Effect::CrashAfter, 7)]
        {
            let case = case(&sweep, Cut::Write(done), None).expect("it is a sweep");
            assert_eq!(kinds(&case), ["open", "load", "restart", "open", "check"]);
            let operation = &case.scenario.steps[case.operation as usize - 1];
            assert_eq!((&operation.faults[0].effect, operation.faults[0].when), (&effect, When::Nth(nth)));
            assert!(operation.faults[0].on.durable && operation.expect.allows_crash());
            assert_eq!(case.recovery, [4]);
        }
    }

    #[test]
    fn a_recovery_that_is_killed_is_done_once_more() {
        let case = case(&sweep(""), Cut::Write(3), Some(Again { step: 0, write: 2 })).expect("it is a sweep");
        assert_eq!(kinds(&case), ["open", "load", "restart", "open", "restart", "open", "check"]);
        assert_eq!(case.scenario.steps[3].faults[0].when, When::Nth(2));
        assert_eq!(case.scenario.name, "sweep/a#cut-3/recovery-1-cut-2");
    }

    #[test]
    fn what_needs_a_handle_that_died_is_not_done_again() {
        let rest = "
  recovery:
    - refresh: {}
      process: other
    - open: read-write
";
        let sweep = sweep(rest);
        let in_other = case(&sweep, Cut::Write(3), Some(Again { step: 0, write: 1 })).expect("it is a sweep");
        assert_eq!(kinds(&in_other), ["open", "load", "restart", "refresh", "restart", "open", "check"]);
        let in_main = case(&sweep, Cut::Write(3), Some(Again { step: 1, write: 1 })).expect("it is a sweep");
        assert_eq!(
            kinds(&in_main),
            ["open", "load", "restart", "refresh", "open", "restart", "refresh", "open", "check"]
        );
    }

    #[test]
    fn what_the_steps_arm_is_armed_for_the_operation() {
        let text = "
summary: a load
why: because
graph: {schema: 'node Person { name: String @key }'}
steps:
  - arm: {as: liar, faults: [{on: {operation: put-if-absent, class: sidecar}, do: lost-write}]}
sweep:
  operation:
    load: {rows: [{type: Person, data: {name: a}}]}
";
        parse("sweep/a", "sweep/a.yaml", text.as_bytes()).unwrap_or_else(|report| panic!("{report}"));
    }

    #[test]
    fn every_case_is_a_scenario_file_by_itself() {
        let sweep = sweep("");
        for cut in [Cut::Nowhere, Cut::Write(0), Cut::Write(2), Cut::BeforeAnswer, Cut::AfterAnswer] {
            for again in [None, Some(Again { step: 0, write: 0 }), Some(Again { step: 0, write: 2 })] {
                let case = case(&sweep, cut, again).expect("it is a sweep");
                let text = case.scenario.to_yaml();
                let read = parse("x", "x", text.as_bytes()).unwrap_or_else(|report| panic!("{report}\n{text}"));
                assert_eq!(read.to_yaml(), text);
            }
        }
    }
}
