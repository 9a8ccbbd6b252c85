//! Expectations of steps that are not what failed, and the run without faults.
//!
//! What is taken out of a scenario changes what the steps after it find. A check that then finds something else is no
//! failure of the engine, so such an expectation is given up, one at a time and only where a run showed that it no longer
//! holds.

use super::failure::StepEnd;
use super::settle::{anything, can_crash, can_panic};
use crate::event::Outcome;
use crate::scenario::Scenario;
use crate::scenario::model::{Action, Check, Expect, Step};

/// The scenario with nothing asked any more of the step that ended as `end` says.
pub fn relaxed(scenario: &Scenario, end: &StepEnd) -> Option<Scenario> {
    let at = index(end)?;
    let mut scenario = scenario.clone();
    let step = scenario.steps.get_mut(at)?;
    match &mut step.action {
        Action::Check(_) => {
            scenario.steps.remove(at);
            return Some(scenario);
        }
        Action::Query(query) => query.rows = None,
        action if !action.runs_the_engine() => return None,
        _ => {}
    }
    let crashed = matches!(end.outcome, Outcome::Crashed { .. });
    let wider = anything(
        crashed || can_crash(step) || step.expect.allows_crash(),
        can_panic(step) || step.expect.allows_panic(),
    );
    if step.expect == wider {
        return None;
    }
    step.expect = wider;
    Some(scenario)
}

/// The scenario up to the step that ended as `end` says. No later step was run but those that end what runs in the
/// background.
pub fn cut_after(scenario: &Scenario, end: &StepEnd) -> Option<Scenario> {
    let at = index(end)?;
    let mut scenario = scenario.clone();
    let begun: Vec<String> = scenario.steps.iter().take(at + 1).filter_map(|step| step.start.clone()).collect();
    let mut place = 0;
    scenario.steps.retain(|step| {
        place += 1;
        let ends_one = match &step.action {
            Action::Release(name) | Action::Join(name) => begun.contains(name),
            _ => false,
        };
        place <= at + 1 || ends_one
    });
    Some(scenario)
}

/// The scenario without its faults, with nothing expected of any step but the one that failed. Steps keep their numbers.
///
/// A step that fails in it as well fails because of what the scenario says, and not because of the engine.
pub fn control(scenario: &Scenario, end: &StepEnd) -> Option<Scenario> {
    let kept = index(end)?;
    let mut scenario = scenario.clone();
    for (at, step) in scenario.steps.iter_mut().enumerate() {
        step.failpoints.clear();
        step.faults.clear();
        step.wire.clear();
        step.hold = None;
        step.crash = None;
        if let Action::Arm(arm) = &mut step.action {
            arm.failpoints.clear();
            arm.faults.clear();
            arm.wire.clear();
        }
        let asks_nothing = match &step.action {
            // Nobody is held, so nobody can be released.
            Action::Release(_) | Action::Arrive(_) => true,
            Action::Check(_) => at != kept,
            _ => false,
        };
        if asks_nothing {
            *step = Step { action: Action::Check(Check::default()), expect: Expect::Any, ..step.clone() };
        } else if at != kept {
            if let Action::Query(query) = &mut step.action {
                query.rows = None;
            }
            if step.action.runs_the_engine() {
                step.expect = anything(true, false);
            }
        }
    }
    Some(scenario)
}

fn index(end: &StepEnd) -> Option<usize> {
    usize::try_from(end.number).ok()?.checked_sub(1)
}
