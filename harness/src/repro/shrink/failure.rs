//! What makes two failures the same one.

use std::collections::BTreeSet;
use std::fmt;

use crate::event::{Event, FaultTally, Outcome, OutcomeName, Record, Verdict};

/// One run of one candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// What it came to.
    pub verdict: Verdict,
    /// Every armed fault with its counts.
    pub faults: Vec<FaultTally>,
    /// How its steps ended, in the order in which they did.
    pub ends: Vec<StepEnd>,
}

/// How one step ended.
#[derive(Clone, Debug, PartialEq)]
pub struct StepEnd {
    /// Its number, from 1.
    pub number: u64,
    /// Its kind, such as `load`.
    pub kind: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether that is what the scenario says.
    pub as_expected: bool,
}

impl StepEnd {
    /// The end of a step, if that is what an event tells.
    pub fn of(event: &Event) -> Option<StepEnd> {
        let Event::StepFinished { step, outcome, as_expected, .. } = event else { return None };
        let (number, kind) = (step.number, step.kind.clone());
        Some(StepEnd { number, kind, outcome: outcome.clone(), as_expected: *as_expected })
    }
}

impl Trial {
    /// The run that a bundle recorded.
    pub fn recorded(verdict: &Verdict, events: &[Record]) -> Trial {
        let ends = events.iter().filter_map(|record| StepEnd::of(&record.event)).collect();
        Trial { verdict: verdict.clone(), faults: Vec::new(), ends }
    }

    /// The step that ended otherwise than the scenario says; no step is run after it.
    pub fn deviation(&self) -> Option<&StepEnd> {
        self.ends.iter().find(|end| !end.as_expected)
    }

    /// Promises that are judged once the steps are over, and that were broken.
    pub fn broken(&self) -> BTreeSet<String> {
        match &self.verdict {
            Verdict::Broken { breaches } => {
                let judged = breaches.iter().filter(|breach| breach.step.is_none());
                judged.map(|breach| breach.invariant.clone()).collect()
            }
            _ => BTreeSet::new(),
        }
    }
}

/// What a candidate must still do to count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It breaks exactly these invariants.
    Invariants(BTreeSet<String>),
    /// It breaks none of them, and a step of this kind ends in this way, although the scenario says otherwise.
    Step {
        /// The step's kind, such as `load`.
        kind: String,
        /// How it ends.
        outcome: OutcomeName,
        /// The kind of the engine's error, where it ends with one.
        error: Option<String>,
    },
}

impl Failure {
    /// What failed in a run.
    ///
    /// # Errors
    /// The run did not fail, or in a way that says nothing about the engine.
    pub fn of(trial: &Trial) -> Result<Failure, String> {
        let broken = trial.broken();
        if broken.iter().any(|name| matches!(name.as_str(), "canary" | "known")) {
            return Err("the scenario failed because it held; there is nothing to shrink".to_owned());
        }
        match (&trial.verdict, trial.deviation()) {
            (Verdict::Broken { .. }, _) if !broken.is_empty() => Ok(Failure::Invariants(broken)),
            (Verdict::Broken { .. } | Verdict::Inconclusive { .. }, Some(end)) => Ok(Failure::of_step(end)),
            (verdict, _) => {
                let reasons = verdict.reasons().join("; ");
                Err(format!("the verdict is '{}', and no promise was broken ({reasons})", verdict.name()))
            }
        }
    }

    fn of_step(end: &StepEnd) -> Failure {
        Failure::Step {
            kind: end.kind.clone(),
            outcome: end.outcome.name(),
            error: end.outcome.error().map(|error| error.kind.clone()),
        }
    }

    /// Whether a run failed in the same way, and in no other.
    pub fn is_in(&self, trial: &Trial) -> bool {
        match self {
            Failure::Invariants(_) => self.is_broken_in(trial) && trial.deviation().is_none(),
            Failure::Step { .. } => {
                trial.broken().is_empty() && trial.deviation().is_some_and(|end| Failure::of_step(end) == *self)
            }
        }
    }

    /// Whether a run broke the same invariants, whatever else its steps did.
    pub fn is_broken_in(&self, trial: &Trial) -> bool {
        matches!(self, Failure::Invariants(wanted) if trial.broken() == *wanted)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Invariants(names) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                f.write_str(&names.join(", "))
            }
            Failure::Step { kind, outcome: OutcomeName::Mismatch, .. } => {
                write!(f, "a step '{kind}' that finds something else than it looks for")
            }
            Failure::Step { kind, error: Some(error), .. } => {
                write!(f, "a step '{kind}' that ends with an error of kind '{error}'")
            }
            Failure::Step { kind, outcome, .. } => {
                write!(f, "a step '{kind}' that ends otherwise than expected ({outcome:?})")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Breach, ErrorData};

    fn broken(breaches: Vec<Breach>, ends: Vec<StepEnd>) -> Trial {
        Trial { verdict: Verdict::Broken { breaches }, faults: Vec::new(), ends }
    }

    fn end(kind: &str, error: &str) -> StepEnd {
        let outcome = Outcome::Refused { error: ErrorData::new(error, "so") };
        StepEnd { number: 1, kind: kind.into(), outcome, as_expected: false }
    }

    #[test]
    fn invariants_have_to_be_the_same_ones_and_steps_have_to_end_as_they_should() {
        let failure = Failure::of(&broken(vec![Breach::new("head-equals-pin", "x")], Vec::new())).unwrap();
        assert!(failure.is_in(&broken(vec![Breach::new("head-equals-pin", "y")], Vec::new())));
        let more = broken(vec![Breach::new("head-equals-pin", "y"), Breach::new("keys-are-unique", "y")], Vec::new());
        assert!(!failure.is_in(&more));
        let with_a_step = broken(vec![Breach::new("head-equals-pin", "y")], vec![end("load", "drift")]);
        assert!(!failure.is_in(&with_a_step) && failure.is_broken_in(&with_a_step));
    }

    #[test]
    fn a_step_has_to_be_of_the_same_kind_with_an_error_of_the_same_kind() {
        let breach = || vec![Breach::new("expectation", "x").at_step(1, None)];
        let failure = Failure::of(&broken(breach(), vec![end("load", "drift")])).unwrap();
        assert!(failure.is_in(&broken(breach(), vec![end("load", "drift")])));
        assert!(!failure.is_in(&broken(breach(), vec![end("load", "conflict")])));
        assert!(!failure.is_in(&broken(breach(), vec![end("mutate", "drift")])));
    }

    #[test]
    fn what_says_nothing_about_the_engine_is_not_shrunk() {
        let trial = |verdict| Trial { verdict, faults: Vec::new(), ends: Vec::new() };
        assert!(Failure::of(&trial(Verdict::Held)).is_err());
        assert!(Failure::of(&trial(Verdict::NotExercised { faults: Vec::new() })).is_err());
        assert!(Failure::of(&trial(Verdict::Infrastructure { reason: "no disk".into() })).is_err());
        assert!(Failure::of(&broken(vec![Breach::new("canary", "it held")], Vec::new())).is_err());
    }
}
