//! Whoever only looks changes nothing, whatever state the store is in.

use crate::oracle::evidence::Evidence;
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, Invariant};
use crate::oracle::layout;
#[cfg(test)]
use crate::oracle::sound;

/// See the module.
#[derive(Debug)]
pub struct ReadOnlyOpenTouchesNothing;

impl Invariant for ReadOnlyOpenTouchesNothing {
    fn name(&self) -> &'static str {
        "read-only-open-touches-nothing"
    }

    fn property(&self) -> &'static str {
        "a read-only open makes no call that writes and changes no object"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        evidence.read_only_opens.is_empty().then(|| "nobody opened read-only".to_owned())
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        let mut lines = Vec::new();
        for open in &evidence.read_only_opens {
            let label = open
                .step
                .map_or("the closing read-only open".to_owned(), |step| format!("the read-only open of step {step}"));
            lines.extend(open.write_calls.iter().map(|call| format!("{label} called {call}")));
            if let (Some(before), Some(after)) = (&open.before, &open.after) {
                lines.extend(layout::differences(before, after).iter().map(|line| format!("{label} {line}")));
            }
            // With sound objects below it has no reason to fail; beside damage it may.
            if let (None, true, Err(error)) = (open.step, evidence.damage.is_empty(), &open.result) {
                lines.push(format!("{label} failed: {error}"));
            }
        }
        Breach::unless_empty(lines)
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        vec![
            Defect {
                what: "a call that writes",
                plant: |e| e.read_only_opens[0].write_calls.push("delete __recovery/X.json".into()),
            },
            Defect {
                what: "an object is rewritten in the same size",
                plant: |e| e.read_only_opens[0].after.as_mut().expect("a listing")[0].hash.push('0'),
            },
            Defect {
                what: "an object is gone",
                plant: |e| drop(e.read_only_opens[0].after.as_mut().expect("a listing").pop()),
            },
            Defect {
                what: "a converged graph does not open",
                plant: |e| e.read_only_opens[0].result = Err("corrupt".into()),
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_red_on_every_planted_defect_and_on_nothing_else() {
        sound::prove(&ReadOnlyOpenTouchesNothing);
    }
}
