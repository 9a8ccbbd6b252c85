//! Whether a step ended as it had to.

use std::fmt;

use omnigraph::ErrorKind;

use crate::event::{Breach, ErrorData, Outcome};
use crate::runner::protocol::Report;
use crate::scenario::model::{ErrorExpectation, Expect, OkExpectation, RecoveredCounts};
use crate::workload::Recovered;

/// One way in which a step ended otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    what: String,
    between: Option<(String, String)>,
}

impl Difference {
    fn between(what: impl Into<String>, expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        Difference { what: what.into(), between: Some((expected.to_string(), found.to_string())) }
    }

    /// As a breach of `invariant`.
    pub fn breach(self, invariant: &str) -> Breach {
        let breach = Breach::new(invariant, self.what);
        match self.between {
            Some((expected, found)) => breach.between(expected, found),
            None => breach,
        }
    }
}

impl From<String> for Difference {
    fn from(what: String) -> Self {
        Difference { what, between: None }
    }
}

/// What is different from what was expected, a sentence each; empty where nothing is.
pub fn differences(expect: &Expect, outcome: &Outcome, report: &Report) -> Vec<Difference> {
    // What a check or a query looked for is asked for by the step itself, whatever else it expects.
    if let Outcome::Mismatch { differences } = outcome {
        return differences.iter().cloned().map(Difference::from).collect();
    }
    if let Outcome::Trouble { reason } = outcome {
        return vec![format!("the step could not be carried out: {reason}").into()];
    }
    match expect {
        Expect::Any => {
            unless(!is_dead(outcome) && !is_bug(outcome), "anything but a crash, a panic or an internal error", outcome)
        }
        Expect::Ok => unless(is_done(outcome), "ok", outcome),
        Expect::OkWith(wanted) if is_done(outcome) => reported(wanted, outcome, report),
        Expect::OkWith(_) => unless(false, "ok", outcome),
        Expect::Error(wanted) => match outcome.error() {
            Some(error) => error_differences(wanted, error),
            None => unless(false, &format!("a {} error", wanted.error.0.as_str()), outcome),
        },
        Expect::Refused => unless(is_refused(outcome), "refused", outcome),
        Expect::InDoubt => unless(matches!(outcome, Outcome::InDoubt { .. }), "in doubt", outcome),
        Expect::Crash => unless(is_dead(outcome), "a crash", outcome),
        Expect::Panic => unless(matches!(outcome, Outcome::Panicked { .. }), "a panic", outcome),
        Expect::OneOf(list) => {
            let all: Vec<Vec<Difference>> = list.iter().map(|expect| differences(expect, outcome, report)).collect();
            if all.iter().any(Vec::is_empty) { Vec::new() } else { all.concat() }
        }
    }
}

/// No scenario means a bug of the engine when it only says that something is refused.
fn is_refused(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Refused { .. }) && !is_bug(outcome)
}

/// A panic and an internal error are bugs of the engine wherever nobody asked for them, and so is the end of a process that left
/// no last words, which is told as a panic.
fn is_bug(outcome: &Outcome) -> bool {
    let panicked = matches!(outcome, Outcome::Panicked { .. });
    panicked || outcome.error().is_some_and(|error| error.kind == ErrorKind::Internal.as_str())
}

fn is_dead(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Crashed { .. })
}

fn is_done(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Acknowledged { .. })
}

fn unless(fits: bool, wanted: &str, outcome: &Outcome) -> Vec<Difference> {
    if fits {
        return Vec::new();
    }
    vec![Difference::between("the step did not end as the scenario says", wanted, outcome)]
}

fn error_differences(wanted: &ErrorExpectation, error: &ErrorData) -> Vec<Difference> {
    let mut differences = Vec::new();
    let kind = wanted.error.0.as_str();
    if kind != error.kind {
        let wanted = format!("an error of the kind {kind}");
        differences.push(Difference::between(
            "the step ended with another error than the scenario says",
            wanted,
            error,
        ));
    }
    let words =
        wanted.message.judge(&error.message).into_iter().map(|what| {
            Difference::from(format!("the error's message is not as expected: {what} ({})", error.message))
        });
    differences.extend(words);
    let advice = error.advice.as_deref().unwrap_or_default();
    let words = wanted.advice.judge(advice).into_iter();
    differences.extend(
        words.map(|what| Difference::from(format!("the error's advice is not as expected: {what} ({advice})"))),
    );
    if wanted.retryable.is_some_and(|retryable| retryable != error.retryable) {
        let not = if error.retryable { "" } else { "not " };
        differences.push(format!("the error says that it can {not}be retried: {error}").into());
    }
    differences
}

fn reported(wanted: &OkExpectation, outcome: &Outcome, report: &Report) -> Vec<Difference> {
    let mut differences = Vec::new();
    if let Some(counts) = &wanted.recovered {
        let found = report.recovered.clone().unwrap_or_default();
        differences.extend(recovered_differences(counts, &found));
    }
    if let Some(drift) = &wanted.drift {
        let found = report.drift.clone().unwrap_or_default();
        if found != *drift {
            let list = |names: &[String]| format!("[{}]", names.join(", "));
            differences.push(Difference::between("another drift was reported", list(drift), list(&found)));
        }
    }
    let write = match outcome {
        Outcome::Acknowledged { write } => write.clone().unwrap_or_default(),
        _ => Default::default(),
    };
    if let Some(repeated) = wanted.repeated.filter(|repeated| *repeated != write.repeated) {
        let told = |repeated: bool| if repeated { "done before" } else { "done now" };
        differences.push(Difference::between(
            "the write was done at another time",
            told(repeated),
            told(write.repeated),
        ));
    }
    if let Some(rows) = &wanted.rows {
        for (type_name, count) in rows {
            let (inserted, updated, deleted) = write.rows.get(type_name).copied().unwrap_or_default();
            let found = inserted + updated + deleted;
            if found != *count {
                let what = format!("another number of rows of {type_name} was written");
                differences.push(Difference::between(what, count, found));
            }
        }
    }
    differences
}

fn recovered_differences(wanted: &RecoveredCounts, found: &Recovered) -> Vec<Difference> {
    let pairs = [
        ("rolled forward", wanted.rolled_forward, &found.rolled_forward),
        ("rolled back", wanted.rolled_back, &found.rolled_back),
        ("deferred", wanted.deferred, &found.deferred),
    ];
    let differs = |(what, wanted, found): (&str, Option<u64>, &Vec<String>)| match wanted {
        Some(wanted) if wanted != found.len() as u64 => {
            let message = format!("another number of operations was {what}");
            Some(Difference::between(message, wanted, format!("{} [{}]", found.len(), found.join(", "))))
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

    fn judged(text: &str, outcome: &Outcome) -> Vec<Difference> {
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
        assert_eq!(judged("refused", &refused()), []);
        assert_eq!(judged("in-doubt", &doubt), []);
        assert!(!judged("refused", &doubt).is_empty());
        assert!(!judged("in-doubt", &refused()).is_empty());
    }

    #[test]
    fn an_error_is_judged_by_kind_and_by_the_words_of_its_advice() {
        assert_eq!(judged("{error: drift, advice: {has: [repair], lacks: [reopen]}}", &refused()), []);
        assert_eq!(judged("{error: conflict}", &refused()).len(), 1);
        assert_eq!(judged("{error: drift, advice: {has: [reopen]}}", &refused()).len(), 1);
        assert_eq!(judged("{error: drift, advice: {lacks: [repair]}}", &refused()).len(), 1);
    }

    #[test]
    fn an_internal_error_is_no_refusal_unless_it_is_named() {
        let bug = Outcome::Refused { error: ErrorData::new("internal", "a change without rows") };
        assert_eq!(judged("refused", &bug).len(), 1);
        assert_eq!(judged("{error: internal}", &bug), []);
    }

    #[test]
    fn a_bug_of_the_engine_is_not_among_any() {
        for bug in [
            Outcome::Panicked { message: "called `Option::unwrap()` on a `None` value".into() },
            Outcome::Panicked { message: "the process was killed by signal 11: it wrote nothing".into() },
            Outcome::Refused { error: ErrorData::new("internal", "a change without rows") },
        ] {
            assert_eq!(judged("any", &bug).len(), 1, "{bug}");
            assert_eq!(judged("{one-of: [any, crash]}", &bug).len(), 2, "{bug}");
            assert_eq!(judged("{one-of: [any, panic, {error: internal}]}", &bug), [], "{bug}");
        }
        let doubt = Outcome::InDoubt { error: ErrorData::new("in-doubt", "nobody knows") };
        for known in [Outcome::done(), refused(), doubt] {
            assert_eq!(judged("any", &known), [], "{known}");
        }
    }

    #[test]
    fn one_of_several_ends_is_enough_and_a_crash_is_never_any() {
        assert_eq!(judged("{one-of: [ok, refused]}", &refused()), []);
        assert_eq!(judged("{one-of: [ok, crash]}", &refused()).len(), 2);
        assert_eq!(judged("any", &refused()), []);
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
        assert_eq!(judged("{ok: {recovered: {rolled-forward: 1, rolled-back: 0}}}"), []);
        assert_eq!(judged("{ok: {recovered: {rolled-forward: 0}}}").len(), 1);
        assert_eq!(judged("{ok: {drift: [Person]}}").len(), 1);
    }
}
