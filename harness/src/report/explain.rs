//! What a failure says of itself in text, the same in every format that shows text.

use super::trail::Trail;
use crate::event::{Breach, FaultTally, FinishedCell, Verdict};

/// Steps that are told: the last ones, since what went wrong is at the end.
const STEPS_MAX: usize = 12;
/// Places that are told of one fault.
const PLACES_MAX: usize = 3;

/// `step 1: failpoint sidecar.delete → return: fired 1 of 2 times, at load:sidecar.delete`.
pub fn fault(tally: &FaultTally) -> String {
    let became = match (tally.reached, tally.fired) {
        (0, _) => "never reached".to_owned(),
        (reached, 0) => format!("reached {}, never fired", times(reached)),
        (reached, fired) => format!("fired {fired} of {}", times(reached)),
    };
    let mut places: Vec<&str> = tally.firings.iter().map(|firing| firing.at.as_str()).collect();
    let more = places.len().saturating_sub(PLACES_MAX);
    places.truncate(PLACES_MAX);
    let at = if places.is_empty() { String::new() } else { format!(", at {}", places.join("; ")) };
    let more = if more == 0 { String::new() } else { format!(" and {more} other places") };
    format!("{}: {became}{at}{more}", tally.fault)
}

fn times(count: u64) -> String {
    if count == 1 { "1 time".to_owned() } else { format!("{count} times") }
}

/// How the last steps of a cell ended, a line each.
pub fn steps(trail: &Trail) -> Vec<String> {
    let all: Vec<String> = trail
        .steps()
        .map(|(step, outcome, as_expected)| {
            let mark = if as_expected { "" } else { " <- not as expected" };
            format!("step {} {}: {outcome}{mark}", step.number, step.kind)
        })
        .collect();
    let left_out = all.len().saturating_sub(STEPS_MAX);
    let earlier = left_out as u64 + trail.steps_dropped;
    let first = (earlier > 0).then(|| format!("{earlier} earlier steps"));
    first.into_iter().chain(all.into_iter().skip(left_out)).collect()
}

/// Everything that there is to say of a failed cell, a line each: what was expected and found, the evidence, the faults,
/// the steps.
pub fn lines(cell: &FinishedCell, trail: Option<&Trail>, evidence_max: usize) -> Vec<String> {
    let mut lines = Vec::new();
    match &cell.verdict {
        Verdict::Broken { breaches } | Verdict::Known { breaches, .. } => {
            breaches.iter().for_each(|breach| lines.extend(breach_lines(breach, evidence_max)));
        }
        verdict => lines.extend(verdict.reasons()),
    }
    if !cell.faults.is_empty() {
        lines.push("faults:".to_owned());
        lines.extend(cell.faults.iter().map(|tally| format!("  {}", fault(tally))));
    }
    let steps = trail.map(steps).unwrap_or_default();
    if !steps.is_empty() {
        lines.push("steps:".to_owned());
        lines.extend(steps.iter().map(|step| format!("  {step}")));
    }
    lines
}

fn breach_lines(breach: &Breach, evidence_max: usize) -> Vec<String> {
    let at = match (breach.step, breach.line) {
        (Some(step), Some(line)) => format!(" (step {step}, line {line})"),
        (Some(step), None) => format!(" (step {step})"),
        _ => String::new(),
    };
    let mut lines = vec![format!("{}: {}{at}", breach.invariant, breach.message)];
    for (name, value) in [("expected", &breach.expected), ("found", &breach.found)] {
        lines.extend(value.iter().map(|value| format!("  {name:<8} {value}")));
    }
    lines.extend(breach.evidence.iter().take(evidence_max).map(|line| format!("  | {line}")));
    if breach.evidence.len() > evidence_max {
        lines.push(format!("  | and {} more lines, in the bundle", breach.evidence.len() - evidence_max));
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::event::{FaultFamily, FaultId, Firing};

    fn tally(reached: u64, fired: u64, places: usize) -> FaultTally {
        let fault = FaultId {
            step: 1,
            ordinal: 1,
            family: FaultFamily::Failpoint,
            site: "sidecar.delete".into(),
            action: "return".into(),
        };
        let at = |place: usize| Firing { at: format!("scope-{place}:sidecar.delete"), did: "return".into() };
        FaultTally { fault, reached, fired, firings: (0..places).map(at).collect::<BTreeSet<_>>() }
    }

    #[test]
    fn a_fault_says_what_became_of_it_and_where() {
        let id = "step 1: failpoint sidecar.delete → return";
        assert_eq!(fault(&tally(0, 0, 0)), format!("{id}: never reached"));
        assert_eq!(fault(&tally(1, 0, 0)), format!("{id}: reached 1 time, never fired"));
        assert_eq!(fault(&tally(2, 1, 1)), format!("{id}: fired 1 of 2 times, at scope-0:sidecar.delete"));
        assert!(fault(&tally(9, 9, 9)).ends_with("scope-2:sidecar.delete and 6 other places"));
    }
}
