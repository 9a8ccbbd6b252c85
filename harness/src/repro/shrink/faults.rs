//! Faults: fewer of them, and each struck once, at a known call.

use std::ops::Range;

use super::pass::take_out;
use crate::scenario::Scenario;
use crate::scenario::model::{Action, Actions, FailpointName, Step, StoreFault, Task, When, WireFault};

/// Calls of a schedule that are tried one by one.
const CALLS_TRIED_MAX: u64 = 12;

pub fn failpoints(scenario: &Scenario) -> usize {
    let armed = scenario.steps.iter().map(|step| match &step.action {
        Action::Arm(arm) => arm.failpoints.len(),
        _ => step.failpoints.len(),
    });
    armed.sum()
}

pub fn without_failpoints(scenario: &Scenario, taken: Range<usize>) -> Scenario {
    let mut scenario = scenario.clone();
    let mut place = 0;
    for step in &mut scenario.steps {
        let points = match &mut step.action {
            Action::Arm(arm) => &mut arm.failpoints,
            _ => &mut step.failpoints,
        };
        points.retain(|_, _| {
            place += 1;
            !taken.contains(&(place - 1))
        });
    }
    scenario
}

pub fn store_faults(scenario: &Scenario) -> usize {
    let mut scenario = scenario.clone();
    scenario.steps.iter_mut().map(|step| faults_of(step).len()).sum()
}

pub fn without_store_faults(scenario: &Scenario, taken: Range<usize>) -> Scenario {
    let mut scenario = scenario.clone();
    let mut place = 0;
    for step in &mut scenario.steps {
        take_out(faults_of(step), &mut place, &taken);
    }
    scenario
}

fn faults_of(step: &mut Step) -> &mut Vec<StoreFault> {
    match &mut step.action {
        Action::Arm(arm) => &mut arm.faults,
        _ => &mut step.faults,
    }
}

fn wire_of(step: &mut Step) -> &mut Vec<WireFault> {
    match &mut step.action {
        Action::Arm(arm) => &mut arm.wire,
        _ => &mut step.wire,
    }
}

pub fn wire_faults(scenario: &Scenario) -> usize {
    scenario.clone().steps.iter_mut().map(|step| wire_of(step).len()).sum()
}

pub fn without_wire_faults(scenario: &Scenario, taken: Range<usize>) -> Scenario {
    let mut scenario = scenario.clone();
    let mut place = 0;
    for step in &mut scenario.steps {
        take_out(wire_of(step), &mut place, &taken);
    }
    scenario
}

/// Each fault struck once, at the first call, at the second, and so on.
pub fn struck_once(scenario: &Scenario) -> Vec<Scenario> {
    let mut simpler = Vec::new();
    for at in 0..scenario.steps.len() {
        let mut copy = scenario.clone();
        for (fault, when) in faults_of(&mut copy.steps[at]).iter().map(|fault| fault.when).enumerate() {
            for when in single_strikes(when) {
                let mut candidate = scenario.clone();
                faults_of(&mut candidate.steps[at])[fault].when = when;
                simpler.push(candidate);
            }
        }
        for (name, actions) in failpoints_of(scenario, at) {
            for actions in single_actions(&actions) {
                let mut candidate = scenario.clone();
                match &mut candidate.steps[at].action {
                    Action::Arm(arm) => arm.failpoints.insert(name.clone(), actions),
                    _ => candidate.steps[at].failpoints.insert(name.clone(), actions),
                };
                simpler.push(candidate);
            }
        }
    }
    simpler
}

fn failpoints_of(scenario: &Scenario, at: usize) -> Vec<(FailpointName, Actions)> {
    let step = &scenario.steps[at];
    let points = match &step.action {
        Action::Arm(arm) => &arm.failpoints,
        _ => &step.failpoints,
    };
    points.iter().map(|(name, actions)| (name.clone(), actions.clone())).collect()
}

fn single_strikes(when: When) -> Vec<When> {
    let last = match when {
        When::Nth(nth) => nth.saturating_sub(1),
        When::First(count) => count,
        When::Every | When::Probability(_) => CALLS_TRIED_MAX,
    };
    (1..=last.min(CALLS_TRIED_MAX)).map(When::Nth).collect()
}

/// The tasks of a sequence, each alone at the first crossings.
fn single_actions(actions: &Actions) -> Vec<Actions> {
    let terms = actions.terms();
    if let [only] = terms
        && only.count == Some(1)
        && only.probability >= 1.0
    {
        return Vec::new();
    }
    let crossings: u64 = terms.iter().map(|term| term.count.unwrap_or(CALLS_TRIED_MAX)).fold(0, u64::saturating_add);
    let tasks: Vec<&Task> = terms.iter().map(|term| &term.task).filter(|task| **task != Task::Off).collect();
    let mut simpler = Vec::new();
    // What a crash is followed by is never reached, so that it needs no count.
    let once = |task: &Task| if *task == Task::Crash { "crash".to_owned() } else { format!("1*{}", shown(task)) };
    for task in tasks {
        let texts = (0..crossings.min(CALLS_TRIED_MAX)).map(|passed| match passed {
            0 => once(task),
            passed => format!("{passed}*off->{}", once(task)),
        });
        simpler.extend(texts.filter(|text| text.len() < actions.as_str().len()).filter_map(|text| text.parse().ok()));
    }
    simpler
}

/// A task as it is written.
pub fn shown(task: &Task) -> String {
    crate::scenario::model::Term { probability: 1.0, count: None, task: task.clone() }.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn simpler(text: &str) -> Vec<String> {
        single_actions(&text.parse().expect("valid")).into_iter().map(String::from).collect()
    }

    #[test]
    fn a_sequence_is_tried_as_one_action_at_a_time() {
        assert_eq!(
            simpler("1*off->1*return->1*crash"),
            ["1*return", "1*off->1*return", "2*off->1*return", "crash", "1*off->crash", "2*off->crash"]
        );
        assert_eq!(simpler("1*return"), [""; 0]);
        assert_eq!(simpler("crash"), [""; 0]);
    }

    #[test]
    fn a_schedule_is_tried_at_one_call_at_a_time_and_never_at_a_later_one() {
        assert_eq!(single_strikes(When::Nth(3)), [When::Nth(1), When::Nth(2)]);
        assert_eq!(single_strikes(When::Nth(1)), []);
        assert_eq!(single_strikes(When::Every).len() as u64, CALLS_TRIED_MAX);
    }
}
