//! Which operation id belongs to which call, where the call did not live to tell.

use std::collections::BTreeMap;

use super::evidence::{Evidence, Known, OperationCall};

/// The actor of a call that names none.
pub const ANONYMOUS: &str = "anonymous";
/// The actor that recovery publishes as.
pub const RECOVERY_ACTOR: &str = "omnigraph:recovery";

/// Operation ids by index into the evidence's operations. A call that carries none gets the one left over for its writer
/// and actor, if exactly one is left over for exactly one such call; otherwise it stays without.
pub fn operation_ids(evidence: &Evidence) -> BTreeMap<usize, String> {
    let mut ids: BTreeMap<usize, String> = evidence
        .operations
        .iter()
        .enumerate()
        .filter_map(|(index, operation)| Some((index, operation.operation_id()?.to_owned())))
        .collect();
    let mut nameless: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (index, operation) in evidence.operations.iter().enumerate() {
        let writer = match operation.call {
            OperationCall::Load { .. } => "load",
            OperationCall::Mutate { .. } => "mutate",
            _ => continue,
        };
        if operation.known() == Known::InDoubt && !ids.contains_key(&index) {
            nameless.entry((writer, operation.actor.as_deref().unwrap_or(ANONYMOUS))).or_default().push(index);
        }
    }
    let recoveries = evidence.closing.iter().flat_map(|closing| &closing.world.recoveries);
    let mut unclaimed: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for row in recoveries.filter(|row| ids.values().all(|known| *known != row.operation_id)) {
        unclaimed.entry((&row.writer, &row.actor)).or_default().push(&row.operation_id);
    }
    for (who, calls) in nameless {
        if let (&[call], Some(&[id])) = (calls.as_slice(), unclaimed.get(&who).map(Vec::as_slice)) {
            ids.insert(call, id.to_owned());
        }
    }
    ids
}
