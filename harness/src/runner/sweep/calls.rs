//! What a step of a finished cell called.

use omnigraph::storage::{Operation, PathClass};

use crate::event::{Event, Record, StoreCall};
use crate::scenario::pairs::CallCounts;

/// The store calls of a step, in the order in which they ended.
pub fn of_step(events: &[Record], number: u64) -> impl Iterator<Item = &StoreCall> {
    let begins = |record: &Record| matches!(&record.event, Event::StepStarted { step, .. } if step.number == number);
    let ends =
        move |record: &Record| matches!(&record.event, Event::StepFinished { step, .. } if step.number == number);
    let from = events.iter().position(begins).map_or(events.len(), |at| at + 1);
    events[from..].iter().take_while(move |record| !ends(record)).filter_map(|record| match &record.event {
        Event::StoreCall { call, .. } => Some(call),
        _ => None,
    })
}

/// How many calls of a step ask for a durable change: as a fault counts them, so also those that were refused.
pub fn durable_writes(events: &[Record], number: u64) -> u64 {
    of_step(events, number).filter(|call| operation(call).is_some_and(Operation::is_visible_write)).count() as u64
}

/// How often a step makes each kind of call.
pub fn counts(events: &[Record], number: u64) -> CallCounts {
    let mut counts = CallCounts::new();
    for call in of_step(events, number) {
        let class = PathClass::ALL.iter().copied().find(|class| class.as_str() == call.class);
        if let (Some(operation), Some(class)) = (operation(call), class) {
            *counts.entry((operation, class)).or_default() += 1;
        }
    }
    counts
}

/// What a call did.
fn operation(call: &StoreCall) -> Option<Operation> {
    Operation::ALL.iter().copied().find(|operation| operation.as_str() == call.operation)
}
