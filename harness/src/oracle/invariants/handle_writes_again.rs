//! No fault leaves a handle wedged.

use crate::oracle::evidence::Evidence;
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, Invariant};
#[cfg(test)]
use crate::oracle::sound;

/// See the module.
#[derive(Debug)]
pub struct HandleWritesAgain;

impl Invariant for HandleWritesAgain {
    fn name(&self) -> &'static str {
        "handle-writes-again"
    }

    fn property(&self) -> &'static str {
        "once faults are lifted, every open handle can write again within its bound and sees what it wrote"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        super::without_closing(evidence).or_else(|| {
            let probes = evidence.closing.iter().flat_map(|closing| &closing.probes).count();
            (probes == 0).then(|| "no handle was open when the steps ended".to_owned())
        })
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        let Some(closing) = &evidence.closing else { return Ok(()) };
        let mut lines = Vec::new();
        for probe in &closing.probes {
            let label = format!("'{}' in '{}'", probe.handle, probe.process);
            if !probe.acknowledged {
                lines.push(format!(
                    "{label} cannot write: {} of {} attempts failed",
                    probe.failures.len(),
                    probe.attempts_max
                ));
                lines.extend(probe.failures.iter().map(|failure| format!("{label}: {failure}")));
            }
            if probe.acknowledged && probe.failures.len() >= probe.attempts_max as usize {
                lines.push(format!("{label} wrote after more than {} attempts", probe.attempts_max));
            }
            if probe.visible == Some(false) {
                lines.push(format!("{label} does not see its own acknowledged row exactly once"));
            }
        }
        Breach::unless_empty(lines)
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        vec![
            Defect {
                what: "a handle is wedged",
                plant: |e| {
                    let probe = &mut sound::closing_mut(e).probes[0];
                    probe.acknowledged = false;
                    probe.failures = vec!["conflict: table Person has moved".into(); 3];
                },
            },
            Defect {
                what: "a handle does not see what it wrote",
                plant: |e| sound::closing_mut(e).probes[0].visible = Some(false),
            },
            Defect {
                what: "a handle takes more attempts than it may",
                plant: |e| sound::closing_mut(e).probes[0].failures = vec!["conflict".into(); 3],
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_red_on_every_planted_defect_and_on_nothing_else() {
        sound::prove(&HandleWritesAgain);
    }
}
