//! What a confirmed repair makes visible: what strangers have committed to tables past the engine.
//!
//! A repair that publishes is followed where every table it may publish was moved by such commits and nothing else was done by
//! hand: then its rows are known. Drift of any other origin, such as half a write that a quarantine left, is not. Neither is what
//! became of a write beside the repair, which tells no version that would say which of the two came first.

use super::footprint::Footprint;
use super::state::State;
use super::write::{self, Refusal};
use crate::oracle::evidence::{Evidence, MovedHead, OperationRecord, Tick};
use crate::oracle::facts::SchemaFacts;

/// Whether it is known what the operation, a repair that may have published, made visible.
pub fn is_known(evidence: &Evidence, repair: &OperationRecord) -> bool {
    let mut before = evidence.damage.iter().filter(|damage| damage.at < repair.started).peekable();
    before.peek().is_some()
        && evidence.operations.iter().all(|other| !other.call.writes_rows() || are_apart(other, repair))
        && before.all(|damage| damage.moved.is_some())
        && repair.call.published().is_none_or(|types| {
            types.iter().all(|name| moved(evidence, repair).any(|(_, moved)| moved.type_name == *name))
        })
}

fn are_apart(one: &OperationRecord, other: &OperationRecord) -> bool {
    let is_over = |one: &OperationRecord, other: &OperationRecord| one.ended.is_some_and(|ended| ended < other.started);
    is_over(one, other) || is_over(other, one)
}

/// The commits that the operation may have made visible, with when they were made; none for one that may not have published.
pub fn moved<'a>(
    evidence: &'a Evidence,
    repair: &'a OperationRecord,
) -> impl Iterator<Item = (Tick, &'a MovedHead)> + 'a {
    let before = evidence.damage.iter().filter(|damage| repair.call.may_publish_drift() && damage.at < repair.started);
    let moved = before.filter_map(|damage| Some((damage.at, damage.moved.as_ref()?)));
    moved.filter(|(_, moved)| repair.call.published().is_none_or(|types| types.contains(&moved.type_name)))
}

/// What a publication of these may touch.
pub fn footprint(schema: &SchemaFacts, moved: &[(Tick, &MovedHead)]) -> Footprint {
    let mut footprint = Footprint::default();
    for (_, moved) in moved {
        let identities = footprint.identities.entry(moved.type_name.clone()).or_default();
        identities.extend(write::stranger(schema, moved).ok().flatten().map(|(identity, _)| identity));
    }
    footprint
}

/// The state after a publication of those of them that were made after `since`: those before are visible already. Nobody checks
/// the rows that a repair makes visible, so where they break a rule the model has nothing to say.
pub fn publish(
    schema: &SchemaFacts,
    before: &State,
    moved: &[(Tick, &MovedHead)],
    since: Tick,
) -> Result<State, Refusal> {
    let unchecked = |refusal| match refusal {
        Refusal::Forbidden(why) => Refusal::NotModelled(format!("a repair published drift in which {why}")),
        refusal => refusal,
    };
    let mut after = before.clone();
    for (_, moved) in moved.iter().filter(|(at, _)| *at > since) {
        let Some((identity, row)) = write::stranger(schema, moved).map_err(unchecked)? else { continue };
        if after.get(&moved.type_name, &identity).is_some() {
            return Err(Refusal::NotModelled(format!("a repair published {} a second time", identity.join(", "))));
        }
        after.put(&moved.type_name, identity, row);
    }
    write::check(schema, &after).map_err(unchecked)?;
    Ok(after)
}
