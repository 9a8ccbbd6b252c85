//! Counting: which of the calls that a store fault meets it strikes, and what a failpoint does at which crossing.
//!
//! The harness evaluates failpoint actions itself and has the engine's failpoints always fire. Only so is every crossing
//! counted, every probability drawn from the cell's seed, and every process that one worker simulates armed by itself.

use rand::Rng;
use rand::rngs::StdRng;

use crate::scenario::model::{Actions, Task, Term, When};
use crate::seed::Seed;

/// A [`When`] that counts.
#[derive(Debug)]
pub struct CallSchedule {
    when: When,
    matches: u64,
    rng: StdRng,
}

impl CallSchedule {
    /// Starts to count. `seed` is the fault's own stream; only a probability draws from it.
    pub fn new(when: When, seed: Seed) -> Self {
        CallSchedule { when, matches: 0, rng: seed.rng() }
    }

    /// Takes one more match and says whether it is struck.
    pub fn strikes(&mut self) -> bool {
        self.matches += 1;
        match self.when {
            When::Every => true,
            When::Nth(nth) => self.matches == nth,
            When::First(count) => self.matches <= count,
            When::Probability(probability) => self.rng.random::<f64>() < probability,
        }
    }
}

/// [`Actions`] that count.
#[derive(Debug)]
pub struct ActionSchedule {
    terms: Vec<Term>,
    rng: StdRng,
}

impl ActionSchedule {
    /// Starts to count. `seed` is the failpoint's own stream; only a probability draws from it.
    pub fn new(actions: &Actions, seed: Seed) -> Self {
        ActionSchedule { terms: actions.terms().to_vec(), rng: seed.rng() }
    }

    /// Takes one more crossing and says what is done there; none when nothing is. As in the `fail` crate, a term whose
    /// probability does not come true passes the crossing on to the next, and keeps its count.
    pub fn cross(&mut self) -> Option<Task> {
        for term in &mut self.terms {
            if term.count == Some(0) {
                continue;
            }
            if term.probability < 1.0 && self.rng.random::<f64>() >= term.probability {
                continue;
            }
            if let Some(count) = &mut term.count {
                *count -= 1;
            }
            return (term.task != Task::Off).then(|| term.task.clone());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(when: When, calls: usize) -> Vec<usize> {
        let mut schedule = CallSchedule::new(when, Seed(1));
        (1..=calls).filter(|_| schedule.strikes()).collect()
    }

    fn done(actions: &str, crossings: usize) -> Vec<Option<Task>> {
        let mut schedule = ActionSchedule::new(&actions.parse().expect("valid"), Seed(1));
        (0..crossings).map(|_| schedule.cross()).collect()
    }

    #[test]
    fn each_schedule_strikes_its_calls_only() {
        assert_eq!(struck(When::Every, 3), [1, 2, 3]);
        assert_eq!(struck(When::Nth(2), 4), [2]);
        assert_eq!(struck(When::First(2), 4), [1, 2]);
    }

    #[test]
    fn a_probability_is_drawn_from_the_seed() {
        let often = struck(When::Probability(0.5), 1000).len();
        assert!((400..600).contains(&often), "{often}");
        assert_eq!(struck(When::Probability(0.3), 50), struck(When::Probability(0.3), 50));
    }

    #[test]
    fn a_sequence_goes_on_when_a_count_is_used_up() {
        assert_eq!(done("1*off->1*return", 4), [None, Some(Task::Return), None, None]);
        assert_eq!(done("2*return->crash", 3).last(), Some(&Some(Task::Crash)));
    }

    #[test]
    fn a_term_that_does_not_come_true_passes_the_crossing_on() {
        let tasks = done("25%return->panic", 1000);
        let returned = tasks.iter().flatten().filter(|task| **task == Task::Return).count();
        assert!((200..300).contains(&returned), "{returned}");
        assert!(tasks.iter().all(Option::is_some));
    }
}
