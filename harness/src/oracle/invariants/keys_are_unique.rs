//! Identities and unique values are there once.

use std::collections::BTreeSet;

use crate::oracle::evidence::Evidence;
use crate::oracle::facts::TypeFacts;
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, Invariant};
use crate::oracle::model::state;
use crate::oracle::rows::Row;
#[cfg(test)]
use crate::oracle::sound;

/// See the module.
#[derive(Debug)]
pub struct KeysAreUnique;

impl Invariant for KeysAreUnique {
    fn name(&self) -> &'static str {
        "keys-are-unique"
    }

    fn property(&self) -> &'static str {
        "no two visible rows of a type share their identity or a value that is declared unique"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        super::without_rows(evidence)
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        let (Some(closing), Some(schema)) = (&evidence.closing, &evidence.schema) else { return Ok(()) };
        let mut lines = Vec::new();
        for (name, facts) in &schema.types {
            let rows: &[Row] = closing.world.rows.get(name).map(Vec::as_slice).unwrap_or_default();
            let rows: Vec<Row> = rows.iter().map(|row| state::canonical(schema, facts, row.clone())).collect();
            lines.extend(shared(name, facts, &rows));
        }
        Breach::unless_empty(lines)
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        vec![
            Defect {
                what: "two nodes with one key",
                plant: |e| sound::rows(e, "Person").push(sound::row(&[("name", "alice".into()), ("age", 99.into())])),
            },
            Defect {
                what: "two edges between one pair",
                plant: |e| {
                    let again = sound::rows(e, "WorksAt")[0].clone();
                    sound::rows(e, "WorksAt").push(again);
                },
            },
            Defect {
                what: "two rows with one unique value",
                plant: |e| {
                    let twin = sound::row(&[("name", "twin".into()), ("email", "bob@x".into())]);
                    sound::rows(e, "Person").push(twin);
                },
            },
            Defect {
                what: "a row without a key",
                plant: |e| {
                    sound::rows(e, "Person")[0].remove("name");
                },
            },
        ]
    }
}

fn shared(name: &str, facts: &TypeFacts, rows: &[Row]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut identities = BTreeSet::new();
    for row in rows {
        match state::identity(facts, row) {
            None => lines.push(format!("a row of {name} has no {}", facts.identity_columns().join(" or no "))),
            Some(identity) if !identities.insert(identity.clone()) => {
                lines.push(format!("{name} {} is there more than once", identity.join(", ")));
            }
            Some(_) => {}
        }
    }
    for (column, _) in facts.properties.iter().filter(|(_, property)| property.unique) {
        let mut values = BTreeSet::new();
        for value in rows.iter().filter_map(|row| row.get(column)) {
            if !values.insert(value.to_string()) {
                lines.push(format!("{name}.{column} is unique, and {value} is there more than once"));
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
        sound::prove(&KeysAreUnique);
    }
}
