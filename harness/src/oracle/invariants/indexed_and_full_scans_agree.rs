//! Two ways to the same row agree.

use std::collections::BTreeMap;

use crate::oracle::evidence::Evidence;
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, Invariant};
use crate::oracle::rows;
#[cfg(test)]
use crate::oracle::sound;

/// See the module.
#[derive(Debug)]
pub struct IndexedAndFullScansAgree;

impl Invariant for IndexedAndFullScansAgree {
    fn name(&self) -> &'static str {
        "indexed-and-full-scans-agree"
    }

    fn property(&self) -> &'static str {
        "a row looked up by its identity is the row that a full scan shows"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        match super::without_closing(evidence) {
            None if evidence.closing.iter().all(|closing| closing.world.looked_up.is_none()) => {
                Some("no row was looked up by its identity".to_owned())
            }
            missing => missing,
        }
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        let Some(closing) = &evidence.closing else { return Ok(()) };
        let Some(looked_up) = &closing.world.looked_up else { return Ok(()) };
        let mut lines = Vec::new();
        for (name, found) in looked_up {
            let mut counts: BTreeMap<String, i64> = BTreeMap::new();
            let scanned = closing.world.rows.get(name).map(Vec::as_slice).unwrap_or_default();
            rows::sorted_lines(scanned).into_iter().for_each(|line| *counts.entry(line).or_default() += 1);
            rows::sorted_lines(found).into_iter().for_each(|line| *counts.entry(line).or_default() -= 1);
            lines.extend(counts.iter().filter(|(_, count)| **count != 0).map(|(line, count)| {
                let side = if *count > 0 { "only a scan shows" } else { "only a lookup shows" };
                format!("{name}: {side} {line}")
            }));
        }
        Breach::unless_empty(lines)
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        vec![
            Defect {
                what: "a row that no lookup finds",
                plant: |e| {
                    sound::world(e).looked_up.as_mut().expect("lookups").get_mut("Person").expect("Person").truncate(1)
                },
            },
            Defect {
                what: "a lookup finds what a scan does not show",
                plant: |e| {
                    let looked_up = sound::world(e).looked_up.as_mut().expect("lookups");
                    looked_up.get_mut("Person").expect("Person").push(sound::row(&[("name", "ghost".into())]));
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
        sound::prove(&IndexedAndFullScansAgree);
    }
}
