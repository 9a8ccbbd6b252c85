//! Refused writes never show; writes in doubt never show in part.

use crate::oracle::attribution;
#[cfg(test)]
use crate::oracle::evidence::{CommitFact, RecoveryFact};
use crate::oracle::evidence::{Evidence, Known, World};
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, Invariant};
use crate::oracle::own_rows::{ByIdentity, Others, as_given, own_rows};
#[cfg(test)]
use crate::oracle::sound;

/// See the module.
#[derive(Debug)]
pub struct FailedWritesInvisibleOrWhole;

impl Invariant for FailedWritesInvisibleOrWhole {
    fn name(&self) -> &'static str {
        "failed-writes-invisible-or-whole"
    }

    fn property(&self) -> &'static str {
        "a refused write is invisible for good, and a write in doubt is visible as a whole or not at all"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        super::without_closing(evidence)
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        let Some(closing) = &evidence.closing else { return Ok(()) };
        let ids = attribution::operation_ids(evidence);
        let mut lines = Vec::new();
        for (index, operation) in evidence.operations.iter().enumerate() {
            match operation.known() {
                _ if !operation.call.writes_rows() => {}
                Known::Acknowledged => {}
                Known::Refused => {
                    lines.extend(
                        ids.get(&index).into_iter().flat_map(|id| published(&closing.world, id, &operation.label())),
                    );
                    lines.extend(shown(evidence, &closing.world, index));
                }
                Known::InDoubt => lines.extend(in_part(evidence, &closing.world, index)),
            }
        }
        Breach::unless_empty(lines)
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        vec![
            Defect {
                what: "a row of a refused load shows",
                plant: |e| sound::rows(e, "Person").push(sound::row(&[("name", "frank".into()), ("age", 7.into())])),
            },
            Defect {
                what: "a refused write was published",
                plant: |e| {
                    let like = sound::commit(e, "C3").clone();
                    let commit =
                        CommitFact { id: "C9".into(), operation_id: Some("OP7".into()), graph_version: 9, ..like };
                    sound::world(e).commits.insert(0, commit);
                },
            },
            Defect {
                what: "a refused write was rolled forward",
                plant: |e| {
                    let like = sound::world(e).recoveries[0].clone();
                    sound::world(e).recoveries.push(RecoveryFact { operation_id: "OP7".into(), ..like });
                },
            },
            Defect {
                what: "a write in doubt shows in one table of two",
                plant: |e| sound::rows(e, "Company").push(sound::row(&[("name", "zeta".into())])),
            },
            Defect {
                what: "a write in doubt shows twice",
                plant: |e| {
                    let carol = sound::rows(e, "Person").iter().find(|r| r["name"] == "carol").cloned().expect("carol");
                    sound::rows(e, "Person").push(carol);
                },
            },
            Defect {
                what: "a write in doubt shows with another value",
                plant: |e| {
                    let carol = sound::rows(e, "Person").iter_mut().find(|r| r["name"] == "carol").expect("carol");
                    carol.insert("age".into(), 1.into());
                },
            },
        ]
    }
}

fn published(world: &World, id: &str, label: &str) -> Vec<String> {
    let commits = world
        .commits
        .iter()
        .filter(|commit| commit.operation_id.as_deref() == Some(id) && commit.kind != "rolled-back")
        .map(|commit| format!("{label} was refused, and commit {} published it", commit.id));
    let audit = world
        .recoveries
        .iter()
        .filter(|row| row.operation_id == id && row.kind == "RolledForward")
        .map(|row| format!("{label} was refused, and recovery rolled operation {} forward", row.operation_id));
    commits.chain(audit).collect()
}

fn shown(evidence: &Evidence, world: &World, index: usize) -> Vec<String> {
    let Some(schema) = &evidence.schema else { return Vec::new() };
    let visible = ByIdentity::new(schema, &world.rows);
    own_rows(evidence, schema, index, Others::All)
        .iter()
        .filter(|row| !visible.of(row).is_empty())
        .map(|row| {
            let label = evidence.operations[index].label();
            format!("{label} was refused, and its row {} {} is visible", row.type_name, row.identity.join(", "))
        })
        .collect()
}

fn in_part(evidence: &Evidence, world: &World, index: usize) -> Vec<String> {
    let Some(schema) = &evidence.schema else { return Vec::new() };
    let label = evidence.operations[index].label();
    let own = own_rows(evidence, schema, index, Others::All);
    let mut lines = Vec::new();
    let (mut there, mut absent) = (Vec::new(), Vec::new());
    let visible = ByIdentity::new(schema, &world.rows);
    for row in &own {
        let name = format!("{} {}", row.type_name, row.identity.join(", "));
        match visible.of(row) {
            [] => absent.push(name),
            [one] if as_given(schema, row, one) => there.push(name),
            [_] => lines.push(format!("{label} is in doubt, and {name} is visible with other values")),
            many => lines.push(format!("{label} is in doubt, and {name} is visible {} times", many.len())),
        }
    }
    if !there.is_empty() && !absent.is_empty() {
        lines.push(format!("{label} is visible in part: there {}; not there {}", there.join(", "), absent.join(", ")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_red_on_every_planted_defect_and_on_nothing_else() {
        sound::prove(&FailedWritesInvisibleOrWhole);
    }
}
