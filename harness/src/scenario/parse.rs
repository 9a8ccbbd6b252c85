//! From bytes to a validated scenario, or to everything that is wrong with them.

use super::model::{Scenario, Step};
use super::sense::{self, Seen};
use super::shape::Shapes;
use super::tree::{self, Entry, Kind, Node};
use super::{cases, limit, walk};
use crate::diagnostic::{Code, Diagnostic, Report, Source};

/// Reads one scenario: a file without `for`. The rest is as in [`parse_cases`].
pub fn parse(name: &str, path: &str, bytes: &[u8]) -> Result<Scenario, Report> {
    let mut cases = parse_cases(name, path, bytes)?;
    match (cases.pop(), cases.is_empty()) {
        (Some(scenario), true) if scenario.name == name => Ok(scenario),
        _ => {
            let source = Source::new(path, String::from_utf8_lossy(bytes));
            let mistake = Diagnostic::new(Code::Contradiction, source.point(0), "one scenario belongs here, not cases");
            Err(Report::new(source, vec![mistake]))
        }
    }
}

/// Reads every scenario of a file: one, or its cases. `name` is its path below `scenarios/` without the extension, `path` is what people know the file by.
///
/// Never panics and never takes more than memory in proportion to [`limit::FILE_BYTES_MAX`], whatever the bytes.
pub fn parse_cases(name: &str, path: &str, bytes: &[u8]) -> Result<Vec<Scenario>, Report> {
    let refused = |text: &str, code, at: usize, message: String| {
        let source = Source::new(path, text);
        let span = source.point(at);
        Report::new(source, vec![Diagnostic::new(code, span, message)])
    };
    if bytes.len() > limit::FILE_BYTES_MAX {
        let message = format!("the file has {} bytes; at most {} are allowed", bytes.len(), limit::FILE_BYTES_MAX);
        return Err(refused("", Code::Limit, 0, message));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let sound = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        refused(&sound, Code::Syntax, error.valid_up_to(), "the file is not UTF-8 from here on".to_owned())
    })?;
    let source = Source::new(path, text);
    let (root, mut mistakes) = tree::read(&source);
    let cases = root.map_or_else(Vec::new, |root| cases::expand(root, &mut mistakes));
    let mut scenarios = Vec::with_capacity(cases.len());
    for case in cases {
        let mut found = Vec::new();
        if let Some(mut scenario) = build(&source, &case.root, &mut found) {
            scenario.name =
                std::iter::once(name).chain(case.choices.iter().map(String::as_str)).collect::<Vec<_>>().join("/");
            scenario.path = path.to_owned();
            scenarios.push(scenario);
        }
        // What is wrong in one case tends to be wrong in all of them.
        found.retain(|mistake| !mistakes.contains(mistake));
        mistakes.append(&mut found);
        if mistakes.len() >= limit::DIAGNOSTICS_MAX {
            break;
        }
    }
    match mistakes.is_empty() && !scenarios.is_empty() {
        true => Ok(scenarios),
        false => {
            if mistakes.is_empty() {
                let message = "the file holds no scenario";
                mistakes.push(
                    Diagnostic::new(Code::MissingKey, source.point(0), message)
                        .suggest("it begins with summary, why, graph and steps"),
                );
            }
            mistakes.truncate(limit::DIAGNOSTICS_MAX);
            Err(Report::new(source, mistakes))
        }
    }
}

fn build(source: &Source, root: &Node, mistakes: &mut Vec<Diagnostic>) -> Option<Scenario> {
    if matches!(root.kind, Kind::Null) {
        return None;
    }
    let shapes = Shapes::of_a_scenario();
    let sound = walk::walk(source, root, shapes.root(), mistakes);
    let step_nodes = root.get("steps").map_or(&[][..], Node::items);
    if step_nodes.len() > limit::STEPS_MAX {
        let message = format!("{} steps; at most {} are allowed", step_nodes.len(), limit::STEPS_MAX);
        mistakes.push(Diagnostic::new(Code::Limit, step_nodes[limit::STEPS_MAX].span, message));
        return None;
    }
    // The operation of a sweep follows the steps: what they arm is armed for it.
    let swept = root.get("sweep").and_then(|sweep| sweep.get("operation"));
    let nodes: Vec<Node> = step_nodes.iter().chain(swept).cloned().collect();
    let steps: Vec<Option<Step>> = nodes.iter().map(|node| step(source, node)).collect();
    let whole = if sound { whole(root, mistakes) } else { None };
    sense::judge(&Seen::new(root, &nodes, &steps, whole.as_ref()), mistakes);
    let mut scenario = whole?;
    for (step, node) in scenario.steps.iter_mut().zip(step_nodes) {
        step.span = Some(node.span);
    }
    if let Some(sweep) = &mut scenario.sweep {
        let node = root.nearest(&["sweep"]);
        sweep.operation.span = Some(node.nearest(&["operation"]).span);
        for (step, node) in sweep.recovery.iter_mut().zip(node.get("recovery").map_or(&[][..], Node::items)) {
            step.span = Some(node.span);
        }
    }
    Some(scenario)
}

/// A step by itself, so that a mistake in one does not hide what is wrong between the others.
fn step(source: &Source, node: &Node) -> Option<Step> {
    let place = Shapes::of_a_scenario().step();
    let sound = walk::walk(source, node, place, &mut Vec::new());
    if sound { serde_json::from_value(node.to_json()).ok() } else { None }
}

fn whole(root: &Node, mistakes: &mut Vec<Diagnostic>) -> Option<Scenario> {
    match serde_json::from_value(root.to_json()) {
        Ok(scenario) => Some(scenario),
        Err(error) => {
            // The schema is made from the types; where they disagree all the same, the file is refused with what is known.
            let first = match &root.kind {
                Kind::Map(entries) => entries.first().map_or(root.span, |Entry { key_span, .. }| *key_span),
                _ => root.span,
            };
            mistakes.push(Diagnostic::new(Code::WrongType, first, format!("the scenario cannot be read: {error}")));
            None
        }
    }
}
