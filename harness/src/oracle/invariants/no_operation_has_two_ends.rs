//! An operation ends once, and everybody was told that end.

use std::collections::{BTreeMap, BTreeSet};

#[cfg(test)]
use crate::event::ErrorData;
use crate::event::Outcome;
use crate::oracle::attribution;
use crate::oracle::evidence::{CallOfName, CommitFact, Evidence, Known, OperationRecord, World};
use crate::oracle::faults;
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, Invariant};
use crate::oracle::layout;
#[cfg(test)]
use crate::oracle::sound;

/// See the module.
#[derive(Debug)]
pub struct NoOperationHasTwoEnds;

impl Invariant for NoOperationHasTwoEnds {
    fn name(&self) -> &'static str {
        "no-operation-has-two-ends"
    }

    fn property(&self) -> &'static str {
        "the history has at most one commit of an operation, exactly one of an operation whose sidecar outlived its writer, and its \
         caller and the audit say what that commit says"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        super::without_closing(evidence).or_else(|| Some(format!("the store lied ({})", faults::lie(evidence)?)))
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        let Some(closing) = &evidence.closing else { return Ok(()) };
        let world = &closing.world;
        let ends = Ends::of(world);
        let mut lines = ends.several();
        lines.extend(outlived(evidence, world).into_iter().filter(|id| ends.of_operation(id).is_empty()).map(|id| {
            format!("the sidecar of operation {id} outlived its writer and is gone, and no commit ended the operation")
        }));
        for (index, id) in attribution::operation_ids(evidence) {
            lines.extend(told_wrong(&evidence.operations[index].label(), evidence, index, &id, &ends));
        }
        lines.extend(evidence.operations.iter().flat_map(told_apart));
        lines.extend(world.recoveries.iter().flat_map(|row| {
            let kinds = ends.of_operation(&row.operation_id).iter();
            kinds.filter_map(|commit| {
                let undone = commit.kind == "rolled-back";
                let agrees = row.kind == if undone { "RolledBack" } else { "RolledForward" };
                let (id, kind) = (&row.operation_id, &row.kind);
                (!agrees).then(|| {
                    format!("operation {id} is audited as {kind}, and commit {} says {}", commit.id, commit.kind)
                })
            })
        }));
        Breach::unless_empty(lines)
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        fn again(evidence: &mut crate::oracle::evidence::Evidence, id: &str, kind: &str) {
            let like = sound::commit(evidence, id).clone();
            let commit = CommitFact { id: "C9".into(), kind: kind.into(), graph_version: 9, ..like };
            sound::world(evidence).commits.insert(0, commit);
        }
        vec![
            Defect { what: "an operation is rolled back twice", plant: |e| again(e, "C5", "rolled-back") },
            Defect { what: "an operation is published twice", plant: |e| again(e, "C3", "written") },
            Defect { what: "a published operation is rolled back", plant: |e| again(e, "C4", "rolled-back") },
            Defect {
                what: "an operation whose sidecar outlived its writer has no commit",
                plant: |e| sound::world(e).commits.retain(|commit| commit.id != "C5"),
            },
            Defect {
                what: "a write was acknowledged and rolled back",
                plant: |e| sound::commit(e, "C3").kind = "rolled-back".into(),
            },
            Defect {
                what: "a write was acknowledged and the history has nothing of it",
                plant: |e| sound::world(e).commits.retain(|commit| commit.id != "C3"),
            },
            Defect {
                what: "a write was acknowledged under a commit that another one is",
                plant: |e| sound::acknowledged(e, 2).commit = "C2".into(),
            },
            Defect {
                what: "a write was refused and rolled forward",
                plant: |e| {
                    let error = ErrorData { operation: Some("OP4".into()), ..ErrorData::new("conflict", "undone") };
                    e.operations[4].outcome = Outcome::Refused { error };
                },
            },
            Defect {
                what: "two calls of one name were told of two commits",
                plant: |e| {
                    let mut again = e.operations[2].clone();
                    let Outcome::Acknowledged { write: Some(write) } = &mut again.outcome else { return };
                    (write.commit, write.repeated) = ("C4".into(), true);
                    e.operations[2].calls = [e.operations[2].clone(), again]
                        .map(|call| CallOfName { label: call.label(), outcome: call.outcome })
                        .into();
                },
            },
            Defect {
                what: "two calls of one name did what they name",
                plant: |e| {
                    let call = CallOfName { label: "a call".into(), outcome: e.operations[2].outcome.clone() };
                    e.operations[2].calls = vec![call.clone(), call];
                },
            },
            Defect {
                what: "a write was told to have been done before, and nobody had called it",
                plant: |e| {
                    sound::acknowledged(e, 2).repeated = true;
                    let call = CallOfName { label: "a call".into(), outcome: e.operations[2].outcome.clone() };
                    e.operations[2].calls = vec![call];
                },
            },
            Defect {
                what: "the audit says the opposite of the history",
                plant: |e| sound::recovery(e, "OP4").kind = "RolledBack".into(),
            },
        ]
    }
}

/// The commits that ended operations.
struct Ends<'a>(BTreeMap<&'a str, Vec<&'a CommitFact>>);

impl<'a> Ends<'a> {
    fn of(world: &'a World) -> Self {
        let mut ends: BTreeMap<&str, Vec<&CommitFact>> = BTreeMap::new();
        for commit in &world.commits {
            if let Some(id) = &commit.operation_id {
                ends.entry(id).or_default().push(commit);
            }
        }
        Ends(ends)
    }

    fn of_operation(&self, id: &str) -> &[&'a CommitFact] {
        self.0.get(id).map_or(&[], Vec::as_slice)
    }

    fn several(&self) -> Vec<String> {
        let several = self.0.iter().filter(|(_, ends)| ends.len() > 1);
        several
            .map(|(id, ends)| {
                let told: Vec<String> =
                    ends.iter().rev().map(|commit| format!("{} by commit {}", commit.kind, commit.id)).collect();
                format!("operation {id} ended {} times: {}", ends.len(), told.join(", "))
            })
            .collect()
    }
}

/// What a caller was told that the history does not say.
fn told_wrong(label: &str, evidence: &Evidence, index: usize, id: &str, ends: &Ends<'_>) -> Vec<String> {
    let operation = &evidence.operations[index];
    let ends = ends.of_operation(id);
    match operation.known() {
        Known::Acknowledged if ends.is_empty() => {
            vec![format!("{label} was acknowledged, and no commit of operation {id} is in the history")]
        }
        Known::Acknowledged => {
            let named = operation.write().map(|write| write.commit.as_str());
            let undone = ends
                .iter()
                .filter(|commit| commit.kind == "rolled-back")
                .map(|commit| format!("{label} was acknowledged, and commit {} rolled operation {id} back", commit.id));
            let other = ends.iter().filter(|commit| named.is_some_and(|named| named != commit.id)).map(|commit| {
                format!(
                    "{label} was acknowledged as commit {}, and operation {id} ended as {}",
                    named.unwrap_or_default(),
                    commit.id
                )
            });
            undone.chain(other).collect()
        }
        Known::Refused => ends
            .iter()
            .filter(|commit| commit.kind != "rolled-back")
            .map(|commit| format!("{label} was refused, and operation {id} ended as {} ({})", commit.id, commit.kind))
            .collect(),
        Known::InDoubt => Vec::new(),
    }
}

/// What the calls of one name were told that cannot all be so: they are one write, which is done once.
fn told_apart(write: &OperationRecord) -> Vec<String> {
    let done = |call: &CallOfName| match &call.outcome {
        Outcome::Acknowledged { write: Some(write) } if !write.commit.is_empty() => Some(write.clone()),
        _ => None,
    };
    let told: Vec<_> = write.calls.iter().filter_map(|call| Some((call, done(call)?))).collect();
    let Some((first, commit)) = told.first() else { return Vec::new() };
    let mut lines: Vec<String> = told
        .iter()
        .filter(|(_, other)| other.commit != commit.commit)
        .map(|(call, other)| {
            format!(
                "{} and {} are calls of one write, and were told of two commits: {} and {}",
                first.label, call.label, commit.commit, other.commit
            )
        })
        .collect();
    let doers: Vec<&str> =
        told.iter().filter(|(_, write)| !write.repeated).map(|(call, _)| call.label.as_str()).collect();
    if doers.len() > 1 {
        lines.push(format!("a write of one name was done {} times: {}", doers.len(), doers.join(", ")));
    }
    let may_have = |call: &CallOfName| !matches!(call.outcome, Outcome::Refused { .. });
    if doers.is_empty() && write.calls.iter().filter(|call| may_have(call)).count() == told.len() {
        lines.push(format!(
            "{} was told that it had been done before, and no call of its name can have done it",
            first.label
        ));
    }
    lines
}

/// Operations whose sidecar was there when their writer had ended, and is gone now by the engine's hand.
fn outlived<'a>(evidence: &'a Evidence, world: &World) -> BTreeSet<&'a str> {
    let ids = attribution::operation_ids(evidence);
    let ended = |id: &str| {
        let writer = ids.iter().find(|(_, known)| known.as_str() == id).map(|(index, _)| &evidence.operations[*index]);
        writer.and_then(|writer| writer.ended)
    };
    let seen = evidence.sightings.iter().flat_map(|sighting| {
        let left = move |id: &&str| match ended(id) {
            Some(ended) => ended <= sighting.at,
            None => !sighting.writers_in_flight,
        };
        sighting.operation_ids.iter().map(String::as_str).filter(left)
    });
    seen.filter(|id| !layout::is_handled(evidence, world, id) && !has_no_end(evidence, world, id)).collect()
}

/// Whether an operation may go without a commit: its branch is gone, or its writer, who knew that nothing of it had landed, took
/// its sidecar back by a call that arrived later.
fn has_no_end(evidence: &Evidence, world: &World, id: &str) -> bool {
    let orphaned = |row: &&crate::oracle::evidence::RecoveryFact| row.kind == "OrphanedBranchDiscarded";
    world.recoveries.iter().filter(orphaned).any(|row| row.operation_id == id)
        || layout::is_taken_back_late(evidence, id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Firing;

    #[test]
    fn goes_red_on_every_planted_defect_and_on_nothing_else() {
        sound::prove(&NoOperationHasTwoEnds);
    }

    #[test]
    fn a_sidecar_that_was_taken_back_by_a_late_call_leaves_no_end() {
        let mut evidence = sound::evidence();
        sound::world(&mut evidence).commits.retain(|commit| commit.id != "C5");
        sound::world(&mut evidence).recoveries.retain(|row| row.operation_id != "OP5");
        assert!(NoOperationHasTwoEnds.check(&evidence).is_err());
        let at = "control delete __recovery/OP5.json (0 bytes)".to_owned();
        evidence.faults[0].firings.insert(Firing { at, did: "late, as 'x', first 1".to_owned() });
        assert_eq!(NoOperationHasTwoEnds.check(&evidence), Ok(()));
    }

    #[test]
    fn a_sidecar_that_is_seen_while_its_writer_runs_may_be_taken_back() {
        let mut evidence = sound::evidence();
        sound::world(&mut evidence).commits.retain(|commit| commit.id != "C5");
        sound::world(&mut evidence).recoveries.retain(|row| row.operation_id != "OP5");
        for sighting in evidence.sightings.iter_mut().filter(|sighting| sighting.operation_ids == ["OP5"]) {
            (sighting.at, sighting.writers_in_flight) = (24, true);
        }
        assert_eq!(NoOperationHasTwoEnds.check(&evidence), Ok(()));
    }
}
