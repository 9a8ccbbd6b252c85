//! Whether a step ended as it had to.

use crate::event::{ErrorData, Outcome};
use crate::runner::protocol::Report;
use crate::scenario::model::{ErrorExpectation, Expect, OkExpectation, RecoveredCounts};
use crate::workload::Recovered;

/// What is different from what was expected, a sentence each; empty where nothing is.
pub fn differences(expect: &Expect, outcome: &Outcome, report: &Report) -> Vec<String> {
    // What a check or a query looked for is asked for by the step itself, whatever else it expects.
    if let Outcome::Mismatch { differences } = outcome {
        return differences.clone();
    }
    if let Outcome::Trouble { reason } = outcome {
        return vec![format!("the step could not be carried out: {reason}")];
    }
    match expect {
        Expect::Any => match outcome {
            Outcome::Crashed { .. } => vec![format!("the process died: {outcome}")],
            _ => Vec::new(),
        },
        Expect::Ok => unless(is_done(outcome), "ok", outcome),
        Expect::OkWith(wanted) if is_done(outcome) => reported(wanted, outcome, report),
        Expect::OkWith(_) => unless(false, "ok", outcome),
        Expect::Error(wanted) => match outcome.error() {
            Some(error) => error_differences(wanted, error),
            None => unless(false, &format!("a {} error", wanted.error.0.as_str()), outcome),
        },
        Expect::Refused => unless(matches!(outcome, Outcome::Refused { .. }), "refused", outcome),
        Expect::InDoubt => unless(matches!(outcome, Outcome::InDoubt { .. }), "in doubt", outcome),
        Expect::Crash => unless(matches!(outcome, Outcome::Crashed { .. }), "a crash", outcome),
        Expect::Panic => unless(matches!(outcome, Outcome::Panicked { .. }), "a panic", outcome),
        Expect::OneOf(list) => {
            let all: Vec<Vec<String>> = list.iter().map(|expect| differences(expect, outcome, report)).collect();
            if all.iter().any(Vec::is_empty) { Vec::new() } else { all.concat() }
        }
    }
}

fn is_done(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Acknowledged { .. })
}

fn unless(fits: bool, wanted: &str, outcome: &Outcome) -> Vec<String> {
    if fits { Vec::new() } else { vec![format!("expected {wanted}, and it {}", ended(outcome))] }
}

fn ended(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Acknowledged { .. } => "was acknowledged".to_owned(),
        Outcome::Refused { .. } => format!("was {outcome}"),
        Outcome::InDoubt { .. } => format!("is {outcome}"),
        other => other.to_string(),
    }
}

fn error_differences(wanted: &ErrorExpectation, error: &ErrorData) -> Vec<String> {
    let mut differences = Vec::new();
    let kind = wanted.error.0.as_str();
    if kind != error.kind {
        differences.push(format!("expected a {kind} error, and it is {error}"));
    }
    let words = wanted.message.judge(&error.message).into_iter();
    differences.extend(words.map(|what| format!("the error's message is not as expected: {what} ({})", error.message)));
    let advice = error.advice.as_deref().unwrap_or_default();
    let words = wanted.advice.judge(advice).into_iter();
    differences.extend(words.map(|what| format!("the error's advice is not as expected: {what} ({advice})")));
    if wanted.retryable.is_some_and(|retryable| retryable != error.retryable) {
        let not = if error.retryable { "" } else { "not " };
        differences.push(format!("the error says that it can {not}be retried: {error}"));
    }
    differences
}

fn reported(wanted: &OkExpectation, outcome: &Outcome, report: &Report) -> Vec<String> {
    let mut differences = Vec::new();
    if let Some(counts) = &wanted.recovered {
        let found = report.recovered.clone().unwrap_or_default();
        differences.extend(recovered_differences(counts, &found));
    }
    if let Some(drift) = &wanted.drift {
        let found = report.drift.clone().unwrap_or_default();
        if found != *drift {
            differences.push(format!("drift: expected [{}], found [{}]", drift.join(", "), found.join(", ")));
        }
    }
    if let Some(rows) = &wanted.rows {
        let written = match outcome {
            Outcome::Acknowledged { write: Some(write) } => write.rows.clone(),
            _ => Default::default(),
        };
        for (type_name, count) in rows {
            let (inserted, updated, deleted) = written.get(type_name).copied().unwrap_or_default();
            let found = inserted + updated + deleted;
            if found != *count {
                differences.push(format!("rows of {type_name} written: expected {count}, found {found}"));
            }
        }
    }
    differences
}

fn recovered_differences(wanted: &RecoveredCounts, found: &Recovered) -> Vec<String> {
    let pairs = [
        ("rolled forward", wanted.rolled_forward, &found.rolled_forward),
        ("rolled back", wanted.rolled_back, &found.rolled_back),
        ("retired", wanted.retired, &found.retired),
        ("deferred", wanted.deferred, &found.deferred),
    ];
    let differs = |(what, wanted, found): (&str, Option<u64>, &Vec<String>)| match wanted {
        Some(wanted) if wanted != found.len() as u64 => {
            Some(format!("operations {what}: expected {wanted}, found {} [{}]", found.len(), found.join(", ")))
        }
        _ => None,
    };
    pairs.into_iter().filter_map(differs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expect(text: &str) -> Expect {
        serde_yaml::from_str(text).expect("valid")
    }

    fn judged(text: &str, outcome: &Outcome) -> Vec<String> {
        differences(&expect(text), outcome, &Report::default())
    }

    fn refused() -> Outcome {
        let error =
            ErrorData { advice: Some("run `omnigraph repair`".into()), ..ErrorData::new("drift", "table moved") };
        Outcome::Refused { error }
    }

    #[test]
    fn in_doubt_is_never_read_as_refused() {
        let doubt = Outcome::InDoubt { error: ErrorData::new("in-doubt", "nobody knows") };
        assert_eq!(judged("refused", &refused()), [""; 0]);
        assert_eq!(judged("in-doubt", &doubt), [""; 0]);
        assert!(!judged("refused", &doubt).is_empty());
        assert!(!judged("in-doubt", &refused()).is_empty());
    }

    #[test]
    fn an_error_is_judged_by_kind_and_by_the_words_of_its_advice() {
        assert_eq!(judged("{error: drift, advice: {has: [repair], lacks: [reopen]}}", &refused()), [""; 0]);
        assert_eq!(judged("{error: conflict}", &refused()).len(), 1);
        assert_eq!(judged("{error: drift, advice: {has: [reopen]}}", &refused()).len(), 1);
        assert_eq!(judged("{error: drift, advice: {lacks: [repair]}}", &refused()).len(), 1);
    }

    #[test]
    fn one_of_several_ends_is_enough_and_a_crash_is_never_any() {
        assert_eq!(judged("{one-of: [ok, refused]}", &refused()), [""; 0]);
        assert_eq!(judged("{one-of: [ok, crash]}", &refused()).len(), 2);
        assert_eq!(judged("any", &refused()), [""; 0]);
        assert_eq!(judged("any", &Outcome::Crashed { at: None }).len(), 1);
    }

    #[test]
    fn what_a_check_did_not_find_is_never_expected() {
        let mismatch = Outcome::Mismatch { differences: vec!["rows: expected 1, found 0".into()] };
        assert_eq!(judged("any", &mismatch).len(), 1);
    }

    #[test]
    fn what_was_recovered_is_counted() {
        let report = Report {
            recovered: Some(Recovered { rolled_forward: vec!["01J".into()], ..Recovered::default() }),
            ..Report::default()
        };
        let judged = |text: &str| differences(&expect(text), &Outcome::done(), &report);
        assert_eq!(judged("{ok: {recovered: {rolled-forward: 1, rolled-back: 0}}}"), [""; 0]);
        assert_eq!(judged("{ok: {recovered: {rolled-forward: 0}}}").len(), 1);
        assert_eq!(judged("{ok: {drift: [Person]}}").len(), 1);
    }
}
