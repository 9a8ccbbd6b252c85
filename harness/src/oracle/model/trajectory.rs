//! All ways in which a cell may have gone.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::drift;
use super::footprint::{self, Footprint};
use super::sight::{Sight, after, sights};
use super::state::State;
use super::write::{self, Refusal};
use crate::event::Outcome;
use crate::oracle::evidence::{Evidence, Known, MovedHead, OperationCall, OperationRecord, Reading, Taken, Tick};
use crate::oracle::facts::SchemaFacts;

/// More ways than this are not followed: the model then says that it cannot tell.
pub const CANDIDATES_MAX: usize = 256;

/// One way in which things may have gone.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Every state it went through, oldest first; never empty.
    pub past: Vec<Moment>,
    /// Writes in doubt that took effect, by index into the evidence's operations.
    pub landed: BTreeSet<usize>,
    /// Writes in doubt that still may.
    pub(super) pending: BTreeSet<usize>,
}

/// One state of a candidate.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The rows.
    pub state: Rc<State>,
    /// When the latest write in it began: nobody can have seen it earlier.
    pub latest_started: Tick,
    /// The write that made it, by index into the evidence's operations; `None` for the empty graph.
    pub write: Option<usize>,
}

impl Candidate {
    /// The state it ended in.
    pub fn last(&self) -> &State {
        &self.past[self.past.len() - 1].state
    }

    /// Whether every one of these readings, which must be in the order in which they started, saw a state of this
    /// candidate, with no handle ever going back or missing acknowledged writes that it has to show.
    pub fn explains(&self, evidence: &Evidence, schema: &SchemaFacts, readings: &[&Reading]) -> bool {
        let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        readings.iter().all(|reading| {
            let reader = (reading.process.as_str(), reading.handle.as_str());
            let earliest = match reading.taken {
                // It is read once more because it is old.
                Taken::Kept => 0,
                _ => seen.get(&reader).copied().unwrap_or(0).max(self.owed_writes(evidence, reading)),
            };
            let place = (earliest..self.past.len()).find(|&at| {
                let moment = &self.past[at];
                moment.latest_started < reading.ended && moment.state.differences(schema, &reading.rows).is_empty()
            });
            if let Some(at) = place.filter(|_| reading.taken != Taken::Kept) {
                seen.insert(reader, at);
            }
            place.is_some()
        })
    }

    /// The place of the latest write that was acknowledged before the reading began and that it has to show: to a handle
    /// its own writes, to a snapshot that was fetched from the store everybody's.
    fn owed_writes(&self, evidence: &Evidence, reading: &Reading) -> usize {
        let is_owed = |index: usize| {
            let operation = &evidence.operations[index];
            let is_own = operation.process == reading.process
                && operation.handle == reading.handle
                && !is_of_an_earlier_handle(evidence, operation, reading);
            operation.known() == Known::Acknowledged
                && (is_own || reading.taken == Taken::Fetched)
                && operation.ended.is_some_and(|ended| ended < reading.started)
        };
        self.past.iter().rposition(|moment| moment.write.is_some_and(is_owed)).unwrap_or(0)
    }
}

/// Whether the handle was replaced by a new one of its name, through which was read, while the call through it was still under way.
fn is_of_an_earlier_handle(evidence: &Evidence, call: &OperationRecord, reading: &Reading) -> bool {
    evidence.operations.iter().any(|open| {
        matches!(open.call, OperationCall::Open { .. })
            && (&open.process, &open.handle) == (&call.process, &call.handle)
            && open.started > call.started
            && call.ended.is_none_or(|ended| ended > open.started)
            && open.started < reading.started
    })
}

/// What the model says about a cell.
#[derive(Clone, Debug)]
pub enum Trajectory {
    /// The ways in which it may have gone.
    Followed {
        /// At least one.
        candidates: Vec<Candidate>,
        /// From where on the model has nothing to say, and why; `None` when it followed to the end.
        lost: Option<Lost>,
    },
    /// An acknowledged write cannot have been done in any of them, or what was visible in between comes of none of them.
    Contradicted {
        /// Which write and what forbids it, or when and what was visible.
        why: String,
    },
    /// There are more than [`CANDIDATES_MAX`].
    TooMany,
    /// The schema is not known.
    NoSchema,
}

/// From where on the model has nothing to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// When that began.
    pub at: Tick,
    /// Why, with the step.
    pub why: String,
}

impl Trajectory {
    /// Why the end of the cell cannot be judged by the model, if so.
    pub fn silent_at_the_end(&self) -> Option<String> {
        match self {
            Trajectory::Followed { lost: Some(lost), .. } => Some(format!("not modelled from {} on", lost.why)),
            Trajectory::NoSchema => Some("the schema is not known".to_owned()),
            _ => None,
        }
    }
}

/// Follows a cell from an empty graph.
pub fn follow(evidence: &Evidence) -> Trajectory {
    let Some(schema) = &evidence.schema else { return Trajectory::NoSchema };
    let mut lost = first_loss(schema, evidence);
    let writes = ordered_writes(schema, evidence, lost.as_ref().map(|lost| lost.at));
    let start = Candidate {
        past: vec![Moment { state: Rc::default(), latest_started: 0, write: None }],
        landed: BTreeSet::new(),
        pending: BTreeSet::new(),
    };
    let mut candidates = vec![start];
    let sights = sights(evidence, lost.as_ref().map(|lost| lost.at));
    for event in in_order(&writes, &sights) {
        let next = match event {
            Event::Sight(sight) => sight.narrow(schema, &writes, candidates),
            Event::Write(write) => take_effect(schema, &writes, write, candidates),
        };
        candidates = match next {
            Ok(next) => next,
            Err(Stop::TooMany) => return Trajectory::TooMany,
            Err(Stop::Contradicted(why)) => return Trajectory::Contradicted { why },
            Err(Stop::NotModelled { candidates: so_far, why }) => {
                // From here on nobody knows what is there: what comes later is neither followed nor compared.
                lost = Some(Lost { at: event.started(), why: format!("{}: {why}", event.label()) });
                candidates = so_far;
                break;
            }
        };
    }
    Trajectory::Followed { candidates, lost }
}

/// What the model follows: a write, or a look that tells what has become of writes.
#[derive(Clone, Copy)]
enum Event<'a> {
    Sight(Sight<'a>),
    Write(&'a Write<'a>),
}

impl Event<'_> {
    fn started(&self) -> Tick {
        match self {
            Event::Sight(sight) => sight.started(),
            Event::Write(write) => write.operation.started,
        }
    }

    fn label(&self) -> String {
        match self {
            Event::Sight(Sight::Rows(look)) => format!("the look {}", after(look)),
            Event::Sight(Sight::Nothing(_)) => "the look for sidecars".to_owned(),
            Event::Write(write) => write.operation.label(),
        }
    }
}

/// Each write behind everything that was seen before it began.
fn in_order<'a>(writes: &'a [Write<'a>], sights: &[Sight<'a>]) -> Vec<Event<'a>> {
    let mut sights = sights.iter().copied().peekable();
    let mut events = Vec::new();
    for write in writes {
        while let Some(sight) = sights.next_if(|sight| sight.ended() < write.operation.started) {
            events.push(Event::Sight(sight));
        }
        events.push(Event::Write(write));
    }
    events.extend(sights.map(Event::Sight));
    events
}

pub(super) struct Write<'a> {
    pub(super) index: usize,
    pub(super) operation: &'a OperationRecord,
    footprint: Footprint,
    /// What strangers committed and it may have made visible, for a repair.
    moved: Vec<(Tick, &'a MovedHead)>,
}

impl Write<'_> {
    /// The state of a candidate after it.
    fn apply(&self, schema: &SchemaFacts, writes: &[Write], candidate: &Candidate) -> Result<State, Refusal> {
        if !self.operation.call.may_publish_drift() {
            return write::apply(schema, candidate.last(), &self.operation.call);
        }
        let landed = candidate.past.iter().filter_map(|moment| moment.write);
        let repairs =
            landed.filter_map(|index| writes.iter().find(|write| write.index == index && !write.moved.is_empty()));
        let since = repairs.map(|repair| repair.operation.started).max().unwrap_or_default();
        drift::publish(schema, candidate.last(), &self.moved, since)
    }
}

pub(super) enum Stop {
    TooMany,
    Contradicted(String),
    NotModelled { candidates: Vec<Candidate>, why: String },
}

/// Damage that may change rows, a repair that published drift of unknown origin, and a statement outside the subset all end what the model knows.
fn first_loss(schema: &SchemaFacts, evidence: &Evidence) -> Option<Lost> {
    let damage = evidence
        .damage
        .iter()
        .filter(|damage| damage.may_change_rows)
        .map(|damage| Lost { at: damage.at, why: format!("step {}: {}", damage.step, damage.description) });
    let calls =
        evidence.operations.iter().filter(|operation| operation.known() != Known::Refused).filter_map(|operation| {
            let unknown = match &operation.call {
                call if call.may_publish_drift() && drift::is_known(evidence, operation) => return None,
                call if call.may_publish_drift() => "a repair on the operator's word".to_owned(),
                call => match write::apply(schema, &State::default(), call) {
                    Err(Refusal::NotModelled(why)) => why,
                    _ => return None,
                },
            };
            Some(Lost { at: operation.started, why: format!("{}: {unknown}", operation.label()) })
        });
    damage.chain(calls).min_by_key(|lost| lost.at)
}

/// Writes in the order in which they may have taken effect: one in doubt can do so from its start on, an acknowledged one
/// did by its end; acknowledged ones that overlapped come in the order of the graph versions they report.
fn ordered_writes<'a>(schema: &SchemaFacts, evidence: &'a Evidence, until: Option<Tick>) -> Vec<Write<'a>> {
    let mut writes: Vec<Write> = evidence
        .operations
        .iter()
        .enumerate()
        .filter(|(_, operation)| until.is_none_or(|until| operation.started < until))
        .filter_map(|(index, operation)| {
            let moved: Vec<_> = drift::moved(evidence, operation).filter(|(_, moved)| moved.row.is_some()).collect();
            let footprint = match footprint::footprint(schema, &operation.call) {
                None if !moved.is_empty() => drift::footprint(schema, &moved),
                footprint => footprint?,
            };
            Some(Write { index, operation, footprint, moved })
        })
        .collect();
    writes.sort_by_key(|write| match (write.operation.known(), write.operation.ended) {
        (Known::Acknowledged, Some(ended)) => ended,
        _ => write.operation.started,
    });
    // Acknowledged writes trade places among themselves only, so that a write in doubt keeps its place.
    let places: Vec<usize> =
        (0..writes.len()).filter(|&at| writes[at].operation.known() == Known::Acknowledged).collect();
    for round in 0..places.len() {
        for pair in places[..places.len() - round].windows(2) {
            let (left, right) = (writes[pair[0]].operation, writes[pair[1]].operation);
            if overlap(left, right) && version(left) > version(right) {
                writes.swap(pair[0], pair[1]);
            }
        }
    }
    writes
}

fn overlap(left: &OperationRecord, right: &OperationRecord) -> bool {
    left.ended.is_none_or(|ended| ended > right.started) && right.ended.is_none_or(|ended| ended > left.started)
}

fn version(operation: &OperationRecord) -> (u64, bool) {
    operation.version().unwrap_or((u64::MAX, false))
}

/// Every candidate after a write, as far as its caller knows of it.
fn take_effect(
    schema: &SchemaFacts,
    writes: &[Write],
    write: &Write,
    mut candidates: Vec<Candidate>,
) -> Result<Vec<Candidate>, Stop> {
    match write.operation.known() {
        Known::Refused => match refused_for_nothing(schema, writes, write, &candidates) {
            Some(why) => Err(Stop::Contradicted(why)),
            None => Ok(candidates),
        },
        Known::InDoubt => {
            candidates.iter_mut().for_each(|candidate| {
                candidate.pending.insert(write.index);
            });
            settle(schema, writes, candidates)
        }
        Known::Acknowledged => acknowledge(schema, writes, write, candidates),
    }
}

/// What is wrong with a refusal that calls a write invalid, if it stood alone and would have changed something in every way in which
/// things may have gone. Every other refusal is the store's, or another write's.
fn refused_for_nothing(
    schema: &SchemaFacts,
    writes: &[Write],
    write: &Write,
    candidates: &[Candidate],
) -> Option<String> {
    let Outcome::Refused { error } = &write.operation.outcome else { return None };
    let is_alone = writes.iter().all(|other| other.index == write.index || !overlap(other.operation, write.operation));
    // An actor is no matter of rows.
    let is_plain =
        |actor: &String| actor.bytes().all(|byte| byte.is_ascii_graphic()) && (1..=64).contains(&actor.len());
    if error.kind != "invalid" || !is_alone || !write.operation.actor.iter().all(is_plain) {
        return None;
    }
    let fits =
        |candidate: &Candidate| write.apply(schema, writes, candidate).is_ok_and(|state| state != *candidate.last());
    let is_for_nothing = !candidates.is_empty() && candidates.iter().all(fits);
    is_for_nothing
        .then(|| format!("{} was refused, though nothing forbids it: {}", write.operation.label(), error.message))
}

/// Every candidate after an acknowledged write, and after what pending writes may have done right behind it.
fn acknowledge(
    schema: &SchemaFacts,
    writes: &[Write],
    write: &Write,
    candidates: Vec<Candidate>,
) -> Result<Vec<Candidate>, Stop> {
    let mut next = Vec::new();
    let mut forbidden = String::new();
    for candidate in &candidates {
        match write.apply(schema, writes, candidate) {
            Ok(state) => next.push(moved(candidate, state, write)),
            Err(Refusal::Forbidden(why)) => forbidden = why,
            Err(Refusal::NotModelled(why)) => return Err(Stop::NotModelled { candidates, why }),
        }
    }
    if next.is_empty() {
        return Err(Stop::Contradicted(format!("{} was acknowledged, though {forbidden}", write.operation.label())));
    }
    // Who changed nothing moved no table, and stands in nobody's way.
    if write.operation.write().is_some() {
        next.iter_mut().for_each(|candidate| candidate.give_up(writes, write));
    }
    settle(schema, writes, next)
}

/// A write is planned against the versions it read, so of two writes to one table the one that began after the other had
/// ended is the later one for good.
fn can_land_after(doubt: &Write, write: &Write) -> bool {
    let was_over = doubt.operation.ended.is_some_and(|ended| ended < write.operation.started);
    !(was_over && doubt.footprint.shares_a_type(&write.footprint))
}

/// Adds, for every candidate, those in which pending writes take effect now.
pub(super) fn settle(
    schema: &SchemaFacts,
    writes: &[Write],
    candidates: Vec<Candidate>,
) -> Result<Vec<Candidate>, Stop> {
    let mut all = candidates;
    let mut at = 0;
    while at < all.len() {
        for index in all[at].pending.clone() {
            let Some(doubt) = writes.iter().find(|write| write.index == index) else { continue };
            let state = match doubt.apply(schema, writes, &all[at]) {
                Ok(state) => state,
                // No contradiction: the write then cannot have landed at this place.
                Err(Refusal::Forbidden(_)) => continue,
                Err(Refusal::NotModelled(why)) => return Err(Stop::NotModelled { candidates: all, why }),
            };
            let mut landed = moved(&all[at], state, doubt);
            landed.pending.remove(&index);
            landed.landed.insert(index);
            landed.give_up(writes, doubt);
            if !all.iter().any(|known| known.is_the_same_as(&landed)) {
                all.push(landed);
            }
        }
        if all.len() > CANDIDATES_MAX {
            return Err(Stop::TooMany);
        }
        at += 1;
    }
    Ok(all)
}

impl Candidate {
    /// Whether the same writes took effect in the same order, and the same ones still may.
    pub(super) fn is_the_same_as(&self, other: &Candidate) -> bool {
        let order = |candidate: &Candidate| candidate.past.iter().map(|moment| moment.write).collect::<Vec<_>>();
        self.pending == other.pending && order(self) == order(other)
    }

    /// Forgets pending writes that can no longer land now that `write` has.
    fn give_up(&mut self, writes: &[Write], write: &Write) {
        let can_still = |index: usize| {
            writes.iter().find(|other| other.index == index).is_some_and(|doubt| can_land_after(doubt, write))
        };
        self.pending.retain(|&index| can_still(index));
    }
}

fn moved(candidate: &Candidate, state: State, write: &Write) -> Candidate {
    let mut next = candidate.clone();
    let latest_started = next.past[next.past.len() - 1].latest_started.max(write.operation.started);
    next.past.push(Moment { state: Rc::new(state), latest_started, write: Some(write.index) });
    next
}
