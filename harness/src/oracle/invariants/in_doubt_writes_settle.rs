//! A write in doubt is one or the other, and stays it.

use crate::oracle::attribution;
use crate::oracle::evidence::{CommitFact, Evidence, Known, Reading};
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, Invariant};
use crate::oracle::model::{Trajectory, follow};
use crate::oracle::own_rows::{ByIdentity, Others, own_rows};
#[cfg(test)]
use crate::oracle::sound;

/// See the module.
#[derive(Debug)]
pub struct InDoubtWritesSettle;

impl Invariant for InDoubtWritesSettle {
    fn name(&self) -> &'static str {
        "in-doubt-writes-settle"
    }

    fn property(&self) -> &'static str {
        "a write in doubt becomes either acknowledged or refused in effect, once, and stays so"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        super::without_closing(evidence)
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        let Some(closing) = &evidence.closing else { return Ok(()) };
        let ids = attribution::operation_ids(evidence);
        let mut lines = Vec::new();
        for (index, operation) in evidence.operations.iter().enumerate() {
            if operation.known() != Known::InDoubt || !operation.call.writes_rows() {
                continue;
            }
            let label = operation.label();
            if let Some(id) = ids.get(&index) {
                let fates = fates(&closing.world.commits, id);
                if fates.len() > 1 {
                    lines.push(format!("{label} is settled {} times: {}", fates.len(), fates.join(", ")));
                }
            }
            let (Some(schema), Some(second)) = (&evidence.schema, &closing.second_recovery) else { continue };
            let first = ByIdentity::new(schema, &closing.world.rows);
            let second = ByIdentity::new(schema, &second.rows);
            for row in own_rows(evidence, schema, index, Others::All) {
                let (before, after) = (first.of(&row).len(), second.of(&row).len());
                if before != after {
                    let name = format!("{} {}", row.type_name, row.identity.join(", "));
                    lines.push(format!("{label} did not stay: {name} was visible {before} times, later {after} times"));
                }
            }
        }
        lines.extend(seen_and_gone(evidence));
        Breach::unless_empty(lines)
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        vec![
            Defect {
                what: "a write in doubt was published and rolled back",
                plant: |e| {
                    let like = sound::commit(e, "C4").clone();
                    let commit = CommitFact { id: "C9".into(), kind: "rolled-back".into(), graph_version: 9, ..like };
                    sound::world(e).commits.insert(0, commit);
                },
            },
            Defect {
                what: "a write in doubt vanishes with the next recovery",
                plant: |e| {
                    let second = sound::closing_mut(e).second_recovery.as_mut().expect("a second recovery");
                    second.rows.get_mut("Person").expect("Person").retain(|r| r["name"] != "carol");
                },
            },
            Defect {
                what: "a reader saw a write in doubt that was undone later",
                plant: |e| {
                    let mut seen = e.readings[1].clone();
                    (seen.started, seen.ended) = (26, 27);
                    seen.rows.get_mut("Company").expect("Company").push(sound::row(&[("name", "zeta".into())]));
                    let people = seen.rows.get_mut("Person").expect("Person");
                    people.push(sound::row(&[("name", "carol".into()), ("age", 50.into())]));
                    people.push(sound::row(&[("name", "dave".into())]));
                    e.readings.push(seen);
                },
            },
        ]
    }
}

/// What the history says became of an operation, one entry a commit.
fn fates(commits: &[CommitFact], id: &str) -> Vec<String> {
    commits
        .iter()
        .filter(|commit| commit.operation_id.as_deref() == Some(id))
        .map(|commit| format!("{} by commit {}", commit.kind, commit.id))
        .collect()
}

/// Readings and the end can each be explained alone, but by no single way in which things may have gone: somebody saw a
/// fate that was not the last one.
fn seen_and_gone(evidence: &Evidence) -> Vec<String> {
    let (Some(schema), Some(closing)) = (&evidence.schema, &evidence.closing) else { return Vec::new() };
    let Trajectory::Followed { candidates, lost: None } = follow(evidence) else { return Vec::new() };
    let mut readings: Vec<&Reading> = evidence.readings.iter().collect();
    readings.sort_by_key(|reading| reading.started);
    let ends: Vec<_> =
        candidates.iter().filter(|way| way.last().differences(schema, &closing.world.rows).is_empty()).collect();
    let alone = |reading: &&Reading| candidates.iter().any(|way| way.explains(evidence, schema, &[*reading]));
    if ends.is_empty()
        || !readings.iter().all(alone)
        || ends.iter().any(|way| way.explains(evidence, schema, &readings))
    {
        return Vec::new();
    }
    readings
        .iter()
        .filter(|reading| !ends.iter().any(|way| way.explains(evidence, schema, &[reading])))
        .map(|reading| format!("'{}' saw at version {} what did not stay", reading.handle, reading.graph_version))
        .chain([
            "no single outcome of the writes in doubt explains both what readers saw and what is there now".to_owned()
        ])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_red_on_every_planted_defect_and_on_nothing_else() {
        sound::prove(&InDoubtWritesSettle);
    }
}
