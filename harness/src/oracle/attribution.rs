//! Which operation id belongs to which call, where the call did not live to tell.

use std::collections::BTreeMap;

use super::evidence::{Evidence, Known, OperationCall, OperationRecord};

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
        .filter_map(|(index, operation)| Some((index, own_id(evidence, operation)?.to_owned())))
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

/// The id that a call carries, unless it is about another one: an error may name the operation that stands in its way,
/// whose sidecar was there before the call began.
fn own_id<'a>(evidence: &Evidence, operation: &'a OperationRecord) -> Option<&'a str> {
    let id = operation.operation_id()?;
    let was_there = evidence
        .sightings
        .iter()
        .filter(|sighting| sighting.at < operation.started)
        .any(|sighting| sighting.operation_ids.iter().any(|seen| seen == id));
    (!was_there).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{ErrorData, Outcome};
    use crate::oracle::sound;

    #[test]
    fn a_crashed_call_gets_the_audited_operation_that_nobody_else_claims() {
        let ids = operation_ids(&sound::evidence());
        assert_eq!(ids.get(&4).map(String::as_str), Some("OP4"));
        assert_eq!(ids.get(&6).map(String::as_str), Some("OP5"));
    }

    #[test]
    fn two_crashed_calls_that_look_alike_stay_without() {
        let mut evidence = sound::evidence();
        let again = evidence.operations[4].clone();
        evidence.operations.push(again);
        assert_eq!(operation_ids(&evidence).get(&4), None);
    }

    #[test]
    fn an_error_about_another_operation_does_not_name_the_call() {
        let mut evidence = sound::evidence();
        let error = ErrorData { operation: Some("OP5".into()), ..ErrorData::new("drift", "a sidecar covers it") };
        evidence.operations[10].outcome = Outcome::Refused { error };
        assert_eq!(operation_ids(&evidence).get(&10), None);
    }
}
