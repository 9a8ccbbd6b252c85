//! The file that is left of a failure: it says what it is about, and needs nothing else.

use std::collections::BTreeSet;

use super::failure::Failure;
use super::search::{Shrunk, Why};
use crate::event::{Breach, CellId, Verdict};
use crate::scenario::Scenario;
use crate::scenario::model::{Action, InvariantName, Step};

/// Longest line of evidence that is quoted, in characters.
const QUOTED_CHARS_MAX: usize = 160;

/// Where a failure was found.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The cell.
    pub cell: CellId,
    /// Its seed.
    pub seed: u64,
}

/// The scenario as a file: with a summary and a reason of its own. `redact` takes secrets out of what is quoted.
pub fn file_of(shrunk: &Shrunk, origin: &Origin, redact: &dyn Fn(&str) -> String) -> String {
    let scenario = Scenario {
        summary: redact(&summary(shrunk)),
        why: redact(&why(shrunk, origin)),
        tags: BTreeSet::from(["regression".to_owned()]),
        ..shrunk.scenario.clone()
    };
    format!("# yaml-language-server: $schema=../scenario.schema.json\n{}", scenario.to_yaml())
}

/// The name of the file, without its extension: what must hold, and after what.
pub fn name_of(shrunk: &Shrunk) -> String {
    let what = match &shrunk.failure {
        Failure::Invariants(names) => leading(names).map_or("a-promise", InvariantName::as_str).to_owned(),
        Failure::Step { kind, .. } => format!("{kind}-ends-as-expected"),
    };
    match writer(&shrunk.scenario) {
        Some(step) => format!("{what}-after-a-{}", step.action.name()),
        None => what,
    }
}

/// The first of the invariants in the order in which reports show them.
fn leading(names: &BTreeSet<String>) -> Option<InvariantName> {
    InvariantName::ALL.iter().copied().find(|name| names.contains(name.as_str()))
}

/// The step that the failure is most likely about: the last write under a fault, or the last write.
fn writer(scenario: &Scenario) -> Option<&Step> {
    let writes = |step: &&Step| matches!(step.action, Action::Load(_) | Action::Mutate(_) | Action::Repair(_));
    let struck = |step: &&Step| !step.failpoints.is_empty() || !step.faults.is_empty() || step.hold.is_some();
    let steps = || scenario.steps.iter().rev();
    let under_a_fault = steps().find(|step| writes(step) && struck(step));
    under_a_fault.or_else(|| steps().find(|step| writes(step))).or_else(|| steps().find(struck))
}

fn summary(shrunk: &Shrunk) -> String {
    let what = match &shrunk.failure {
        Failure::Invariants(names) => {
            let meaning = leading(names).map_or("every promise is kept", InvariantName::meaning);
            decapitalised(meaning.trim_end_matches('.'))
        }
        Failure::Step { kind, .. } => format!("a step '{kind}' ends as expected"),
    };
    let mut faults: Vec<String> = Vec::new();
    for tally in shrunk.trial.faults.iter().filter(|tally| tally.is_exercised()) {
        let fault = format!("{} at {}", tally.fault.action, tally.fault.site);
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    match &faults[..] {
        [] => what,
        faults => format!("{what}, in spite of {}", faults.join(" and ")),
    }
}

fn why(shrunk: &Shrunk, origin: &Origin) -> String {
    let mut text = format!(
        "{} failed with the seed {} and was shrunk from {} to {}; no seed is needed any more.\n",
        origin.cell, origin.seed, shrunk.before, shrunk.after
    );
    if shrunk.scenario.seed.is_some() {
        text = text.replace("; no seed is needed any more", ", which still needs its seed");
    }
    match shrunk.why {
        Why::Smallest => {}
        Why::Candidates | Why::Time | Why::Interrupted => {
            text.push_str("The search was ended early: there may be a smaller one.\n");
        }
    }
    if shrunk.failed < shrunk.runs {
        text.push_str(&format!("It is a race: {} of {} runs failed.\n", shrunk.failed, shrunk.runs));
    }
    text.push_str("What was found then:\n");
    breaches(&shrunk.trial.verdict).iter().for_each(|breach| text.push_str(&told(breach)));
    text
}

fn breaches(verdict: &Verdict) -> Vec<Breach> {
    match verdict {
        Verdict::Broken { breaches } => breaches.clone(),
        other => other.reasons().into_iter().map(|reason| Breach::new("limit", reason)).collect(),
    }
}

fn told(breach: &Breach) -> String {
    let mut text = format!("- {}: {}\n", breach.invariant, cut(&breach.message));
    if let Some(line) = breach.evidence.first() {
        text.push_str(&format!("  {}\n", cut(line)));
    }
    text
}

fn cut(line: &str) -> String {
    let line = line.lines().next().unwrap_or_default().trim();
    match line.char_indices().nth(QUOTED_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

fn decapitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}
