//! Snapshots are coherent while others write.

use crate::oracle::evidence::Evidence;
#[cfg(test)]
use crate::oracle::evidence::{ReaderFailure, Reading, Taken};
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, Invariant};
use crate::oracle::readings::{self, Which};
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
        "every reader beside a call that writes or recovers saw the rows of one whole commit, never a mixture, nothing from the future, and what was acknowledged by then; a version shows the same rows to everybody and always"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        readings::missing(evidence, Which::Beside)
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        readings::judge(evidence, Which::Beside)
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        vec![
            Defect {
                what: "a reader saw one table of a commit and not the other",
                plant: |e| e.readings[2].rows.get_mut("Company").expect("Company").clear(),
            },
            Defect {
                what: "a query beside a write saw one table of a commit and not the other",
                plant: |e| {
                    (e.readings[0].started, e.readings[0].ended) = (5, 8);
                    e.readings[0].rows.get_mut("Company").expect("Company").clear();
                },
            },
            Defect {
                what: "a reader saw a write before it began",
                plant: |e| {
                    let early = Reading { rows: e.readings[1].rows.clone(), ..reader(e, 0, 4, Taken::Fetched) };
                    e.readings = vec![early];
                },
            },
            Defect {
                what: "a handle went back in time",
                plant: |e| {
                    let later = reader(e, 0, 50, Taken::Held);
                    e.readings.push(Reading { handle: "reader 1".into(), ..later });
                },
            },
            Defect {
                what: "a snapshot that was fetched after a write was acknowledged does not show it",
                plant: |e| e.readings = vec![reader(e, 0, 8, Taken::Fetched)],
            },
            Defect {
                what: "a reader was given an older version than others had seen before",
                plant: |e| {
                    let later = reader(e, 2, 20, Taken::Fetched);
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

/// What another reader beside the steps saw at `started`: the rows of the reading at this place.
#[cfg(test)]
fn reader(evidence: &Evidence, place: usize, started: u64, taken: Taken) -> Reading {
    let reader = evidence.readings[1].clone();
    let Reading { graph_version, rows, .. } = evidence.readings[place].clone();
    Reading { handle: "reader 2".into(), started, ended: started + 1, taken, graph_version, rows, ..reader }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_red_on_every_planted_defect_and_on_nothing_else() {
        sound::prove(&ReadersSawWholeCommits);
    }

    #[test]
    fn without_a_reader_beside_a_call_nothing_is_claimed() {
        let mut alone = sound::evidence();
        alone.readings.truncate(1);
        let missing = ReadersSawWholeCommits.missing(&alone);
        assert!(missing.is_some_and(|why| why.starts_with("nobody read while")), "a query between two calls");
        // One that was under way when the next call began is another matter; a read-only open is no such call.
        alone.readings[0].ended = 7;
        assert_eq!(ReadersSawWholeCommits.missing(&alone), None);
        alone.operations.iter_mut().for_each(|operation| {
            operation.call = crate::oracle::evidence::OperationCall::Open { read_only: true };
        });
        assert!(ReadersSawWholeCommits.missing(&alone).is_some());
    }
}
