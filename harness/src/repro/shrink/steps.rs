//! Operations: steps, and where and how they run.

use std::ops::Range;

use super::pass::take_out;
use crate::scenario::Scenario;
use crate::scenario::model::Step;

pub fn count(scenario: &Scenario) -> usize {
    scenario.steps.len()
}

pub fn without(scenario: &Scenario, taken: Range<usize>) -> Scenario {
    let mut scenario = scenario.clone();
    take_out(&mut scenario.steps, &mut 0, &taken);
    scenario
}

/// Each background step run in the foreground instead; its `release` and `join` then mean nothing, and go.
pub fn in_the_foreground(scenario: &Scenario) -> Vec<Scenario> {
    let in_background = |(_, step): &(usize, &Step)| step.start.is_some();
    let places = scenario.steps.iter().enumerate().filter(in_background);
    places
        .map(|(at, _)| {
            let mut simpler = scenario.clone();
            simpler.steps[at].start = None;
            simpler.steps[at].hold = None;
            simpler
        })
        .collect()
}

/// Names that could be the default, and what is said for people, step by step.
pub fn names(scenario: &Scenario) -> usize {
    let own = |step: &Step| usize::from(step.actor.is_some()) + usize::from(step.operation.is_some());
    scenario.steps.iter().map(|step| 1 + own(step)).sum()
}

pub fn without_names(scenario: &Scenario, taken: Range<usize>) -> Scenario {
    let mut scenario = scenario.clone();
    let mut place = 0;
    for step in &mut scenario.steps {
        if taken.contains(&place) {
            step.process = None;
            step.handle = None;
        }
        place += 1;
        for name in [&mut step.actor, &mut step.operation].into_iter().filter(|name| name.is_some()) {
            if taken.contains(&place) {
                *name = None;
            }
            place += 1;
        }
    }
    scenario
}
