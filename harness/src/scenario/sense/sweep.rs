//! Sweeps: that the operation is one that can be killed and recovered, and that every case makes sense.

use super::super::cuts::{Again, Cut, case};
use super::super::model::{Action, Expect, OpenMode, Repair, Scenario};
use super::super::parse;
use super::{Seen, contradiction, key_span};
use crate::diagnostic::Diagnostic;

pub(super) fn judge(seen: &Seen<'_>, mistakes: &mut Vec<Diagnostic>) {
    let Some((scenario, sweep)) = seen.whole.and_then(|scenario| Some((scenario, scenario.sweep.as_ref()?))) else {
        return;
    };
    let key = key_span(seen.root, "sweep");
    let node = seen.root.nearest(&["sweep", "operation"]);
    let operation = &sweep.operation;
    let before = mistakes.len();
    if scenario.canary.is_some() {
        mistakes.push(contradiction(key, "a sweep cannot be a canary: each of its cases would have to fail alike"));
    }
    let writes = operation.action.runs_the_engine()
        && !matches!(
            operation.action,
            Action::Query(_) | Action::Open(OpenMode::ReadOnly) | Action::Repair(Repair::Preview)
        );
    if !writes {
        let action = operation.action.name();
        let mistake =
            contradiction(key_span(node, action), format!("'{action}' writes nothing, so nothing can be cut"));
        mistakes
            .push(mistake.suggest("sweep a load, a mutation, a repair, a creation, a refresh or a read-write open"));
    }
    for key in ["failpoints", "faults", "crash", "start", "hold"] {
        if let Some(entry) = node.entry(key) {
            let mistake = contradiction(entry.key_span, format!("the operation of a sweep has no '{key}' of its own"));
            mistakes.push(mistake.suggest("the sweep decides where it dies; arm other faults in the steps before"));
        }
    }
    if operation.expect != Expect::Ok {
        let mistake =
            contradiction(key_span(node, "expect"), "the operation of a sweep succeeds when nothing kills it");
        mistakes.push(mistake.suggest("leave it out"));
    }
    if sweep.recovery.is_empty() {
        let mistake = contradiction(key, "a sweep without a recovery has nothing to judge");
        mistakes.push(mistake.suggest("leave 'recovery' out for a read-write open"));
    }
    // What is wrong with a case is what is wrong with the file, but only the case says it.
    if mistakes.is_empty() && before == 0 {
        mistakes.extend(in_a_case(scenario).map(|message| contradiction(key, message)));
    }
}

/// The first mistake that only the cases of the sweep show.
fn in_a_case(scenario: &Scenario) -> Option<String> {
    let steps = scenario.sweep.as_ref().map_or(0, |sweep| sweep.recovery.len());
    let again = (0..steps).map(|step| Some(Again { step, write: 1 }));
    let cuts = [(Cut::Nowhere, None), (Cut::Write(1), None), (Cut::AfterAnswer, None)];
    let cuts = cuts.into_iter().chain(again.map(|again| (Cut::Write(1), again)));
    for (cut, again) in cuts {
        let case = case(scenario, cut, again)?;
        if let Err(report) = parse(&case.scenario.name, &case.scenario.path, case.scenario.to_yaml().as_bytes()) {
            let first = report.diagnostics.first().map_or_else(String::new, |mistake| mistake.message.clone());
            return Some(format!("its case '{}' makes no sense: {first}", case.scenario.name));
        }
    }
    None
}
