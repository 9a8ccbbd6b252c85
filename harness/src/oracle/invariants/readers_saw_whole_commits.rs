//! Snapshots are coherent.

use std::collections::{BTreeMap, BTreeSet};

use crate::oracle::evidence::{Evidence, ReaderFailure, Reading, Taken};
use crate::oracle::facts::SchemaFacts;
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, BreachKind, Invariant};
use crate::oracle::model::trajectory::CANDIDATES_MAX;
use crate::oracle::model::{Candidate, Trajectory, follow};
use crate::oracle::rows::digest;
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
        "every reader saw the rows of one whole commit, never a mixture, nothing from the future, and what was acknowledged by then; a version shows the same rows to everybody and always"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        let trajectory = follow(evidence);
        if !evidence.reader_failures.is_empty() {
            return None;
        }
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
        let failed = |failure: &ReaderFailure| format!("{} could not go on reading: {}", failure.reader, failure.why);
        let mut lines: Vec<String> = evidence.reader_failures.iter().map(failed).collect();
        lines.extend(strange_versions(evidence));
        lines.extend(versions_gone_back(evidence));
        lines.extend(versions_read_in_two_ways(evidence));
        Breach::unless_empty(lines)?;
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
                    (later.started, later.ended, later.handle) = (50, 51, "reader 1".into());
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
            Defect {
                what: "a snapshot that was fetched after a write was acknowledged does not show it",
                plant: |e| {
                    let mut later = e.readings[0].clone();
                    (later.started, later.ended, later.handle) = (8, 9, "reader 2".into());
                    later.taken = Taken::Fetched;
                    e.readings = vec![later];
                },
            },
            Defect {
                what: "a reader was given an older version than others had seen before",
                plant: |e| {
                    let mut later = e.readings[2].clone();
                    (later.started, later.ended, later.handle) = (20, 21, "reader 2".into());
                    later.taken = Taken::Fetched;
                    e.readings.push(later);
                },
            },
            Defect {
                what: "a reader's newest version went back",
                plant: |e| {
                    e.readings[2].taken = Taken::Fetched;
                },
            },
            Defect {
                what: "a snapshot changed while it was kept",
                plant: |e| {
                    let changed = e.readings[1].rows.clone();
                    e.readings[2].rows = changed;
                },
            },
            Defect {
                what: "a reader saw a version that nobody committed",
                plant: |e| e.readings[1].graph_version = 99,
            },
            Defect {
                what: "a reader could not go on",
                plant: |e| {
                    let why = "refused: not-found: a file of a table is gone".into();
                    e.reader_failures.push(ReaderFailure { reader: "reader 1".into(), at: 20, why });
                },
            },
        ]
    }
}

/// Versions that were read and that the history does not know.
fn strange_versions(evidence: &Evidence) -> Vec<String> {
    let Some(closing) = &evidence.closing else { return Vec::new() };
    let committed: BTreeSet<u64> = closing.world.commits.iter().map(|commit| commit.graph_version).collect();
    let strange = evidence.readings.iter().filter(|reading| !committed.contains(&reading.graph_version));
    strange
        .map(|reading| format!("{} read version {}, which is no commit", label(reading), reading.graph_version))
        .collect()
}

/// Snapshots that were fetched from the store and are older than one that somebody had read before.
fn versions_gone_back(evidence: &Evidence) -> Vec<String> {
    let fetched = evidence.readings.iter().enumerate().filter(|(_, reading)| reading.taken == Taken::Fetched);
    let gone_back = fetched.filter_map(|(at, reading)| {
        // What one reader fetches comes in order; between two of them only what was over tells which came first.
        let is_own = |other: &Reading| {
            other.taken == Taken::Fetched && other.step.is_none() && reader_of(other) == reader_of(reading)
        };
        let earlier = evidence.readings.iter().enumerate().filter(|(before, other)| {
            other.ended < reading.started || (*before < at && reading.step.is_none() && is_own(other))
        });
        let newest = earlier.map(|(_, other)| other).max_by_key(|other| other.graph_version)?;
        (newest.graph_version > reading.graph_version).then(|| {
            format!(
                "{} was given version {} after {} had read version {}",
                label(reading),
                reading.graph_version,
                label(newest),
                newest.graph_version
            )
        })
    });
    gone_back.collect()
}

/// Versions that showed other rows to one reader than to another, or at another time.
fn versions_read_in_two_ways(evidence: &Evidence) -> Vec<String> {
    let mut known: BTreeMap<(u64, &str), (&Reading, String)> = BTreeMap::new();
    let mut lines = Vec::new();
    for reading in &evidence.readings {
        for (type_name, rows) in &reading.rows {
            let digest = digest(rows);
            let (first, wanted) =
                known.entry((reading.graph_version, type_name)).or_insert_with(|| (reading, digest.clone()));
            if *wanted != digest {
                lines.push(format!(
                    "{type_name} at version {} showed {} rows to {} and {} other ones to {}",
                    reading.graph_version,
                    first.rows[type_name].len(),
                    label(first),
                    rows.len(),
                    label(reading)
                ));
            }
        }
    }
    lines
}

fn reader_of(reading: &Reading) -> (&str, &str) {
    (&reading.process, &reading.handle)
}

fn label(reading: &Reading) -> String {
    match reading.step {
        Some(step) => format!("'{}' in step {step}", reading.handle),
        None => format!("'{}'", reading.handle),
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
    let mut readers: Vec<_> = evidence.readings.iter().map(reader_of).collect();
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
    let why = if nearest.is_empty() {
        "missed a write that had been acknowledged before"
    } else {
        "saw no whole commit; against the nearest one:"
    };
    std::iter::once(format!("{} at version {} {why}", label(reading), reading.graph_version)).chain(nearest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_red_on_every_planted_defect_and_on_nothing_else() {
        sound::prove(&ReadersSawWholeCommits);
    }
}
