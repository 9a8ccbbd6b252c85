//! Acknowledged writes are there, once.

use crate::event::WriteData;
use crate::oracle::attribution::{ANONYMOUS, RECOVERY_ACTOR};
#[cfg(test)]
use crate::oracle::evidence::CommitFact;
use crate::oracle::evidence::{Evidence, Known, OperationRecord, World};
use crate::oracle::facts::SchemaFacts;
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, Invariant};
use crate::oracle::own_rows::{ByIdentity, Others, as_given, own_rows};
use crate::oracle::rows;
#[cfg(test)]
use crate::oracle::sound;

/// See the module.
#[derive(Debug)]
pub struct AcknowledgedWritesVisibleExactlyOnce;

impl Invariant for AcknowledgedWritesVisibleExactlyOnce {
    fn name(&self) -> &'static str {
        "acknowledged-writes-visible-exactly-once"
    }

    fn property(&self) -> &'static str {
        "an acknowledged write is visible after recovery, exactly once, as the commit that it reported"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        super::without_closing(evidence)
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        let Some(closing) = &evidence.closing else { return Ok(()) };
        let mut lines = out_of_order(evidence);
        for (index, operation) in evidence.operations.iter().enumerate() {
            if operation.known() != Known::Acknowledged || !operation.call.writes_rows() {
                continue;
            }
            lines.extend(commit_trouble(&closing.world, operation));
            if let Some(schema) = &evidence.schema {
                lines.extend(row_trouble(evidence, schema, &closing.world, index));
            }
        }
        Breach::unless_empty(lines)
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        vec![
            Defect {
                what: "the commit of an acknowledged write is gone",
                plant: |e| sound::world(e).commits.retain(|c| c.id != "C2"),
            },
            Defect {
                what: "an acknowledged write is published twice",
                plant: |e| {
                    let again = sound::commit(e, "C3").clone();
                    sound::world(e).commits.insert(0, CommitFact { id: "C9".into(), graph_version: 9, ..again });
                },
            },
            Defect {
                what: "an acknowledged write is rolled back",
                plant: |e| sound::commit(e, "C3").kind = "rolled-back".into(),
            },
            Defect {
                what: "a row of an acknowledged load is gone",
                plant: |e| sound::rows(e, "Person").retain(|r| r["name"] != "bob"),
            },
            Defect {
                what: "a row of an acknowledged load is there twice",
                plant: |e| {
                    let bob = sound::rows(e, "Person").iter().find(|r| r["name"] == "bob").cloned().expect("bob");
                    sound::rows(e, "Person").push(bob);
                },
            },
            Defect {
                what: "a row of an acknowledged load has another value",
                plant: |e| {
                    let bob = sound::rows(e, "Person").iter_mut().find(|r| r["name"] == "bob").expect("bob");
                    bob.insert("age".into(), 99.into());
                },
            },
            Defect {
                what: "a write reported a commit that is not its own",
                plant: |e| sound::acknowledged(e, 2).commit = "C99".into(),
            },
            Defect {
                what: "the commit names another actor",
                plant: |e| sound::commit(e, "C2").actor = "mallory".into(),
            },
            Defect {
                what: "a later write reports an older graph version",
                plant: |e| sound::acknowledged(e, 2).graph_version = 1,
            },
        ]
    }
}

/// What is wrong with the commits of one write. A write that changed no row may have none.
fn commit_trouble(world: &World, operation: &OperationRecord) -> Vec<String> {
    let Some(write) = operation.write() else { return Vec::new() };
    let label = operation.label();
    let (undone, done): (Vec<_>, Vec<_>) = world
        .commits
        .iter()
        .filter(|commit| commit.operation_id.as_ref() == Some(&write.operation))
        .partition(|commit| commit.kind == "rolled-back");
    let mut lines: Vec<String> = undone
        .iter()
        .map(|commit| format!("{label} was acknowledged, and commit {} rolled it back", commit.id))
        .collect();
    let changed = rows_changed(write);
    let [commit] = done.as_slice() else {
        if changed > 0 || done.len() > 1 {
            lines.push(format!(
                "{label} was acknowledged as operation {} and has {} commits",
                write.operation,
                done.len()
            ));
        }
        return lines;
    };
    if commit.id != write.commit || commit.graph_version != write.graph_version {
        lines.push(format!(
            "{label} reported commit {} at version {}; its commit is {} at version {}",
            write.commit, write.graph_version, commit.id, commit.graph_version
        ));
    }
    // A write that recovery published first reports success too.
    let actor = operation.actor.as_deref().unwrap_or(ANONYMOUS);
    if commit.actor != actor && commit.actor != RECOVERY_ACTOR {
        lines.push(format!("{label} was made by '{actor}'; its commit {} names '{}'", commit.id, commit.actor));
    }
    lines
}

fn row_trouble(evidence: &Evidence, schema: &SchemaFacts, world: &World, index: usize) -> Vec<String> {
    let label = evidence.operations[index].label();
    let visible = ByIdentity::new(schema, &world.rows);
    own_rows(evidence, schema, index, Others::Later)
        .iter()
        .filter_map(|row| {
            let found = visible.of(row);
            let name = format!("{} {}", row.type_name, row.identity.join(", "));
            match found {
                [one] if as_given(schema, row, one) => None,
                [one] => Some(format!(
                    "{label}: {name} was written as {} and reads {}",
                    rows::line(&row.given),
                    rows::line(one)
                )),
                many => Some(format!("{label}: {name} was acknowledged and is visible {} times", many.len())),
            }
        })
        .collect()
}

fn rows_changed(write: &WriteData) -> u64 {
    write.rows.values().map(|(inserted, updated, deleted)| inserted + updated + deleted).sum()
}

/// Of two acknowledged writes that did not overlap, the later one has the newer version.
fn out_of_order(evidence: &Evidence) -> Vec<String> {
    let published = |operation: &&OperationRecord| operation.write().is_some_and(|write| rows_changed(write) > 0);
    let mut lines = Vec::new();
    for earlier in evidence.operations.iter().filter(published) {
        for later in evidence.operations.iter().filter(published) {
            let (Some(first), Some(second), Some(ended)) = (earlier.write(), later.write(), earlier.ended) else {
                continue;
            };
            let one_commit = first.commit == second.commit;
            if ended < later.started && !one_commit && first.graph_version >= second.graph_version {
                lines.push(format!(
                    "{} reported version {} and ended before {} began, which reported version {}",
                    earlier.label(),
                    first.graph_version,
                    later.label(),
                    second.graph_version
                ));
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_red_on_every_planted_defect_and_on_nothing_else() {
        sound::prove(&AcknowledgedWritesVisibleExactlyOnce);
    }
}
