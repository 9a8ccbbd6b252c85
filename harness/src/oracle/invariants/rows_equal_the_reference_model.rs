//! The rows are the right ones, by a model that knows nothing of the engine.

#[cfg(test)]
use crate::event::Outcome;
use crate::oracle::evidence::Evidence;
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, BreachKind, Invariant};
use crate::oracle::model::trajectory::CANDIDATES_MAX;
use crate::oracle::model::{Trajectory, follow};
#[cfg(test)]
use crate::oracle::sound;

/// See the module.
#[derive(Debug)]
pub struct RowsEqualTheReferenceModel;

impl Invariant for RowsEqualTheReferenceModel {
    fn name(&self) -> &'static str {
        "rows-equal-the-reference-model"
    }

    fn property(&self) -> &'static str {
        "the visible rows are what the reference model makes of the acknowledged writes and of each write in doubt, whole or not at all"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        super::without_rows(evidence).or_else(|| follow(evidence).silent_at_the_end())
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        let (Some(closing), Some(schema)) = (&evidence.closing, &evidence.schema) else { return Ok(()) };
        let candidates = match follow(evidence) {
            Trajectory::Followed { candidates, .. } => candidates,
            Trajectory::Contradicted { why } => return Breach::unless_empty(vec![why]),
            Trajectory::TooMany => {
                let why =
                    format!("writes in doubt leave more than {CANDIDATES_MAX} ways in which things may have gone");
                return Err(Breach::new(BreachKind::Inconclusive, vec![why]));
            }
            Trajectory::NoSchema => return Ok(()),
        };
        let unseen = schema.types.keys().filter(|name| !closing.world.rows.contains_key(*name));
        let mut lines: Vec<String> = unseen.map(|name| format!("{name} was not read")).collect();
        // The nearest way is the one to explain by.
        let nearest = candidates
            .iter()
            .map(|candidate| (candidate.last().differences(schema, &closing.world.rows), &candidate.landed))
            .min_by_key(|(differences, _)| differences.len());
        if let Some((differences, landed)) = nearest.filter(|(differences, _)| !differences.is_empty()) {
            lines.extend(differences);
            let names: Vec<String> = landed.iter().map(|index| evidence.operations[*index].label()).collect();
            let doubt = if names.is_empty() { "no write in doubt".to_owned() } else { names.join(", ") };
            lines.push(format!("compared with the nearest of {} ways, in which {doubt} took effect", candidates.len()));
        }
        Breach::unless_empty(lines)
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        vec![
            Defect {
                what: "a row is gone",
                plant: |e| {
                    sound::rows(e, "Person").pop();
                },
            },
            Defect {
                what: "an update is lost",
                plant: |e| {
                    sound::rows(e, "Person")[0].insert("age".into(), 30.into());
                },
            },
            Defect {
                what: "a row nobody wrote",
                plant: |e| sound::rows(e, "Company").push(sound::row(&[("name", "ghost".into())])),
            },
            Defect {
                what: "half of a write in doubt",
                plant: |e| sound::rows(e, "Person").push(sound::row(&[("name", "dave".into())])),
            },
            Defect {
                what: "a type cannot be read at all",
                plant: |e| {
                    sound::world(e).rows.remove("WorksAt");
                },
            },
            Defect {
                what: "a write that cannot be done was acknowledged",
                plant: |e| e.operations[3].outcome = Outcome::Acknowledged { write: None },
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_red_on_every_planted_defect_and_on_nothing_else() {
        sound::prove(&RowsEqualTheReferenceModel);
    }
}
