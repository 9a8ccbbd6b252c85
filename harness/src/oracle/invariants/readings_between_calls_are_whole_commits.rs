//! What is visible while nothing goes on is a whole commit.

use crate::oracle::evidence::Evidence;
#[cfg(test)]
use crate::oracle::evidence::{Reading, Taken};
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, Invariant};
use crate::oracle::readings::{self, Which};
#[cfg(test)]
use crate::oracle::sound;

/// See the module.
#[derive(Debug)]
pub struct ReadingsBetweenCallsAreWholeCommits;

impl Invariant for ReadingsBetweenCallsAreWholeCommits {
    fn name(&self) -> &'static str {
        "readings-between-calls-are-whole-commits"
    }

    fn property(&self) -> &'static str {
        "what is read between calls is the rows of one whole commit, nothing from the future, and what was acknowledged by then; a version shows the same rows to everybody and always"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        readings::missing(evidence, Which::Between)
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        readings::judge(evidence, Which::Between)
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        vec![
            Defect {
                what: "a query saw one table of a commit and not the other",
                plant: |e| e.readings[0].rows.get_mut("Company").expect("Company").clear(),
            },
            Defect {
                what: "a query saw a write before it began",
                plant: |e| {
                    e.readings[0].rows.get_mut("Person").expect("Person")[0]
                        .insert("age".into(), 31.into())
                        .map(drop)
                        .unwrap_or(())
                },
            },
            Defect {
                what: "a handle did not see its own acknowledged write",
                plant: |e| (e.readings[0].started, e.readings[0].ended) = (8, 9),
            },
            Defect {
                what: "a snapshot that was fetched after a write was acknowledged does not show it",
                plant: |e| e.readings = vec![fetched(e, 0, 8)],
            },
            Defect {
                what: "somebody was given an older version than others had seen before",
                plant: |e| {
                    let (newer, older) = (fetched(e, 1, 14), fetched(e, 2, 22));
                    e.readings = vec![newer, Reading { handle: "third".into(), ..older }];
                },
            },
            Defect {
                what: "a version showed other rows to somebody later",
                plant: |e| {
                    let later = Reading { graph_version: 2, ..fetched(e, 1, 14) };
                    e.readings = vec![e.readings[0].clone(), later];
                },
            },
            Defect { what: "a query saw a version that nobody committed", plant: |e| e.readings[0].graph_version = 99 },
        ]
    }
}

/// What another handle fetched at `started`: the rows of the reading at this place.
#[cfg(test)]
fn fetched(evidence: &Evidence, place: usize, started: u64) -> Reading {
    let (handle, process) = ("other".to_owned(), "main".to_owned());
    let seen = evidence.readings[place].clone();
    Reading { step: Some(3), handle, process, started, ended: started + 1, taken: Taken::Fetched, ..seen }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_red_on_every_planted_defect_and_on_nothing_else() {
        sound::prove(&ReadingsBetweenCallsAreWholeCommits);
    }

    #[test]
    fn what_readers_beside_a_call_saw_is_judged_elsewhere() {
        let mut evidence = sound::evidence();
        evidence.readings[1].graph_version = 99;
        assert_eq!(ReadingsBetweenCallsAreWholeCommits.check(&evidence), Ok(()));
        evidence.readings.remove(0);
        let missing = ReadingsBetweenCallsAreWholeCommits.missing(&evidence);
        assert_eq!(missing.as_deref(), Some("nobody read between the calls"));
    }
}
