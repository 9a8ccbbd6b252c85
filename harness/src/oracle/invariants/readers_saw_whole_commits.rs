//! Snapshots are coherent.

use crate::oracle::evidence::{Evidence, Reading};
use crate::oracle::facts::SchemaFacts;
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, BreachKind, Invariant};
use crate::oracle::model::trajectory::CANDIDATES_MAX;
use crate::oracle::model::{Candidate, Trajectory, follow};
#[cfg(test)]
use crate::oracle::sound;

/// See the module.
#[derive(Debug)]
pub struct ReadersSawWholeCommits;

impl Invariant for ReadersSawWholeCommits {
    fn name(&self) -> &'static str {
        "readers-saw-whole-commits"
    }

    fn property(&self) -> &'static str {
        "every reader saw the rows of one whole commit, never a mixture, nothing from the future, and its own acknowledged writes"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        let trajectory = follow(evidence);
        if evidence.readings.is_empty() {
            return Some("nobody read while the steps ran".to_owned());
        }
        match &trajectory {
            Trajectory::Followed { lost, .. } if within(evidence, lost.as_ref().map(|lost| lost.at)).is_empty() => {
                trajectory.silent_at_the_end()
            }
            Trajectory::Contradicted { why } => Some(format!("the reference model was contradicted: {why}")),
            Trajectory::NoSchema => trajectory.silent_at_the_end(),
            Trajectory::Followed { .. } | Trajectory::TooMany => None,
        }
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        let Some(schema) = &evidence.schema else { return Ok(()) };
        let (candidates, lost) = match follow(evidence) {
            Trajectory::Followed { candidates, lost } => (candidates, lost.map(|lost| lost.at)),
            Trajectory::TooMany => {
                let why =
                    format!("writes in doubt leave more than {CANDIDATES_MAX} ways in which things may have gone");
                return Err(Breach::new(BreachKind::Inconclusive, vec![why]));
            }
            Trajectory::Contradicted { .. } | Trajectory::NoSchema => return Ok(()),
        };
        let mut lines = Vec::new();
        for reading in within(evidence, lost) {
            if !candidates.iter().any(|candidate| candidate.explains(evidence, schema, &[reading])) {
                lines.extend(explain(schema, &candidates, reading));
            }
        }
        for (process, handle) in readers(evidence) {
            let own: Vec<&Reading> = within(evidence, lost)
                .into_iter()
                .filter(|reading| reading.process == process && reading.handle == handle)
                .collect();
            if lines.is_empty() && !candidates.iter().any(|candidate| candidate.explains(evidence, schema, &own)) {
                lines.push(format!("'{handle}' in '{process}' went back: its readings fit no order of commits"));
            }
        }
        Breach::unless_empty(lines)
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        vec![
            Defect {
                what: "a reader saw one table of a commit and not the other",
                plant: |e| e.readings[0].rows.get_mut("Company").expect("Company").clear(),
            },
            Defect {
                what: "a reader saw a write before it began",
                plant: |e| {
                    e.readings[0].rows.get_mut("Person").expect("Person")[0]
                        .insert("age".into(), 31.into())
                        .map(drop)
                        .unwrap_or(())
                },
            },
            Defect {
                what: "a handle went back in time",
                plant: |e| {
                    let mut later = e.readings[0].clone();
                    (later.started, later.ended, later.handle) = (50, 51, "reader".into());
                    e.readings[1].handle = "reader".into();
                    e.readings.push(later);
                },
            },
            Defect {
                what: "a handle did not see its own acknowledged write",
                plant: |e| {
                    let mut later = e.readings[0].clone();
                    (later.started, later.ended) = (8, 9);
                    e.readings = vec![later];
                },
            },
        ]
    }
}

/// Readings that were over before the model lost track, in the order in which they started.
fn within(evidence: &Evidence, lost: Option<u64>) -> Vec<&Reading> {
    let mut readings: Vec<&Reading> =
        evidence.readings.iter().filter(|reading| lost.is_none_or(|lost| reading.ended < lost)).collect();
    readings.sort_by_key(|reading| reading.started);
    readings
}

fn readers(evidence: &Evidence) -> Vec<(&str, &str)> {
    let mut readers: Vec<_> =
        evidence.readings.iter().map(|reading| (reading.process.as_str(), reading.handle.as_str())).collect();
    readers.sort_unstable();
    readers.dedup();
    readers
}

/// What the reading has against the nearest state there was.
fn explain(schema: &SchemaFacts, candidates: &[Candidate], reading: &Reading) -> Vec<String> {
    let moments = candidates.iter().flat_map(|candidate| &candidate.past);
    let nearest = moments
        .filter(|moment| moment.latest_started < reading.ended)
        .map(|moment| moment.state.differences(schema, &reading.rows))
        .min_by_key(Vec::len)
        .unwrap_or_default();
    let label =
        reading.step.map_or(format!("'{}'", reading.handle), |step| format!("'{}' in step {step}", reading.handle));
    let why =
        if nearest.is_empty() { "missed a write of its own" } else { "saw no whole commit; against the nearest one:" };
    std::iter::once(format!("{label} at version {} {why}", reading.graph_version)).chain(nearest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_red_on_every_planted_defect_and_on_nothing_else() {
        sound::prove(&ReadersSawWholeCommits);
    }
}
