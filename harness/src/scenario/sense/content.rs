//! The scenario as a whole: that it says something, checks something, and stays within its limits.

use std::collections::BTreeSet;

use super::super::limit;
use super::super::model::{Action, DEFAULT_PROCESS, Expect, Kind as ScenarioKind, Load, Scenario, Step};
use super::super::tree::{Kind, Node};
use super::{Seen, contradiction, first_key, key_span};
use crate::diagnostic::{Code, Diagnostic};

pub(super) fn judge(seen: &Seen<'_>, mistakes: &mut Vec<Diagnostic>) {
    texts(seen, mistakes);
    rows(seen, mistakes);
    names(seen, mistakes);
    takers(seen, mistakes);
    for (node, step) in seen.sound() {
        belongings(node, step, mistakes);
    }
    if let Some(scenario) = seen.whole {
        invariants(seen, scenario, mistakes);
        readers(seen, scenario, mistakes);
        something_is_checked(seen, scenario, mistakes);
    }
}

fn texts(seen: &Seen<'_>, mistakes: &mut Vec<Diagnostic>) {
    for key in ["summary", "why"] {
        let Some(value) = seen.root.get(key) else { continue };
        if matches!(&value.kind, Kind::Text(text) if text.trim().is_empty()) {
            let mistake = Diagnostic::new(Code::BadFormat, key_span(seen.root, key), format!("'{key}' says nothing"));
            mistakes.push(mistake.suggest("whoever opens the file has to understand it without opening anything else"));
        }
    }
    if let Some(value) =
        seen.root.get("backends").filter(|value| matches!(value.kind, Kind::List(_)) && value.items().is_empty())
    {
        let mistake = contradiction(value.span, "a scenario without a backend never runs");
        mistakes.push(mistake.suggest("leave the key out to run everywhere"));
    }
}

fn readers(seen: &Seen<'_>, scenario: &Scenario, mistakes: &mut Vec<Diagnostic>) {
    if scenario.readers > 0 && scenario.creates_by_step() {
        let mistake = contradiction(key_span(seen.root, "readers"), "readers find no graph before a step creates it");
        mistakes.push(mistake.suggest("leave them out, and read with steps 'check' and 'query'"));
    }
    let mut contained = seen.sound().filter(|(_, step)| matches!(step.action, Action::Container(_)));
    if let (true, Some((node, _))) = (scenario.readers > 0, contained.next()) {
        let message = "readers look on beside the steps, and a container that is stopped answers none of them";
        mistakes.push(contradiction(key_span(node, "container"), message).suggest("leave out 'readers'"));
    }
}

fn rows(seen: &Seen<'_>, mistakes: &mut Vec<Diagnostic>) {
    let setup = seen.root.get("graph").and_then(|graph| graph.get("setup"));
    let setup = setup.map(|node| (node, node.items().len()));
    let loads = seen.sound().filter_map(|(node, step)| match &step.action {
        Action::Load(load) => {
            let generated = load.generate.as_ref().map_or(0, |generate| generate.count as usize);
            Some((node.nearest(&["load"]), load.rows.len() + generated))
        }
        _ => None,
    });
    let (mut in_all, mut is_told) = (0, false);
    for (node, count) in setup.into_iter().chain(loads) {
        in_all += count;
        if in_all > limit::ROWS_IN_ALL_MAX && !is_told {
            is_told = true;
            let message = format!("more than {} rows from here on; no scenario may have more", limit::ROWS_IN_ALL_MAX);
            mistakes.push(Diagnostic::new(Code::Limit, first_key(node), message));
        }
        if count > limit::ROWS_MAX {
            let message = format!("{count} rows; at most {} are allowed", limit::ROWS_MAX);
            mistakes.push(Diagnostic::new(Code::Limit, first_key(node), message));
        }
    }
    generated_bytes(seen, mistakes);
    for (node, step) in seen.sound() {
        // An empty list that is written out is meant; a load that says nothing is not.
        let says_rows =
            node.get("load").is_some_and(|load| load.get("rows").is_some() || load.get("generate").is_some());
        if matches!(step.action, Action::Load(_)) && !says_rows {
            let mistake =
                contradiction(key_span(node, "load"), "a load without 'rows' and without 'generate' loads nothing");
            mistakes.push(mistake.suggest("write 'rows: []' to load an empty input"));
        }
    }
}

/// A few lines of a file can ask for gigabytes.
fn generated_bytes(seen: &Seen<'_>, mistakes: &mut Vec<Diagnostic>) {
    let mut bytes = 0_usize;
    for (node, step) in seen.sound() {
        let Action::Load(Load { generate: Some(generate), .. }) = &step.action else { continue };
        bytes = bytes.saturating_add(generate.bytes());
        if bytes > limit::GENERATED_BYTES_MAX {
            let message = format!(
                "the generated rows hold {bytes} bytes up to here; at most {} are allowed",
                limit::GENERATED_BYTES_MAX
            );
            let place = first_key(node.nearest(&["load", "generate"]));
            mistakes.push(Diagnostic::new(Code::Limit, place, message).suggest("generate fewer rows, or smaller ones"));
            return;
        }
    }
}

fn names(seen: &Seen<'_>, mistakes: &mut Vec<Diagnostic>) {
    for (node, step) in seen.sound() {
        let mut named: Vec<&Node> = ["handle", "process", "start"].iter().filter_map(|key| node.get(key)).collect();
        match &step.action {
            Action::Arm(_) => named.push(node.nearest(&["arm", "as"])),
            Action::Damage(damage) if damage.name().is_some() => named.push(node.nearest(&["damage", "as"])),
            _ => {}
        }
        for value in named {
            let Kind::Text(text) = &value.kind else { continue };
            let sound =
                |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
            if text.is_empty() || text.len() > limit::NAME_CHARS_MAX || !text.chars().all(sound) {
                let message = format!("'{}' is no name", text.escape_default());
                let suggestion =
                    format!("a name has small letters, digits and hyphens, at most {}", limit::NAME_CHARS_MAX);
                mistakes.push(Diagnostic::new(Code::BadFormat, value.span, message).suggest(suggestion));
            } else if text == "all" {
                mistakes
                    .push(contradiction(value.span, "'all' means everything in a step 'lift' and cannot be a name"));
            }
        }
    }
}

/// Processes and handles take memory and threads, whatever they do.
fn takers(seen: &Seen<'_>, mistakes: &mut Vec<Diagnostic>) {
    let mut processes = BTreeSet::from([DEFAULT_PROCESS]);
    let mut handles = BTreeSet::new();
    let mut too_many = |node: &Node, key: &str, count: usize, max: usize, what: &str| {
        // Told once, at the first that is too many.
        if count == max + 1 {
            let message = format!("this is one {what} more than the {max} that a scenario may have");
            mistakes.push(Diagnostic::new(Code::Limit, node.nearest(&[key]).span, message));
        }
    };
    let recovery =
        seen.whole.and_then(|scenario| scenario.sweep.as_ref()).map_or(&[][..], |sweep| sweep.recovery.as_slice());
    let recovery = seen.root.nearest(&["sweep", "recovery"]).items().iter().zip(recovery);
    for (node, step) in seen.sound().chain(recovery) {
        if processes.insert(step.process()) {
            too_many(node, "process", processes.len(), limit::PROCESSES_MAX, "process");
        }
        if step.action.runs_the_engine() && handles.insert((step.process(), step.handle())) {
            let key = if step.handle.is_some() { "handle" } else { "process" };
            too_many(node, key, handles.len(), limit::HANDLES_MAX, "handle");
        }
    }
}

/// Keys of a step that mean something for other actions only.
fn belongings(node: &Node, step: &Step, mistakes: &mut Vec<Diagnostic>) {
    let action = step.action.name();
    let engine = step.action.runs_the_engine();
    let named = matches!(step.action, Action::Load(_) | Action::Mutate(_));
    let writes = named || matches!(step.action, Action::Repair(_));
    let handle = engine || matches!(step.action, Action::Close(_));
    let process = handle
        || matches!(
            step.action,
            Action::Restart(_)
                | Action::Kill(_)
                | Action::Pause(_)
                | Action::Continue(_)
                | Action::Arm(_)
                | Action::Lift(_)
        );
    let rules = [
        ("actor", writes),
        ("operation", named),
        ("handle", handle),
        ("process", process),
        ("failpoints", engine),
        ("faults", engine),
        ("crash", engine),
        ("wire", engine),
        ("start", engine),
        ("hold", engine),
    ];
    for (key, allowed) in rules {
        if !allowed && let Some(entry) = node.entry(key) {
            let faults = matches!(key, "failpoints" | "faults" | "crash" | "wire");
            let (code, message) = if faults {
                (Code::Unreachable, format!("'{action}' does not call the engine, so no fault can strike in it"))
            } else {
                (Code::Contradiction, format!("'{key}' means nothing for '{action}'"))
            };
            mistakes.push(Diagnostic::new(code, entry.key_span, message));
        }
    }
    if !engine && step.expect != Expect::Ok && !matches!(step.action, Action::Close(_)) {
        let suggestion = match step.action {
            Action::Join(_) => "say it at the step that starts it",
            _ => "leave it out",
        };
        mistakes.push(
            contradiction(key_span(node, "expect"), format!("'{action}' cannot be expected to fail"))
                .suggest(suggestion),
        );
    }
    if matches!(&step.expect, Expect::OneOf(list) if list.len() < 2) {
        mistakes.push(contradiction(node.nearest(&["expect"]).span, "'one-of' needs two ways to end at least"));
    }
}

fn invariants(seen: &Seen<'_>, scenario: &Scenario, mistakes: &mut Vec<Diagnostic>) {
    let mut waived = BTreeSet::new();
    let nodes = seen.root.get("waive").map_or(&[][..], Node::items);
    for (waiver, node) in scenario.waive.iter().zip(nodes) {
        let span = node.nearest(&["invariant"]).span;
        let name = waiver.invariant.as_str();
        if !waived.insert(waiver.invariant) {
            mistakes.push(contradiction(span, format!("'{name}' is waived twice")));
        }
        if !waiver.invariant.can_be_waived() {
            let mistake =
                contradiction(span, format!("'{name}' cannot be waived: without it the scenario proves nothing"));
            mistakes.push(mistake.suggest("correct the step or the fault"));
        }
        if waiver.reason.trim().is_empty() {
            let span = node.nearest(&["reason"]).span;
            mistakes.push(Diagnostic::new(Code::BadFormat, span, format!("the waiver of '{name}' has no reason")));
        }
    }
    if scenario.known.as_ref().is_some_and(|known| known.breaches.is_empty()) {
        let mistake =
            contradiction(seen.root.nearest(&["known", "breaches"]).span, "a failure that breaks nothing is none");
        mistakes.push(mistake.suggest("name every breach, word for word"));
    }
    if let Some(canary) = &scenario.canary {
        let span = seen.root.nearest(&["canary", "breaks"]).span;
        if canary.breaks.is_empty() {
            let mistake = contradiction(span, "a canary that breaks nothing proves nothing");
            mistakes.push(mistake.suggest("name everything that it must break"));
        }
        for name in canary.breaks.intersection(&waived) {
            mistakes.push(contradiction(span, format!("'{}' must break, and it is waived", name.as_str())));
        }
        if scenario.known.is_some() {
            mistakes.push(contradiction(key_span(seen.root, "known"), "a canary must fail; no issue has to excuse it"));
        }
    }
}

fn something_is_checked(seen: &Seen<'_>, scenario: &Scenario, mistakes: &mut Vec<Diagnostic>) {
    let checks = scenario.steps.iter().any(|step| match &step.action {
        Action::Check(check) => *check != Default::default(),
        Action::Query(query) => query.rows.is_some(),
        _ => step.expect != Expect::Ok,
    });
    // Every case of a sweep ends with a check, and every step of a universe is judged.
    if !checks && scenario.canary.is_none() && scenario.kind() == ScenarioKind::Case {
        let mistake =
            Diagnostic::new(Code::NothingToCheck, key_span(seen.root, "steps"), "no step checks anything of its own");
        mistakes.push(mistake.suggest("end with a step 'check' that says what this scenario is about"));
    }
}
