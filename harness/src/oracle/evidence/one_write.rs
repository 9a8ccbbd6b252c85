//! The calls of one name, taken for the one write that they are.
//!
//! A client whose write is in doubt calls it again under the same name, and it is done once: what the client knows is then what all of
//! its calls were told together. If one of them was acknowledged, the write is, from the moment when the one that did it was told so; it
//! may have taken effect in an earlier call that was in doubt, if the acknowledged one says that it had been done before. If none was,
//! and one is in doubt, the write is. A call that was refused did nothing, and says nothing of the others.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{CallOfName, Evidence, Known, OperationRecord};
use crate::event::Outcome;

/// The evidence with one operation for each name.
pub fn one_write(evidence: &Evidence) -> Cow<'_, Evidence> {
    let mut names: BTreeMap<&str, Vec<&OperationRecord>> = BTreeMap::new();
    for operation in &evidence.operations {
        if let Some(name) = &operation.name {
            names.entry(name).or_default().push(operation);
        }
    }
    if names.values().all(|calls| calls.len() < 2) {
        return Cow::Borrowed(evidence);
    }
    let mut operations: Vec<_> =
        evidence.operations.iter().filter(|operation| operation.name.is_none()).cloned().collect();
    operations.extend(names.into_values().map(|calls| joined(&calls)));
    operations.sort_by_key(|operation| operation.started);
    Cow::Owned(Evidence { operations, ..evidence.clone() })
}

fn joined(calls: &[&OperationRecord]) -> OperationRecord {
    let (acknowledged, doubts) = (of(calls, Known::Acknowledged), of(calls, Known::InDoubt));
    // Whoever did it knows the rows; whoever was told later knows the commit.
    let doer = acknowledged.iter().find(|call| !is_repeated(call)).or(acknowledged.first());
    let Some(first) = doer.or(doubts.first()).or(calls.last()) else { unreachable!("a name has a call") };
    let mut write = OperationRecord::clone(first);
    if acknowledged.is_empty() {
        let ended: Option<Vec<_>> = doubts.iter().map(|call| call.ended).collect();
        write.ended = ended.map_or(write.ended, |ended| ended.into_iter().max().or(write.ended));
    } else {
        let before = doubts.iter().filter(|call| is_repeated(&write) && call.started < write.started);
        write.started = before.map(|call| call.started).min().unwrap_or(write.started);
    }
    let told = calls.iter().map(|call| CallOfName { label: call.label(), outcome: call.outcome.clone() });
    write.calls = told.collect();
    write
}

fn of<'a>(calls: &[&'a OperationRecord], known: Known) -> Vec<&'a OperationRecord> {
    calls.iter().copied().filter(|call| call.known() == known).collect()
}

fn is_repeated(call: &OperationRecord) -> bool {
    matches!(&call.outcome, Outcome::Acknowledged { write: Some(write) } if write.repeated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{ErrorData, WriteData};
    use crate::oracle::evidence::OperationCall;

    fn call(started: u64, outcome: Outcome) -> OperationRecord {
        OperationRecord {
            step: Some(started),
            started,
            ended: Some(started + 1),
            handle: "main".into(),
            process: "main".into(),
            actor: None,
            name: Some("transfer".into()),
            calls: Vec::new(),
            call: OperationCall::Mutate { sql: String::new() },
            outcome,
        }
    }

    fn done(repeated: bool) -> Outcome {
        Outcome::Acknowledged { write: Some(WriteData { commit: "C1".into(), repeated, ..WriteData::default() }) }
    }

    fn doubt() -> Outcome {
        Outcome::InDoubt { error: ErrorData::new("in-doubt", "nobody knows") }
    }

    fn refused() -> Outcome {
        Outcome::Refused { error: ErrorData::new("conflict", "another one was first") }
    }

    /// From when to when the one write lasted, what is known of it, and how many calls it had.
    fn joined_from(outcomes: [Outcome; 2]) -> (u64, Option<u64>, Known, usize) {
        let [first, second] = outcomes;
        let evidence = Evidence { operations: vec![call(1, first), call(5, second)], ..Evidence::default() };
        let joined = one_write(&evidence);
        let [write] = joined.operations.as_slice() else { panic!("{} operations", joined.operations.len()) };
        (write.started, write.ended, write.known(), write.calls.len())
    }

    #[test]
    fn a_doubt_that_was_done_before_the_next_call_may_have_been_done_from_its_start() {
        assert_eq!(joined_from([doubt(), done(true)]), (1, Some(6), Known::Acknowledged, 2));
    }

    #[test]
    fn a_doubt_that_the_next_call_did_anew_was_done_in_that_call() {
        assert_eq!(joined_from([doubt(), done(false)]), (5, Some(6), Known::Acknowledged, 2));
    }

    #[test]
    fn what_was_acknowledged_once_was_so_from_the_first_time() {
        assert_eq!(joined_from([done(false), done(true)]), (1, Some(2), Known::Acknowledged, 2));
    }

    #[test]
    fn a_refusal_says_nothing_of_another_call() {
        assert_eq!(joined_from([doubt(), refused()]), (1, Some(2), Known::InDoubt, 2));
        assert_eq!(joined_from([refused(), done(false)]), (5, Some(6), Known::Acknowledged, 2));
        assert_eq!(joined_from([refused(), refused()]), (5, Some(6), Known::Refused, 2));
    }

    #[test]
    fn two_doubts_may_be_done_until_the_later_one_ended() {
        assert_eq!(joined_from([doubt(), doubt()]), (1, Some(6), Known::InDoubt, 2));
    }
}
