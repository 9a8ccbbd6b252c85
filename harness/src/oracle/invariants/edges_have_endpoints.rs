//! No edge dangles.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::oracle::evidence::Evidence;
use crate::oracle::facts::TypeKind;
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, Invariant};
use crate::oracle::rows::{self, Row};
#[cfg(test)]
use crate::oracle::sound;

/// See the module.
#[derive(Debug)]
pub struct EdgesHaveEndpoints;

impl Invariant for EdgesHaveEndpoints {
    fn name(&self) -> &'static str {
        "edges-have-endpoints"
    }

    fn property(&self) -> &'static str {
        "every visible edge refers to two visible nodes"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        super::without_rows(evidence)
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        let (Some(closing), Some(schema)) = (&evidence.closing, &evidence.schema) else { return Ok(()) };
        let rows_of = |name: &str| closing.world.rows.get(name).map(Vec::as_slice).unwrap_or_default();
        let keys_of = |name: &str| -> BTreeSet<String> {
            let Some(TypeKind::Node { key }) = schema.types.get(name).map(|facts| &facts.kind) else {
                return BTreeSet::new();
            };
            rows_of(name).iter().filter_map(|row| row.get(key)).map(Value::to_string).collect()
        };
        let mut lines = Vec::new();
        for (name, facts) in &schema.types {
            let TypeKind::Edge { from, to } = &facts.kind else { continue };
            for (column, end) in [("src", from), ("dst", to)] {
                let keys = keys_of(end);
                let dangles = |row: &&Row| !row.get(column).is_some_and(|value| keys.contains(&value.to_string()));
                let dangling = rows_of(name).iter().filter(dangles);
                lines.extend(dangling.map(|row| format!("{name} {} has no {end} at {column}", rows::line(row))));
            }
        }
        Breach::unless_empty(lines)
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        vec![
            Defect {
                what: "an edge whose source is gone",
                plant: |e| sound::rows(e, "Person").retain(|r| r["name"] != "alice"),
            },
            Defect { what: "an edge whose target is gone", plant: |e| sound::rows(e, "Company").clear() },
            Defect {
                what: "an edge without a target",
                plant: |e| {
                    sound::rows(e, "WorksAt")[0].remove("dst");
                },
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_red_on_every_planted_defect_and_on_nothing_else() {
        sound::prove(&EdgesHaveEndpoints);
    }
}
