//! Candidates that make sense: the validator of scenario files says what does not, and that is taken out.
//!
//! A part that is taken out leaves others without sense: a `join` without its `start`, a step through a handle that nobody
//! opened. No table of such dependencies is kept here. The validator knows them all and says where each mistake stands.

use crate::diagnostic::{Code, Diagnostic, Report, Span};
use crate::scenario::model::{Action, Check, Expect, Step, Task};
use crate::scenario::tree::{self, Node};
use crate::scenario::{self, Scenario};

/// Rounds of taking out; each takes out something, and most candidates need one or two.
const ROUNDS_MAX: usize = 40;

/// The scenario as its file reads, without what makes no sense; none when nothing of it is left.
pub fn settle(scenario: &Scenario) -> Option<Scenario> {
    let mut scenario = scenario.clone();
    for _ in 0..ROUNDS_MAX {
        let text = scenario.to_yaml();
        match scenario::parse(&scenario.name, &scenario.path, text.as_bytes()) {
            Ok(mut sound) => {
                sound.steps.iter_mut().for_each(|step| step.span = None);
                return Some(sound);
            }
            Err(report) => mend(&mut scenario, &report)?,
        }
    }
    None
}

/// Takes out what the mistakes are about; none when one of them is about no step.
fn mend(scenario: &mut Scenario, report: &Report) -> Option<()> {
    let (root, _) = tree::read(&report.source);
    let root = root?;
    let nodes = root.get("steps").map_or(&[][..], Node::items);
    let mut gone = vec![false; scenario.steps.len()];
    let mut is_checked = true;
    for mistake in &report.diagnostics {
        if mistake.code == Code::NothingToCheck {
            is_checked = false;
            continue;
        }
        let at = nodes.iter().position(|node| contains(node.span, mistake.span))?;
        let step = scenario.steps.get_mut(at)?;
        if !gone[at] && !adjust(step, &nodes[at], mistake) {
            gone[at] = true;
        }
    }
    let mut gone = gone.into_iter();
    scenario.steps.retain(|_| !gone.next().unwrap_or(false));
    if scenario.steps.is_empty() {
        return None;
    }
    if !is_checked {
        scenario.steps.push(ending());
    }
    Some(())
}

/// Mends a mistake in a part of a step; false when the whole step is the mistake.
fn adjust(step: &mut Step, node: &Node, mistake: &Diagnostic) -> bool {
    let is_about = |key: &str| node.entry(key).is_some_and(|entry| contains(entry.value.span, mistake.span));
    if is_about("expect") {
        step.expect = anything(can_crash(step), can_panic(step));
        if !step.action.runs_the_engine() {
            step.expect = Expect::Ok;
        }
        return true;
    }
    if step.action.runs_the_engine() && can_crash(step) && !step.expect.allows_crash() {
        step.expect = anything(true, can_panic(step));
        return true;
    }
    if mistake.code == Code::Unreachable && step.action.runs_the_engine() {
        return take_out_fault(step, node, mistake.span);
    }
    if node.entry("hold").is_some_and(|entry| entry.key_span == mistake.span) {
        step.hold = None;
        return true;
    }
    false
}

fn take_out_fault(step: &mut Step, node: &Node, place: Span) -> bool {
    let before = (step.failpoints.len(), step.faults.len(), step.hold.is_some());
    if let Some(points) = node.get("failpoints") {
        step.failpoints.retain(|name, _| points.entry(name.as_str()).is_none_or(|entry| entry.key_span != place));
    }
    let mut faults = node.get("faults").map_or(&[][..], Node::items).iter();
    step.faults.retain(|_| faults.next().is_none_or(|fault| !contains(fault.span, place)));
    if node.get("hold").is_some_and(|hold| contains(hold.span, place)) {
        step.hold = None;
    }
    before != (step.failpoints.len(), step.faults.len(), step.hold.is_some())
}

/// How a step may end of which nothing is asked any more: not with a bug, and with what its faults bring about.
pub fn anything(crash: bool, panic: bool) -> Expect {
    let mut ways = vec![Expect::Any];
    ways.extend(crash.then_some(Expect::Crash));
    ways.extend(panic.then_some(Expect::Panic));
    if ways.len() == 1 { Expect::Any } else { Expect::OneOf(ways) }
}

/// Whether a step's own faults can make it panic.
pub fn can_panic(step: &Step) -> bool {
    step.failpoints.values().any(|actions| actions.can(&Task::Panic))
}

/// Whether a step's own faults can kill its process.
pub fn can_crash(step: &Step) -> bool {
    step.crash.is_some()
        || step.failpoints.values().any(|actions| actions.can(&Task::Crash))
        || step.faults.iter().any(|fault| fault.effect.crashes())
}

fn contains(outer: Span, inner: Span) -> bool {
    outer.start <= inner.start && inner.start < outer.end
}

/// What a scenario ends with whose failure no step of its own looks for: the standing invariants do.
fn ending() -> Step {
    let check = Check { unreadable_sidecars: Some(0), ..Check::default() };
    let note = "what this is about is judged by the standing invariants, after the last step";
    Step { note: Some(note.to_owned()), ..Step::plain(Action::Check(check)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
summary: one
why: because
graph: {schema: 'node Person { name: String @key }'}
steps:
  - open: read-only
    handle: reader
  - query: {sql: SELECT name FROM Person, rows: 0}
    handle: reader
  - load: {rows: [{type: Person, data: {name: a}}]}
    start: writer
    hold: load:table.commit
  - release: writer
  - join: writer
  - arm: {as: slow, failpoints: {load:sidecar.write: delay(1)}}
  - load: {rows: [{type: Person, data: {name: b}}]}
  - lift: slow
  - load: {rows: [{type: Person, data: {name: c}}]}
    failpoints: {load:table.commit: crash}
    expect: crash
  - restart: {}
  - open: read-write
  - damage: {delete: the schema object, as: gone}
  - undo: gone
";

    fn without(taken: &[usize]) -> Vec<&'static str> {
        let mut scenario = scenario::parse("a", "a.yaml", FILE.as_bytes()).unwrap_or_else(|report| panic!("{report}"));
        let mut number = 0;
        scenario.steps.retain(|_| {
            number += 1;
            !taken.contains(&number)
        });
        let settled = settle(&scenario).expect("something is left");
        settled.steps.iter().map(|step| step.action.name()).collect()
    }

    #[test]
    fn what_depends_on_a_step_goes_with_it() {
        let all = without(&[]);
        assert_eq!(all.len(), 13);
        assert!(!without(&[1]).contains(&"query"), "a handle that nobody opened");
        let without_start = without(&[3]);
        assert!(!without_start.contains(&"release") && !without_start.contains(&"join"));
        let without_join = without(&[5]);
        assert!(!without_join.contains(&"release"), "nobody would see how it ends: {without_join:?}");
        assert!(!without(&[6]).contains(&"lift") && !without(&[7]).contains(&"arm"));
        assert!(!without(&[12]).contains(&"undo"));
    }

    #[test]
    fn a_scenario_that_checks_nothing_any_more_says_what_judges_it() {
        assert_eq!(without(&[1, 2, 3, 6, 9, 10, 11, 12]), ["load", "check"]);
    }

    #[test]
    fn an_expectation_that_became_wrong_is_dropped_and_not_the_step() {
        let mut scenario = scenario::parse("a", "a.yaml", FILE.as_bytes()).unwrap();
        scenario.steps[8].failpoints.clear();
        let settled = settle(&scenario).expect("it makes sense without the crash");
        assert_eq!(settled.steps.len(), 13);
        assert_eq!(settled.steps[8].expect, Expect::Any);
    }
}
