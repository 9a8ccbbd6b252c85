//! A fault that never fires proves nothing.

use crate::oracle::evidence::Evidence;
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, BreachKind, Invariant};
#[cfg(test)]
use crate::oracle::sound;

/// See the module.
#[derive(Debug)]
pub struct EveryArmedFaultFired;

impl Invariant for EveryArmedFaultFired {
    fn name(&self) -> &'static str {
        "every-armed-fault-fired"
    }

    fn property(&self) -> &'static str {
        "every armed fault was reached and fired"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        evidence.faults.is_empty().then(|| "no fault was armed".to_owned())
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        let idle: Vec<String> = evidence
            .faults
            .iter()
            .filter(|tally| !tally.is_exercised())
            .map(|tally| format!("{} (reached {}, fired {})", tally.fault, tally.reached, tally.fired))
            .collect();
        if idle.is_empty() { Ok(()) } else { Err(Breach::new(BreachKind::NotExercised, idle)) }
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        vec![
            Defect { what: "a fault was never reached", plant: |e| (e.faults[0].reached, e.faults[0].fired) = (0, 0) },
            Defect { what: "a fault was reached and never fired", plant: |e| e.faults[1].fired = 0 },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_red_on_every_planted_defect_and_on_nothing_else() {
        sound::prove(&EveryArmedFaultFired);
    }
}
