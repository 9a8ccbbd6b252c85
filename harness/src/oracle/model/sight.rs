//! What was seen from outside on the way, and the ways that it leaves.

use super::trajectory::{Candidate, Stop, Write, settle};
use crate::oracle::evidence::{Evidence, OUTSIDE, OperationRecord, Reading, Tick};
use crate::oracle::facts::SchemaFacts;

/// What was seen from outside while no call was in flight, and so narrows what may have happened.
#[derive(Clone, Copy)]
pub(super) enum Sight<'a> {
    /// What was visible, whole.
    Rows(&'a Reading),
    /// No sidecar was there: nothing is left that anybody could finish, so what has not landed by then never will.
    Nothing(Tick),
}

/// Everything that was seen so, in order.
pub(super) fn sights(evidence: &Evidence, until: Option<Tick>) -> Vec<Sight<'_>> {
    let apart = |look: &Reading, operation: &OperationRecord| {
        operation.ended.is_some_and(|ended| ended < look.started) || operation.started > look.ended
    };
    let looks = evidence
        .readings
        .iter()
        .filter(|reading| reading.handle == OUTSIDE)
        .filter(|reading| evidence.operations.iter().all(|operation| apart(reading, operation)));
    // A hand may put back what it took.
    let nothing = evidence
        .sightings
        .iter()
        .filter(|sighting| !sighting.writers_in_flight && sighting.operation_ids.is_empty())
        .filter(|_| evidence.damage.iter().all(|damage| damage.moved.is_some()));
    let mut sights: Vec<Sight<'_>> =
        looks.map(Sight::Rows).chain(nothing.map(|sighting| Sight::Nothing(sighting.at))).collect();
    sights.retain(|sight| until.is_none_or(|until| sight.ended() < until));
    sights.sort_by_key(Sight::started);
    sights
}

impl Sight<'_> {
    pub(super) fn started(&self) -> Tick {
        match self {
            Sight::Rows(look) => look.started,
            Sight::Nothing(at) => *at,
        }
    }

    pub(super) fn ended(&self) -> Tick {
        match self {
            Sight::Rows(look) => look.ended,
            Sight::Nothing(at) => *at,
        }
    }

    /// The ways that it leaves.
    pub(super) fn narrow(
        self,
        schema: &SchemaFacts,
        writes: &[Write],
        mut candidates: Vec<Candidate>,
    ) -> Result<Vec<Candidate>, Stop> {
        match self {
            Sight::Rows(look) => narrow(schema, writes, look, candidates),
            Sight::Nothing(_) => {
                candidates.iter_mut().for_each(|candidate| candidate.pending.clear());
                let mut left: Vec<Candidate> = Vec::new();
                for candidate in candidates {
                    if !left.iter().any(|known| known.is_the_same_as(&candidate)) {
                        left.push(candidate);
                    }
                }
                Ok(left)
            }
        }
    }
}

/// The ways that led to what was visible, and those in which pending writes take effect after that.
fn narrow(
    schema: &SchemaFacts,
    writes: &[Write],
    look: &Reading,
    candidates: Vec<Candidate>,
) -> Result<Vec<Candidate>, Stop> {
    let differences = |candidate: &Candidate| candidate.last().differences(schema, &look.rows);
    let count = candidates.len();
    let nearest = candidates.iter().map(differences).min_by_key(Vec::len).unwrap_or_default();
    if !nearest.is_empty() {
        return Err(Stop::Contradicted(format!(
            "the rows {} (version {}) are those of none of {count} ways; against the nearest: {}",
            after(look),
            look.graph_version,
            nearest.join("; ")
        )));
    }
    let fitting = candidates.into_iter().filter(|candidate| differences(candidate).is_empty()).collect();
    settle(schema, writes, fitting)
}

pub(super) fn after(look: &Reading) -> String {
    look.step.map_or("after the set-up".to_owned(), |step| format!("after step {step}"))
}
