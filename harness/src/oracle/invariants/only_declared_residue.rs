//! Nothing but declared residue is left in the store: every object is either part of the graph or of a class that is
//! declared here with its reason.
//!
//! Which data files a dataset version names stands inside Lance's own manifests, which the oracle does not read; data
//! files of a registered table therefore count as part of it.

use std::collections::BTreeMap;

use crate::oracle::evidence::{Evidence, Known, OperationCall, World};
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, Invariant};
use crate::oracle::layout;
#[cfg(test)]
use crate::oracle::sound;

/// What may be left over, and why that is no fault.
pub const DECLARED: &[(&str, &str)] = &[
    ("planted", "the scenario put it there"),
    ("quarantined-sidecar", "an operator's word moved it out of the way and keeps it"),
    (
        "abandoned-dataset",
        "a creation that failed leaves either nothing or a graph that opens, and may leave tables that no graph registers",
    ),
    ("abandoned-schema", "a schema contract is put before the publish that names it, so a failed one leaves it"),
    (
        "uncommitted-transaction",
        "a commit puts its transaction file first, so one that failed or lost its race leaves it",
    ),
];

/// See the module.
#[derive(Debug)]
pub struct OnlyDeclaredResidue;

impl Invariant for OnlyDeclaredResidue {
    fn name(&self) -> &'static str {
        "only-declared-residue"
    }

    fn property(&self) -> &'static str {
        "every object under the graph root is part of the graph or residue of a declared class"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        super::without_closing(evidence)
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        let Some(closing) = &evidence.closing else { return Ok(()) };
        let mut lines: Vec<String> = closing
            .world
            .objects
            .iter()
            .filter_map(|object| undeclared(evidence, &closing.world, &object.path))
            .collect();
        if !anything_failed(evidence) {
            lines.extend(surplus_transactions(&closing.world));
        }
        Breach::unless_empty(lines)
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        vec![
            Defect { what: "an object nobody knows", plant: |e| sound::add_object(e, "leftover.bin") },
            Defect {
                what: "a table that no graph registers",
                plant: |e| sound::add_object(e, "nodes/Ghost-01J.lance/data/a.lance"),
            },
            Defect { what: "a second schema contract", plant: |e| sound::add_object(e, "__schema/ffff.json") },
            Defect {
                what: "a temporary file beside the sidecars",
                plant: |e| sound::add_object(e, "__recovery/OP1.json.tmp"),
            },
            Defect {
                what: "a quarantined file that no operator put there",
                plant: |e| sound::add_object(e, "__recovery/quarantine/OP1.json"),
            },
            Defect {
                what: "a foreign file inside a table",
                plant: |e| sound::add_object(e, &format!("{}/notes.txt", sound::PERSON)),
            },
            Defect {
                what: "a commit that left its transaction file though nothing ever failed",
                plant: |e| {
                    sound::calm(e);
                    sound::add_object(e, &format!("{}/_transactions/2-left.txn", sound::EDGE));
                },
            },
        ]
    }
}

/// Why an object may not be there; `None` when it may.
fn undeclared(evidence: &Evidence, world: &World, path: &str) -> Option<String> {
    if evidence.damage.iter().flat_map(|damage| &damage.paths).any(|planted| planted == path) {
        return None;
    }
    if path.starts_with(layout::QUARANTINE) {
        let repaired =
            evidence.operations.iter().any(|operation| matches!(operation.call, OperationCall::Repair { .. }));
        return (!repaired).then(|| format!("{path} is in quarantine, and nobody repaired"));
    }
    if path.starts_with(layout::RECOVERY) {
        // A sidecar that is left is the business of its own invariant.
        return layout::sidecar(path).is_none().then(|| format!("{path} is no sidecar"));
    }
    if path.starts_with(layout::SCHEMA) {
        let contracts = world.objects.iter().filter(|object| object.path.starts_with(layout::SCHEMA)).count();
        let is_alone = contracts == 1 && path.ends_with(".json");
        return (!is_alone && !creation_failed(evidence))
            .then(|| format!("{path} is one of {contracts} schema contracts"));
    }
    let registered = world.tables.iter().map(|table| table.path.as_str());
    let dataset = registered.chain([layout::MANIFEST, layout::AUDIT]).find_map(|dataset| inside(path, dataset));
    match dataset {
        Some(rest) if is_lance_file(rest) => None,
        Some(_) => Some(format!("{path} is no file of a Lance dataset")),
        None if path.starts_with("nodes/") || path.starts_with("edges/") => {
            (!creation_failed(evidence)).then(|| format!("{path} belongs to no registered table"))
        }
        None => Some(format!("{path} belongs to nothing")),
    }
}

fn inside<'a>(path: &'a str, dataset: &str) -> Option<&'a str> {
    path.strip_prefix(dataset)?.strip_prefix('/')
}

fn is_lance_file(rest: &str) -> bool {
    match rest.split_once('/') {
        Some(("_versions", name)) => layout::version_of(name).is_some(),
        Some(("_transactions", name)) => name.ends_with(".txn"),
        Some(("data" | "_deletions" | "_indices", _)) => true,
        _ => false,
    }
}

fn creation_failed(evidence: &Evidence) -> bool {
    let create = |call: &OperationCall| matches!(call, OperationCall::Create);
    evidence.operations.iter().any(|operation| create(&operation.call) && operation.known() != Known::Acknowledged)
}

fn anything_failed(evidence: &Evidence) -> bool {
    // Of two calls that overlapped, one may have lost a race that it then won in a second attempt.
    let overlap = evidence.operations.iter().enumerate().any(|(at, earlier)| {
        evidence.operations[at + 1..].iter().any(|later| earlier.ended.is_none_or(|ended| ended > later.started))
    });
    overlap
        || !evidence.damage.is_empty()
        || !evidence.faults.is_empty()
        || evidence.operations.iter().any(|operation| operation.known() != Known::Acknowledged)
}

/// A transaction file is named after the version it was planned on, and lands on the one after.
fn surplus_transactions(world: &World) -> Vec<String> {
    let datasets = world.tables.iter().map(|table| table.path.as_str()).chain([layout::MANIFEST, layout::AUDIT]);
    let mut lines = Vec::new();
    for dataset in datasets {
        let prefix = format!("{dataset}/_transactions/");
        let mut planned: BTreeMap<u64, usize> = BTreeMap::new();
        let names = world.objects.iter().filter_map(|object| object.path.strip_prefix(&prefix));
        for read in names.filter_map(|name| name.split_once('-')?.0.parse::<u64>().ok()) {
            *planned.entry(read).or_default() += 1;
        }
        let versions = layout::versions(&world.objects, dataset);
        lines.extend(planned.iter().filter(|(read, count)| **count > 1 || !versions.contains(&(*read + 1))).map(
            |(read, count)| {
                format!(
                    "{dataset}: {count} transactions on version {read}, not all of which landed, and nothing failed"
                )
            },
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_red_on_every_planted_defect_and_on_nothing_else() {
        sound::prove(&OnlyDeclaredResidue);
    }

    #[test]
    fn what_the_scenario_planted_is_declared() {
        let mut evidence = sound::evidence();
        sound::add_object(&mut evidence, "__recovery/notes.txt");
        assert!(OnlyDeclaredResidue.check(&evidence).is_err());
        evidence.damage.push(sound::damage(3, "__recovery/notes.txt"));
        assert_eq!(OnlyDeclaredResidue.check(&evidence), Ok(()));
    }

    #[test]
    fn every_declared_class_has_a_reason() {
        assert!(DECLARED.iter().all(|(class, reason)| !class.is_empty() && reason.contains(' ')));
    }
}
