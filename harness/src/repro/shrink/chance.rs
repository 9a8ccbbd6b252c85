//! A scenario without chance: every probability written out as what it did in one run, so that no seed is needed.

use crate::event::FaultTally;
use crate::fault::concrete;
use crate::scenario::Scenario;
use crate::scenario::model::{Action, Actions, FailpointName, StoreFault, When};
use crate::seed::Seed;

/// The scenario as it went with this seed, where its faults were met as often as `tallies` say.
pub fn without_chance(scenario: &Scenario, seed: Seed, tallies: &[FaultTally]) -> Scenario {
    let mut scenario = Scenario { seed: None, ..scenario.clone() };
    for (step, number) in scenario.steps.iter_mut().zip(1..) {
        let stream = concrete::stream_of_process(seed, step.process());
        let mut met = Met { tallies, step: number, ordinal: 0, stream };
        if let Action::Arm(arm) = &mut step.action {
            met.failpoints(&mut arm.failpoints);
            met.faults(&mut arm.faults);
        }
        met.failpoints(&mut step.failpoints);
        met.faults(&mut step.faults);
    }
    scenario
}

/// The faults of one step, in the order in which they are numbered.
struct Met<'a> {
    tallies: &'a [FaultTally],
    step: u64,
    ordinal: u64,
    stream: Seed,
}

impl Met<'_> {
    /// The next fault's stream, and how often it was met.
    fn next(&mut self) -> (Seed, u64) {
        self.ordinal += 1;
        let is_it = |tally: &&FaultTally| (tally.fault.step, tally.fault.ordinal) == (self.step, self.ordinal);
        let reached = self.tallies.iter().find(is_it).map_or(0, |tally| tally.reached);
        (concrete::stream_of(self.stream, self.step, self.ordinal), reached)
    }

    fn failpoints(&mut self, points: &mut std::collections::BTreeMap<FailpointName, Actions>) {
        points.retain(|_, actions| {
            let (stream, reached) = self.next();
            if actions.terms().iter().all(|term| term.probability >= 1.0) {
                return true;
            }
            match concrete::actions(actions, stream, reached) {
                Some(written) => {
                    *actions = written;
                    true
                }
                None => false,
            }
        });
    }

    fn faults(&mut self, faults: &mut Vec<StoreFault>) {
        let written = faults.drain(..).flat_map(|fault| {
            let (stream, reached) = self.next();
            match concrete::strikes(fault.when, stream, reached) {
                None => vec![fault],
                Some(struck) => {
                    struck.into_iter().map(|nth| StoreFault { when: When::Nth(nth), ..fault.clone() }).collect()
                }
            }
        });
        *faults = written.collect::<Vec<_>>();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{FaultFamily, FaultId};

    #[test]
    fn a_probability_becomes_the_calls_that_it_struck() {
        let text = "
summary: one
why: because
seed: 7
graph: {schema: 'node P { n: String @key }'}
steps:
  - load: {rows: [{type: P, data: {n: a}}]}
    failpoints: {load:sidecar.write: 1*delay(1)}
    faults:
      - {on: {class: sidecar}, do: timeout, when: {probability: 0.5}}
      - {on: {class: audit}, do: timeout}
    expect: any
";
        let scenario = crate::scenario::parse("a", "a", text.as_bytes()).unwrap_or_else(|report| panic!("{report}"));
        let fault =
            FaultId { step: 1, ordinal: 2, family: FaultFamily::Store, site: String::new(), action: String::new() };
        let written =
            without_chance(&scenario, Seed(7), &[FaultTally { reached: 20, fired: 9, ..FaultTally::armed(fault) }]);
        let step = &written.steps[0];
        assert_eq!((written.seed, step.failpoints.len()), (None, 1));
        assert!(step.faults.len() > 2, "the struck ones, and the one that needs no chance");
        assert!(step.faults.iter().all(|fault| !matches!(fault.when, When::Probability(_))));
    }
}
