//! What the faults that fired say about the store.

use super::evidence::Evidence;
use crate::event::FaultFamily;

/// How the actions begin of a store that says what is not so.
const LIES: [&str; 6] = ["lost write", "torn after", "byte ", "stale", "misdirected to", "not found"];

/// A fault that fired and in which the store said what is not so.
pub fn lie(evidence: &Evidence) -> Option<&str> {
    let fired = evidence.faults.iter().filter(|tally| tally.fired > 0).map(|tally| &tally.fault);
    let mut actions = fired.filter(|fault| fault.family != FaultFamily::Wire).map(|fault| fault.action.as_str());
    actions.find(|action| LIES.iter().any(|lie| action.starts_with(lie)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::FaultTally;
    use crate::fault::{FaultOrder, Rule};
    use crate::scenario::model::{Effect, Matcher, StoreFault, When};

    #[test]
    fn every_effect_of_a_lying_store_is_one_and_no_other() {
        let evidence = |effect: Effect| {
            let rule = Rule::Store(StoreFault { on: Matcher::default(), effect, when: When::Nth(1) });
            let tally = FaultTally { fired: 1, ..FaultTally::armed(FaultOrder::new(1, 1, rule).id) };
            Evidence { faults: vec![tally], ..Evidence::default() }
        };
        let lies = [Effect::LostWrite, Effect::Torn(1), Effect::Corrupt(1), Effect::Stale, Effect::NotFound];
        for effect in lies.into_iter().chain([Effect::Misdirect("a".into())]) {
            assert!(lie(&evidence(effect.clone())).is_some(), "{effect:?}");
        }
        for effect in
            [Effect::Timeout, Effect::AckLost, Effect::Late("a".into()), Effect::CrashAfter, Effect::Latency(1)]
        {
            assert_eq!(lie(&evidence(effect.clone())), None, "{effect:?}");
        }
    }
}
