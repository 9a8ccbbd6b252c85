//! With every fault lifted, a read-write open gets through.

use crate::oracle::evidence::Evidence;
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, Invariant};
#[cfg(test)]
use crate::oracle::sound;

/// See the module.
#[derive(Debug)]
pub struct RecoveryConverges;

impl Invariant for RecoveryConverges {
    fn name(&self) -> &'static str {
        "recovery-converges"
    }

    fn property(&self) -> &'static str {
        "once faults are lifted, a read-write open recovers everything and succeeds"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        let is_unknown = evidence.closing.is_none() && evidence.closing_failed.is_none();
        is_unknown.then(|| "the graph was not opened after the steps".to_owned())
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        Breach::unless_empty(evidence.closing_failed.iter().map(|error| format!("the open failed: {error}")).collect())
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        vec![Defect {
            what: "the open fails",
            plant: |e| {
                e.closing = None;
                e.closing_failed = Some("conflict: table Person has moved".into());
            },
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_red_on_every_planted_defect_and_on_nothing_else() {
        sound::prove(&RecoveryConverges);
    }
}
