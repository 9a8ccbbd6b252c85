//! Values: rows, what stands in them, statements, waivers.

use std::ops::Range;

use serde_json::{Map, Value};

use super::pass::take_out;
use crate::scenario::Scenario;
use crate::scenario::model::{Action, Load, Row};

fn loads(scenario: &mut Scenario) -> impl Iterator<Item = &mut Load> {
    scenario.steps.iter_mut().filter_map(|step| match &mut step.action {
        Action::Load(load) => Some(load),
        _ => None,
    })
}

pub fn rows(scenario: &Scenario) -> usize {
    loads(&mut scenario.clone()).map(|load| load.rows.len()).sum()
}

pub fn without_rows(scenario: &Scenario, taken: Range<usize>) -> Scenario {
    let mut scenario = scenario.clone();
    let mut place = 0;
    loads(&mut scenario).for_each(|load| take_out(&mut load.rows, &mut place, &taken));
    scenario
}

pub fn setup(scenario: &Scenario) -> usize {
    scenario.graph.setup.len()
}

pub fn without_setup(scenario: &Scenario, taken: Range<usize>) -> Scenario {
    let mut scenario = scenario.clone();
    take_out(&mut scenario.graph.setup, &mut 0, &taken);
    scenario
}

/// Each `generate` without its rows, with one of them, and with half of them.
pub fn fewer_generated(scenario: &Scenario) -> Vec<Scenario> {
    let counts: Vec<Option<u32>> =
        loads(&mut scenario.clone()).map(|load| load.generate.as_ref().map(|generate| generate.count)).collect();
    let mut simpler = Vec::new();
    for (at, count) in counts.into_iter().enumerate() {
        let Some(count) = count else { continue };
        for fewer in [0, 1, count / 2] {
            if fewer >= count || (fewer > 1 && count <= 2) {
                continue;
            }
            let mut candidate = scenario.clone();
            if let Some(load) = loads(&mut candidate).nth(at) {
                if fewer == 0 {
                    load.generate = None;
                } else if let Some(generate) = &mut load.generate {
                    generate.count = fewer;
                }
            }
            simpler.push(candidate);
        }
    }
    simpler
}

/// Every map of properties, in order: of the setup, of the loads, and what generated rows have in common.
fn properties(scenario: &mut Scenario) -> impl Iterator<Item = &mut Map<String, Value>> {
    let Scenario { graph, steps, .. } = scenario;
    let loaded = steps.iter_mut().filter_map(|step| match &mut step.action {
        Action::Load(load) => Some(load),
        _ => None,
    });
    let loaded = loaded.flat_map(|load| {
        let generated = load.generate.iter_mut().map(|generate| &mut generate.data);
        load.rows.iter_mut().map(data).chain(generated)
    });
    graph.setup.iter_mut().map(data).chain(loaded)
}

fn data(row: &mut Row) -> &mut Map<String, Value> {
    &mut row.data
}

pub fn cells(scenario: &Scenario) -> usize {
    properties(&mut scenario.clone()).map(|data| data.len()).sum()
}

pub fn without_cells(scenario: &Scenario, taken: Range<usize>) -> Scenario {
    let mut scenario = scenario.clone();
    let mut place = 0;
    for data in properties(&mut scenario) {
        data.retain(|_, _| {
            place += 1;
            !taken.contains(&(place - 1))
        });
    }
    scenario
}

fn mutations(scenario: &mut Scenario) -> impl Iterator<Item = &mut String> {
    scenario.steps.iter_mut().filter_map(|step| match &mut step.action {
        Action::Mutate(sql) => Some(sql),
        _ => None,
    })
}

/// Statements of mutations that have several.
pub fn statements(scenario: &Scenario) -> usize {
    mutations(&mut scenario.clone()).map(|sql| split(sql).len()).filter(|count| *count > 1).sum()
}

pub fn without_statements(scenario: &Scenario, taken: Range<usize>) -> Scenario {
    let mut scenario = scenario.clone();
    let mut place = 0;
    for sql in mutations(&mut scenario) {
        let mut parts = split(sql);
        if parts.len() > 1 {
            take_out(&mut parts, &mut place, &taken);
            // A mutation without a statement is refused; which one is left does not matter then.
            if !parts.is_empty() {
                *sql = parts.join("; ");
            }
        }
    }
    scenario
}

/// The statements of a text, by the semicolons that stand in no quotes.
fn split(sql: &str) -> Vec<String> {
    let (mut parts, mut part, mut quote) = (Vec::new(), String::new(), None);
    for character in sql.chars() {
        match (quote, character) {
            (None, ';') => parts.push(std::mem::take(&mut part)),
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
        if !(quote.is_none() && character == ';') {
            part.push(character);
        }
    }
    parts.push(part);
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

pub fn waivers(scenario: &Scenario) -> usize {
    scenario.waive.len()
}

pub fn without_waivers(scenario: &Scenario, taken: Range<usize>) -> Scenario {
    let mut scenario = scenario.clone();
    take_out(&mut scenario.waive, &mut 0, &taken);
    scenario
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_split_where_they_end_and_not_inside_a_text() {
        let sql = "INSERT INTO P (n) VALUES ('a;b'); UPDATE P SET n = 'o''x;' ;; DELETE FROM P";
        assert_eq!(split(sql), ["INSERT INTO P (n) VALUES ('a;b')", "UPDATE P SET n = 'o''x;'", "DELETE FROM P"]);
    }

    #[test]
    fn a_stretch_of_rows_goes_across_steps() {
        let text = "
summary: one
why: because
graph: {schema: 'node P { n: String @key }'}
steps:
  - load: {rows: [{type: P, data: {n: a}}, {type: P, data: {n: b}}]}
  - load: {rows: [{type: P, data: {n: c}}], generate: {type: P, count: 9, key-prefix: k, key: n, data: {}}}
  - check: {rows: {P: 12}}
";
        let scenario = crate::scenario::parse("a", "a", text.as_bytes()).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!((rows(&scenario), cells(&scenario)), (3, 3));
        let mut fewer = without_rows(&scenario, 1..3);
        let left: Vec<usize> = loads(&mut fewer).map(|load| load.rows.len()).collect();
        assert_eq!(left, [1, 0]);
        assert_eq!(fewer_generated(&scenario).len(), 3);
    }
}
