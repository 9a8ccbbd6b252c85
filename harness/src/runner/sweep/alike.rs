//! Pairs of faults that no store can tell from one another.
//!
//! A fault of the harness is decided above the store: the store sees of it only which calls come, and which do not. What a
//! call does there depends on the calls before it. So where two pairs leave the same calls, in the same order and with the same
//! answers, a store does for the one what it does for the other; and what the engine makes of the different errors is the
//! engine's affair, which one backend tries for all.

use std::collections::{HashMap, HashSet};

use omnigraph::storage::StorageErrorKind;
use sha2::{Digest, Sha256};

use crate::event::{Event, Record, StoreCall};
use crate::scenario::model::Effect;
use crate::scenario::pairs::{First, Second};

/// Why such a pair is tried on one backend only.
pub const ARGUMENT: &str = "the same calls reach the store, with the same answers, as in another pair that is tried here; \
                            every one is tried on memory";

/// What the pairs of a sweep had reach the store.
#[derive(Debug, Default)]
pub struct Alike {
    seen: HashSet<[u8; 32]>,
}

impl Alike {
    /// Whether no pair before this one had the same calls reach the store.
    pub fn is_new(&mut self, first: &First, second: &Second, events: &[Record]) -> bool {
        self.seen.insert(left_by(first, second, events))
    }
}

/// A digest of what reached the store, and of who died.
fn left_by(first: &First, second: &Second, events: &[Record]) -> [u8; 32] {
    let mut digest = Sha256::new();
    let refused = is_refusal(&second.effect);
    digest.update(format!("{}\n", first.dies));
    if !refused {
        // It reaches the store, or kills, or bends what is read: then it matters which call it was.
        digest.update(format!("{second}\n"));
    }
    // Paths hold ids, which differ from cell to cell: an object is known by when it was first called for.
    let mut objects: HashMap<&str, usize> = HashMap::new();
    for call in events.iter().filter_map(store_call).filter(|call| !refused || answered_by_the_store(call)) {
        let next = objects.len();
        let object = *objects.entry(&call.path).or_insert(next);
        let StoreCall { process, realm, operation, class, outcome, .. } = call;
        digest.update(format!("{process} {realm} {operation} {class} {object} {outcome}\n"));
    }
    digest.finalize().into()
}

/// Whether such a call never comes to the store.
fn is_refusal(effect: &Effect) -> bool {
    matches!(effect, Effect::Throttled | Effect::Timeout | Effect::PermissionDenied | Effect::ConnectionLost)
}

/// Whether the answer is one that a store in memory gives by itself.
fn answered_by_the_store(call: &StoreCall) -> bool {
    use StorageErrorKind::{AlreadyExists, NotFound, Precondition};
    call.outcome == "ok" || [NotFound, AlreadyExists, Precondition].iter().any(|kind| kind.as_str() == call.outcome)
}

fn store_call(record: &Record) -> Option<&StoreCall> {
    match &record.event {
        Event::StoreCall { call, .. } => Some(call),
        _ => None,
    }
}
