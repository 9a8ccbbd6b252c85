//! Recovery is idempotent: once converged, opening again changes nothing.

use crate::oracle::evidence::Evidence;
#[cfg(test)]
use crate::oracle::evidence::SecondRecovery;
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, Invariant};
use crate::oracle::layout;
use crate::oracle::rows;
#[cfg(test)]
use crate::oracle::sound;

/// See the module.
#[derive(Debug)]
pub struct SecondRecoveryChangesNothing;

impl Invariant for SecondRecoveryChangesNothing {
    fn name(&self) -> &'static str {
        "second-recovery-changes-nothing"
    }

    fn property(&self) -> &'static str {
        "a second recovery changes no object, no row and no record"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        match super::without_closing(evidence) {
            None if evidence.closing.iter().all(|closing| closing.second_recovery.is_none()) => {
                Some("no second recovery was tried".to_owned())
            }
            missing => missing,
        }
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        let Some(closing) = &evidence.closing else { return Ok(()) };
        let Some(second) = &closing.second_recovery else { return Ok(()) };
        let mut lines = layout::differences(&second.before, &second.after);
        for (type_name, before) in &closing.world.rows {
            let after = second.rows.get(type_name).map(|rows| rows::sorted_lines(rows));
            if after.is_some_and(|after| after != rows::sorted_lines(before)) {
                lines.push(format!("the rows of {type_name} are not what they were"));
            }
        }
        if second.commits != closing.world.commits {
            lines.push(format!("{} commits before, {} after", closing.world.commits.len(), second.commits.len()));
        }
        if second.recoveries != closing.world.recoveries {
            lines.push(format!(
                "{} audit rows before, {} after",
                closing.world.recoveries.len(),
                second.recoveries.len()
            ));
        }
        Breach::unless_empty(lines)
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        fn second(e: &mut Evidence) -> &mut SecondRecovery {
            sound::closing_mut(e).second_recovery.as_mut().expect("a second recovery")
        }
        vec![
            Defect { what: "an object is added", plant: |e| second(e).after.push(sound::object("__recovery/X.json")) },
            Defect {
                what: "an object is removed",
                plant: |e| {
                    second(e).after.pop();
                },
            },
            Defect { what: "an object is rewritten in the same size", plant: |e| second(e).after[0].hash.push('0') },
            Defect {
                what: "a row vanishes",
                plant: |e| {
                    second(e).rows.get_mut("Person").expect("Person").pop();
                },
            },
            Defect {
                what: "an audit row is added again",
                plant: |e| {
                    let again = second(e).recoveries[0].clone();
                    second(e).recoveries.push(again);
                },
            },
            Defect {
                what: "a commit is added",
                plant: |e| {
                    let again = second(e).commits[0].clone();
                    second(e).commits.push(again);
                },
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_red_on_every_planted_defect_and_on_nothing_else() {
        sound::prove(&SecondRecoveryChangesNothing);
    }
}
