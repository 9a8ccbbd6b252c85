//! The audit tells the truth, once an operation.

use std::collections::BTreeMap;

use crate::oracle::attribution::{self, RECOVERY_ACTOR};
use crate::oracle::evidence::{CommitFact, Evidence, Known, RecoveryFact, World};
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, Invariant};
use crate::oracle::layout;
use crate::oracle::own_rows::{ByIdentity, Others, own_rows};
#[cfg(test)]
use crate::oracle::sound;

/// See the module.
#[derive(Debug)]
pub struct OneAuditRowPerRecoveredOperation;

impl Invariant for OneAuditRowPerRecoveredOperation {
    fn name(&self) -> &'static str {
        "one-audit-row-per-recovered-operation"
    }

    fn property(&self) -> &'static str {
        "every recovered operation has exactly one audit row, which says what was really done and names its commit"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        super::without_closing(evidence)
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        let Some(closing) = &evidence.closing else { return Ok(()) };
        let world = &closing.world;
        let mut lines = count_trouble(evidence, world);
        lines.extend(world.recoveries.iter().flat_map(|row| commit_trouble(world, row)));
        lines.extend(fate_trouble(evidence, world));
        Breach::unless_empty(lines)
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        vec![
            Defect {
                what: "a recovered operation has no audit row",
                plant: |e| sound::world(e).recoveries.retain(|r| r.operation_id != "OP4"),
            },
            Defect {
                what: "a recovered operation has two audit rows",
                plant: |e| {
                    let again = sound::world(e).recoveries[0].clone();
                    sound::world(e).recoveries.push(again);
                },
            },
            Defect {
                what: "a roll forward is audited as a roll back",
                plant: |e| sound::recovery(e, "OP4").kind = "RolledBack".into(),
            },
            Defect {
                what: "a roll back is audited as a roll forward",
                plant: |e| sound::recovery(e, "OP5").kind = "RolledForward".into(),
            },
            Defect {
                what: "an audit row names a commit that does not exist",
                plant: |e| sound::recovery(e, "OP4").commit = Some("C99".into()),
            },
            Defect {
                what: "an audit row names no commit for tables it moved",
                plant: |e| sound::recovery(e, "OP5").commit = None,
            },
            Defect {
                what: "the recovery commit has another actor",
                plant: |e| sound::commit(e, "C5").actor = "ann".into(),
            },
            Defect {
                what: "an audited roll forward published nothing",
                plant: |e| sound::world(e).commits.retain(|c| c.id != "C4"),
            },
            Defect {
                what: "an operation that was rolled back is audited without its commit",
                plant: |e| {
                    sound::recovery(e, "OP5").tables.clear();
                    sound::recovery(e, "OP5").commit = None;
                },
            },
            Defect {
                what: "an operation is audited as rolled back, and its rows are there",
                plant: |e| sound::rows(e, "Person").push(sound::row(&[("name", "dave".into())])),
            },
            Defect {
                what: "an operation whose writer is dead is rolled back twice",
                plant: |e| {
                    let like = sound::commit(e, "C5").clone();
                    let commit = CommitFact { id: "C9".into(), graph_version: 9, ..like };
                    sound::world(e).commits.insert(0, commit);
                },
            },
            Defect {
                what: "an operation is audited as rolled forward, and its rows are not there",
                plant: |e| sound::rows(e, "Person").retain(|r| r["name"] != "carol"),
            },
            Defect {
                what: "an audit row has a kind that does not exist",
                plant: |e| sound::recovery(e, "OP4").kind = "Forward".into(),
            },
        ]
    }
}

/// Exactly one row an operation, and none missing: a sidecar that was left behind and is gone was recovered, unless a
/// hand removed it or put it into quarantine, or its own writer's delete came late.
fn count_trouble(evidence: &Evidence, world: &World) -> Vec<String> {
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &world.recoveries {
        *rows.entry(&row.operation_id).or_default() += 1;
    }
    let mut lines: Vec<String> = rows
        .iter()
        .filter(|(_, count)| **count > 1)
        .map(|(id, count)| format!("operation {id} has {count} audit rows"))
        .collect();
    let mut left_behind: Vec<&str> = evidence
        .sightings
        .iter()
        .filter(|sighting| !sighting.writers_in_flight)
        .flat_map(|sighting| sighting.operation_ids.iter().map(String::as_str))
        .filter(|id| !layout::is_handled(evidence, world, id) && !layout::is_taken_back_late(evidence, id))
        .filter(|id| !rows.contains_key(id))
        .collect();
    left_behind.sort_unstable();
    left_behind.dedup();
    lines.extend(
        left_behind.iter().map(|id| format!("the sidecar of operation {id} was left and is gone without an audit row")),
    );
    lines
}

/// What a row says against what the history says.
fn commit_trouble(world: &World, row: &RecoveryFact) -> Vec<String> {
    let id = &row.operation_id;
    let mut commits: Vec<&CommitFact> =
        world.commits.iter().filter(|commit| commit.operation_id.as_ref() == Some(id)).collect();
    commits.sort_by_key(|commit| commit.graph_version);
    let undone = commits.iter().filter(|commit| commit.kind == "rolled-back").count();
    let mut lines = Vec::new();
    match row.kind.as_str() {
        "RolledForward" => {
            if commits.len() != 1 || undone > 0 {
                lines.push(format!(
                    "operation {id} is audited as RolledForward, and {} commits ({undone} roll backs) carry it",
                    commits.len()
                ));
            }
        }
        "RolledBack" => {
            if commits.len() != 1 || undone != 1 {
                lines.push(format!(
                    "operation {id} is audited as RolledBack, and {} commits ({undone} roll backs) carry it",
                    commits.len()
                ));
            }
        }
        "OrphanedBranchDiscarded" => {}
        other => lines.push(format!("operation {id} has an audit row of the unknown kind '{other}'")),
    }
    if let Some(first) = commits.first().filter(|first| row.commit.as_ref() != Some(&first.id)) {
        let named = row.commit.as_deref().unwrap_or("no commit");
        lines.push(format!("the audit row of operation {id} names {named}; its commit is {}", first.id));
    }
    for commit in commits {
        // What its own writer published and did not live to disarm keeps its writer's actor.
        let expected = if commit.kind == "written" { &row.actor } else { RECOVERY_ACTOR };
        if commit.actor != expected {
            lines.push(format!(
                "commit {} ({}) of operation {id} names '{}', not '{expected}'",
                commit.id, commit.kind, commit.actor
            ));
        }
    }
    lines
}

/// What a row says against what its client was told and against the rows themselves.
fn fate_trouble(evidence: &Evidence, world: &World) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, id) in attribution::operation_ids(evidence) {
        let (operation, label) = (&evidence.operations[index], evidence.operations[index].label());
        for row in world.recoveries.iter().filter(|row| row.operation_id == id) {
            match (operation.known(), row.kind.as_str()) {
                (Known::Acknowledged, "RolledBack") => {
                    lines.push(format!("{label} was acknowledged and is audited as RolledBack"))
                }
                (Known::Refused, "RolledForward") => {
                    lines.push(format!("{label} was refused and is audited as RolledForward"))
                }
                _ => {}
            }
            let Some(schema) = &evidence.schema else { continue };
            let own = own_rows(evidence, schema, index, Others::All);
            let visible = ByIdentity::new(schema, &world.rows);
            let there = own.iter().filter(|own| !visible.of(own).is_empty()).count();
            if row.kind == "RolledForward" && there < own.len() {
                lines.push(format!(
                    "{label} is audited as RolledForward, and {there} of its {} own rows are visible",
                    own.len()
                ));
            }
            if row.kind == "RolledBack" && there > 0 {
                lines.push(format!("{label} is audited as RolledBack, and {there} of its own rows are visible"));
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Firing;

    #[test]
    fn goes_red_on_every_planted_defect_and_on_nothing_else() {
        sound::prove(&OneAuditRowPerRecoveredOperation);
    }

    #[test]
    fn a_sidecar_that_its_writer_deleted_late_needs_no_row() {
        let mut evidence = sound::evidence();
        sound::world(&mut evidence).recoveries.retain(|row| row.operation_id != "OP5");
        assert!(OneAuditRowPerRecoveredOperation.check(&evidence).is_err());
        let at = "control delete __recovery/OP5.json (0 bytes)".to_owned();
        evidence.faults[0].firings.insert(Firing { at, did: "late, as 'x', first 1".to_owned() });
        assert_eq!(OneAuditRowPerRecoveredOperation.check(&evidence), Ok(()));
    }
}
