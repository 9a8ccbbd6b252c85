//! Schedules without chance: what a fault's random stream made of it in one run, written out.

use super::schedule::{ActionSchedule, CallSchedule};
use crate::scenario::model::{Actions, Task, Term, When};
use crate::seed::Seed;

/// Calls or crossings that are written out at the most.
const PLACES_MAX: u64 = 200;

/// Where the random stream of a fault starts: the cell's seed, the process that it is armed in, and its place in the
/// scenario.
pub fn stream_of(process: Seed, step: u64, ordinal: u64) -> Seed {
    process.stream(&format!("{step}.{ordinal}"))
}

/// Where the random streams of a process's faults start.
pub fn stream_of_process(cell: Seed, process: &str) -> Seed {
    cell.stream("faults").stream(process)
}

/// The calls that a probability struck among the first `reached` that it met, counted from 1; none for other schedules,
/// which are concrete as they are.
pub fn strikes(when: When, stream: Seed, reached: u64) -> Option<Vec<u64>> {
    let When::Probability(_) = when else { return None };
    let mut schedule = CallSchedule::new(when, stream);
    Some((1..=reached.min(PLACES_MAX)).filter(|_| schedule.strikes()).collect())
}

/// What a sequence did at the first `reached` crossings, as one without probabilities; none when it has none anyway, or
/// when it did nothing.
pub fn actions(actions: &Actions, stream: Seed, reached: u64) -> Option<Actions> {
    if actions.terms().iter().all(|term| term.probability >= 1.0) {
        return None;
    }
    let mut schedule = ActionSchedule::new(actions, stream);
    let mut terms: Vec<Term> = Vec::new();
    for _ in 0..reached.min(PLACES_MAX) {
        let task = schedule.cross().unwrap_or(Task::Off);
        match terms.last_mut() {
            Some(term) if term.task == task => term.count = term.count.map(|count| count + 1),
            _ => terms.push(Term { probability: 1.0, count: Some(1), task }),
        }
    }
    if terms.last().is_some_and(|term| term.task == Task::Off) {
        terms.pop();
    }
    let texts: Vec<String> = terms.iter().map(Term::to_string).collect();
    texts.join("->").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probability_is_written_out_as_the_calls_that_it_struck() {
        let struck = strikes(When::Probability(0.5), Seed(1), 20).expect("a probability");
        let mut schedule = CallSchedule::new(When::Probability(0.5), Seed(1));
        let again: Vec<u64> = (1..=20).filter(|_| schedule.strikes()).collect();
        assert_eq!(struck, again);
        assert!(!struck.is_empty() && strikes(When::Every, Seed(1), 20).is_none());
    }

    #[test]
    fn a_sequence_is_written_out_as_what_it_did() {
        let chancy: Actions = "50%2*return->1*off->1*panic".parse().expect("valid");
        let written = actions(&chancy, Seed(3), 12).expect("it did something");
        let done = |actions: &Actions, crossings: usize| {
            let mut schedule = ActionSchedule::new(actions, Seed(3));
            (0..crossings).map(|_| schedule.cross()).collect::<Vec<_>>()
        };
        assert_eq!(done(&written, 12), done(&chancy, 12));
        assert!(written.terms().iter().all(|term| term.probability >= 1.0));
        assert_eq!(actions(&written, Seed(3), 12), None);
    }
}
