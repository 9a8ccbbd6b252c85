//! A scenario in sentences: what it will do, step by step and fault by fault, and what is judged afterwards.
//!
//! - this file: the scenario as a whole;
//! - [`step`]: what a step does, and how it has to end;
//! - [`fault`]: what breaks, where, and when;
//! - [`swarm`]: what a swarm draws, and from what.

mod fault;
mod step;
mod swarm;

use std::collections::BTreeMap;
use std::fmt::Write;

use super::model::{Action, BackendName, InvariantName, KnownBreach, NOT_YET_APPLICABLE, Scenario, Sweep};

/// What a scenario will do, for people. `lacking` are the backends that it names and that have not what it asks for, each
/// with the reason.
pub fn explain(scenario: &Scenario, lacking: &BTreeMap<BackendName, String>) -> String {
    let mut text = String::new();
    let name = if scenario.name.is_empty() { "(no name)" } else { &scenario.name };
    let _ = writeln!(text, "{name}\n  {}\n", scenario.summary);
    let why = scenario.why.split_whitespace().collect::<Vec<_>>().join(" ");
    wrapped(&mut text, "", &format!("Why: {why}"));
    wrapped(&mut text, "", &where_it_runs(scenario, lacking));
    for need in needs(scenario) {
        wrapped(&mut text, "", &need);
    }
    text.push('\n');
    wrapped(&mut text, "", &beginning(scenario));
    for (step, number) in scenario.steps.iter().zip(1..) {
        let line = step.line().map(|line| format!(" (line {line})")).unwrap_or_default();
        wrapped(&mut text, "", &format!("\n{number}{line}: {}", step::told(step)));
        let faults = fault::told(step);
        faults.iter().for_each(|fault| wrapped(&mut text, "    ", &format!("fault: {fault}")));
        if let Some(expected) = step::expected(step) {
            wrapped(&mut text, "    ", &format!("expected: {expected}"));
        }
        if let Some(note) = &step.note {
            wrapped(&mut text, "    ", &format!("note: {note}"));
        }
    }
    if let Some(sweep) = &scenario.sweep {
        wrapped(&mut text, "", &swept(sweep));
    }
    if let Some(swarm) = &scenario.swarm {
        wrapped(&mut text, "", &swarm::told(swarm));
    }
    text.push('\n');
    wrapped(&mut text, "", &ending(scenario));
    text
}

fn where_it_runs(scenario: &Scenario, lacking: &BTreeMap<BackendName, String>) -> String {
    let there: Vec<BackendName> =
        scenario.backends.iter().copied().filter(|backend| !lacking.contains_key(backend)).collect();
    let names: Vec<&str> = there.iter().map(|backend| backend.as_str()).collect();
    let mut told = format!("It runs on {}.", listed(&names));
    for (backend, reason) in lacking {
        let _ = write!(told, " Not on {} ({reason}).", backend.as_str());
    }
    let kills = scenario.steps.iter().any(fault::kills);
    if kills && there.contains(&BackendName::Memory) {
        told.push_str(
            " A process that dies gets SIGKILL; on memory, whose bytes would die with it, the store refuses every later call of it instead.",
        );
    }
    told
}

/// What it needs beyond a backend.
fn needs(scenario: &Scenario) -> Vec<String> {
    let mut needs = Vec::new();
    let processes: Vec<&str> = scenario.processes().into_iter().collect();
    if processes.len() > 1 {
        needs.push(format!("It needs {} processes: {}.", processes.len(), listed(&processes)));
    }
    if let Some(seed) = scenario.seed {
        needs.push(format!("Its random streams start at the seed {seed}."));
    } else if scenario.steps.iter().any(fault::is_up_to_chance) {
        needs.push("Chance decides about some of its faults; it is drawn from the run's seed.".to_owned());
    }
    if scenario.readers > 0 {
        let readers = counted(scenario.readers as usize, "reader");
        let part = scenario.swarm.as_ref().map(swarm::read).unwrap_or_default();
        needs.push(format!("Beside the steps{part} {readers} take one snapshot after another and read all of it."));
    }
    if let Some(canary) = &scenario.canary {
        let names: Vec<String> = canary.breaks.iter().map(|name| format!("'{}'", name.as_str())).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        needs.push(format!(
            "It must fail, by breaking {} and nothing else; if it breaks more, less or nothing, the run fails.",
            listed(&names)
        ));
    }
    if let Some(known) = &scenario.known {
        let (issue, until) = (&known.issue, &known.until);
        let breach = |breach: &KnownBreach| {
            let step = breach.step.map(|step| format!(" in step {step}")).unwrap_or_default();
            format!("'{}'{step} ({})", breach.invariant.as_str(), breach.message)
        };
        let breaches: Vec<String> = known.breaches.iter().map(breach).collect();
        let breaches: Vec<&str> = breaches.iter().map(String::as_str).collect();
        needs.push(format!(
            "Its failure is known: until {until} it may break {} and nothing else ({issue}).",
            listed(&breaches)
        ));
    }
    needs
}

fn beginning(scenario: &Scenario) -> String {
    let types = match omnigraph::schema::Catalog::parse(&scenario.graph.schema) {
        Ok(catalog) => {
            let names: Vec<String> = catalog.types().iter().map(|ty| ty.name.clone()).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            format!("{} ({})", counted(names.len(), "type"), listed(&names))
        }
        Err(_) => "types".to_owned(),
    };
    if scenario.creates_by_step() {
        return format!("There is no graph at first; a step creates one of {types}.");
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    scenario.graph.setup.iter().for_each(|row| *counts.entry(&row.type_name).or_default() += 1);
    let rows: Vec<String> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let loaded = if rows.is_empty() { "empty".to_owned() } else { format!("with one load of {}", listed(&rows)) };
    format!("Before the first step a graph of {types} is created, {loaded}, without any fault.")
}

/// What is derived from a sweep.
fn swept(sweep: &Sweep) -> String {
    let recovery: Vec<String> = sweep.recovery.iter().map(step::told).collect();
    let recovery = recovery.join("; then ");
    format!(
        "\nThen the sweep: {}. Its durable writes are counted, W of them, and it is killed when k of them are done, for every k in \
         0..=W, and just before and just after it is acknowledged. After each of these deaths: {recovery}. Each of these \
         recoveries is killed at every one of its own durable writes in its turn, and done again. Every death is a cell of its \
         own ('chaos sweep').",
        step::told(&sweep.operation)
    )
}

fn ending(scenario: &Scenario) -> String {
    let faults: usize = scenario.steps.iter().map(|step| fault::told(step).len()).sum();
    let mut told = String::from(
        "Afterwards every fault is lifted, what still runs is waited for, a fresh process opens the graph read-write, and \
         these are judged:\n",
    );
    let at_the_end = |name: &&InvariantName| !matches!(name, InvariantName::Expectation | InvariantName::Check);
    for name in InvariantName::ALL.iter().filter(at_the_end) {
        let waived = scenario.waiver(*name).map(|reason| {
            let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
            format!("  WAIVED: {reason}")
        });
        let _ = writeln!(told, "  - {}: {}{}", name.as_str(), name.meaning(), waived.unwrap_or_default());
    }
    told.push_str("Not judged, since what could break it is not there:\n");
    for (name, reason) in NOT_YET_APPLICABLE {
        let _ = writeln!(told, "  - {name}: {reason}");
    }
    if faults > 0 {
        let each =
            if faults == 1 { "The armed fault".to_owned() } else { format!("Each of the {faults} armed faults") };
        let _ = writeln!(told, "{each} has to fire, or the cell comes out as not exercised.");
    }
    if scenario.steps.iter().any(|step| matches!(step.action, Action::Damage(_) | Action::MoveHead(_))) {
        told.push_str("What was damaged by hand is taken into account: nobody has to repair it unasked.\n");
    }
    told.trim_end().to_owned()
}

/// `a, b and c`.
fn listed(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// `1 row`, `2 rows`.
fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Lines of a bearable length, each behind `indent`; lines after the first of a paragraph are indented once more.
fn wrapped(text: &mut String, indent: &str, paragraph: &str) {
    const WIDTH: usize = 110;
    for line in paragraph.lines() {
        let lead = &line[..line.len() - line.trim_start().len()];
        let mut current = format!("{indent}{lead}");
        let mut is_empty = true;
        for word in line.split_whitespace() {
            if !is_empty && current.chars().count() + 1 + word.chars().count() > WIDTH {
                text.push_str(current.trim_end());
                text.push('\n');
                current = format!("{indent}{lead}    ");
                is_empty = true;
            }
            if !is_empty {
                current.push(' ');
            }
            current.push_str(word);
            is_empty = false;
        }
        text.push_str(current.trim_end());
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse;

    fn snapshot(name: &str, text: &str) {
        let scenario = parse("area/name", "scenarios/area/name.yaml", text.as_bytes());
        let scenario = scenario.unwrap_or_else(|report| panic!("{report}"));
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.bind(|| insta::assert_snapshot!(name, explain(&scenario, &BTreeMap::new())));
    }

    #[test]
    fn a_scenario_is_told_step_by_step_and_fault_by_fault() {
        snapshot("a_good_file", include_str!("../tests/good.yaml"));
    }

    #[test]
    fn every_action_and_every_fault_has_its_sentence() {
        snapshot("every_action", include_str!("every-action.yaml"));
    }

    #[test]
    fn a_swarm_says_what_is_drawn_and_from_what() {
        snapshot("a_swarm", include_str!("../../../../scenarios/swarm/crashes.yaml"));
    }

    #[test]
    fn a_swarm_over_a_store_that_lies_says_that_nothing_is_certain() {
        let text = include_str!("../../../../scenarios/swarm/crashes.yaml").replace("latency: 0,", "torn: 0.01,");
        let scenario = parse("area/name", "scenarios/area/name.yaml", text.as_bytes()).expect("a swarm");
        let told = explain(&scenario, &BTreeMap::new());
        assert!(told.contains("nothing about an operation is certain"), "{told}");
        assert!(told.contains("1 %: a call to the store: a lie: cut off, and reported as whole"), "{told}");
    }

    #[test]
    fn a_canary_says_that_it_must_fail() {
        snapshot(
            "a_canary",
            include_str!("../../../../scenarios/canary/a-publish-that-the-store-lost-is-noticed.yaml"),
        );
    }

    #[test]
    fn a_backend_that_lacks_something_is_named_with_the_reason_and_not_among_those_it_runs_on() {
        let scenario = parse("area/name", "scenarios/area/name.yaml", include_bytes!("../tests/good.yaml"));
        let scenario = scenario.unwrap_or_else(|report| panic!("{report}"));
        let reason = "line 7: the step asks for a wire to the store, which local has not".to_owned();
        let told = explain(&scenario, &BTreeMap::from([(BackendName::Local, reason)]));
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            told.contains("It runs on memory, s3 and rustfs. Not on local (line 7: the step asks for a wire"),
            "{told}"
        );
    }
}
