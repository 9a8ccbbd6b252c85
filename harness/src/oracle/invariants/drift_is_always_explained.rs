//! Whenever nobody is at work, a table whose HEAD is not its pin is one that a pending sidecar names.

#[cfg(test)]
use crate::oracle::evidence::MovedHead;
use crate::oracle::evidence::{Damage, Evidence, SidecarSighting, TableDrift};
use crate::oracle::faults;
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, Invariant};
use crate::oracle::layout;
#[cfg(test)]
use crate::oracle::sound;

/// See the module.
#[derive(Debug)]
pub struct DriftIsAlwaysExplained;

impl Invariant for DriftIsAlwaysExplained {
    fn name(&self) -> &'static str {
        "drift-is-always-explained"
    }

    fn property(&self) -> &'static str {
        "between the calls a table's newest version differs from the visible one only where a pending sidecar names the table, or a \
         stranger moved it"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        if let Some(lie) = faults::lie(evidence) {
            return Some(format!("the store lied ({lie})"));
        }
        let nobody = "nobody looked between the calls before a sidecar was touched by hand";
        judged(evidence).next().is_none().then(|| nobody.to_owned())
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        let unexplained = judged(evidence).flat_map(|(sighting, drift)| {
            let uncovered = drift.iter().filter(|table| !table.covered && !moved_by_hand(evidence, sighting, table));
            uncovered.map(|table| {
                format!(
                    "after step {}: {} ({}): pin {}, HEAD {}, and no sidecar names it",
                    sighting.after_step, table.type_name, table.path, table.pin, table.head
                )
            })
        });
        Breach::unless_empty(unexplained.collect())
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        fn drifted(covered: bool) -> TableDrift {
            let (type_name, path) = ("Person".to_owned(), sound::PERSON.to_owned());
            TableDrift { type_name, path, pin: 3, head: 4, covered }
        }
        vec![
            Defect {
                what: "a table has drifted and no sidecar names it",
                plant: |e| e.sightings[0].drift = Some(vec![drifted(false)]),
            },
            Defect {
                what: "of two tables that have drifted a sidecar names one",
                plant: |e| {
                    let other =
                        TableDrift { path: sound::COMPANY.into(), type_name: "Company".into(), ..drifted(false) };
                    e.sightings[1].drift = Some(vec![drifted(true), other]);
                },
            },
            Defect {
                what: "a table has drifted beside one that a stranger moved",
                plant: |e| {
                    let moved = MovedHead { type_name: "Company".into(), row: None };
                    e.damage.push(Damage { moved: Some(moved), ..sound::damage(1, "nodes/x") });
                    e.sightings[1].drift = Some(vec![drifted(false)]);
                },
            },
            Defect {
                what: "a table has drifted before a stranger moved it",
                plant: |e| {
                    let moved = MovedHead { type_name: "Person".into(), row: None };
                    e.damage.push(Damage { moved: Some(moved), ..sound::damage(6, "nodes/x") });
                    e.sightings[0].drift = Some(vec![drifted(false)]);
                },
            },
        ]
    }
}

/// The looks that count: between the calls, and before a hand touched a sidecar, which may have named any table.
fn judged(evidence: &Evidence) -> impl Iterator<Item = (&SidecarSighting, &Vec<TableDrift>)> {
    let touched = |damage: &&Damage| damage.paths.iter().any(|path| path.starts_with(layout::RECOVERY));
    let until = evidence.damage.iter().filter(touched).map(|damage| damage.at).min();
    let sound = evidence.sightings.iter().filter(move |sighting| until.is_none_or(|until| sighting.at < until));
    sound
        .filter(|sighting| !sighting.writers_in_flight)
        .filter_map(|sighting| Some((sighting, sighting.drift.as_ref()?)))
}

/// Whether a hand had moved the table, or touched something of it, before the look.
fn moved_by_hand(evidence: &Evidence, sighting: &SidecarSighting, table: &TableDrift) -> bool {
    let of_table = |path: &String| path.strip_prefix(table.path.as_str()).is_some_and(|rest| rest.starts_with('/'));
    evidence.damage.iter().filter(|damage| damage.at < sighting.at).any(|damage| {
        damage.moved.as_ref().is_some_and(|moved| moved.type_name == table.type_name)
            || damage.paths.iter().any(of_table)
            || damage.paths.iter().any(|path| path.starts_with(layout::MANIFEST))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drifting(covered: bool) -> Evidence {
        let mut evidence = sound::evidence();
        let (type_name, path) = ("Person".to_owned(), sound::PERSON.to_owned());
        evidence.sightings[1].drift = Some(vec![TableDrift { type_name, path, pin: 3, head: 4, covered }]);
        evidence
    }

    #[test]
    fn goes_red_on_every_planted_defect_and_on_nothing_else() {
        sound::prove(&DriftIsAlwaysExplained);
    }

    #[test]
    fn drift_that_a_sidecar_or_a_strangers_hand_explains_is_none() {
        assert_eq!(DriftIsAlwaysExplained.check(&drifting(true)), Ok(()));
        let mut evidence = drifting(false);
        let moved = MovedHead { type_name: "Person".into(), row: None };
        evidence.damage.push(Damage { moved: Some(moved), ..sound::damage(1, "nodes/x") });
        assert_eq!(DriftIsAlwaysExplained.check(&evidence), Ok(()));
        let mut evidence = drifting(false);
        evidence.damage.push(sound::damage(1, &format!("{}/_versions/x", sound::PERSON)));
        assert_eq!(DriftIsAlwaysExplained.check(&evidence), Ok(()));
    }

    #[test]
    fn over_a_store_that_lied_and_where_nobody_looked_it_is_not_judged() {
        let mut evidence = drifting(false);
        evidence.faults[0].fault.action = "lost write, match 1".into();
        assert!(DriftIsAlwaysExplained.missing(&evidence).is_some_and(|why| why.contains("lost write")));
        let mut evidence = drifting(false);
        evidence.sightings.iter_mut().for_each(|sighting| sighting.writers_in_flight = true);
        assert!(DriftIsAlwaysExplained.missing(&evidence).is_some());
        let mut evidence = drifting(false);
        evidence.damage.push(sound::damage(0, "__recovery/OP1.json"));
        assert!(DriftIsAlwaysExplained.missing(&evidence).is_some());
    }
}
