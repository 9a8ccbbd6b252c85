//! The swarm of values of every type, against the reference model and without an engine.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::oracle::evidence::{LoadMode as Mode, OperationCall};
use crate::oracle::facts::SchemaFacts;
use crate::oracle::model::write::apply;
use crate::oracle::model::{Refusal, State};
use crate::runner::worker::facts::facts_of;
use crate::scenario::model::LoadMode;

fn every_type() -> Scenario {
    let text = include_str!("../../../../scenarios/swarm/every-type.yaml");
    parse("swarm/every-type", "scenarios/swarm/every-type.yaml", text.as_bytes())
        .unwrap_or_else(|report| panic!("{report}"))
}

/// The file with nothing that breaks and nobody beside, and with keys that change.
fn calm() -> Scenario {
    let mut file = every_type();
    if let Some(swarm) = &mut file.swarm {
        swarm.weather = clear();
        swarm.concurrency = alone();
        swarm.drift = 0.0;
        swarm.weights.rename = 4;
    }
    file
}

fn schema(file: &Scenario) -> SchemaFacts {
    facts_of(&file.graph.schema).expect("the schema of the file")
}

fn call(action: &Action) -> Option<OperationCall> {
    match action {
        Action::Load(load) => {
            let mode = match load.mode {
                LoadMode::Append => Mode::Append,
                LoadMode::Merge => Mode::Merge,
                LoadMode::Overwrite => Mode::Overwrite,
            };
            Some(OperationCall::Load { mode, rows: load.lines().collect() })
        }
        Action::Mutate(sql) => Some(OperationCall::Mutate { sql: sql.clone() }),
        _ => None,
    }
}

/// The rows of the file's set-up.
fn start(file: &Scenario, schema: &SchemaFacts) -> State {
    let rows = file.graph.setup.iter().map(|row| row.to_line()).collect();
    apply(schema, &State::default(), &OperationCall::Load { mode: Mode::Append, rows }).expect("the set-up")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn a_universe_of_values_is_a_valid_scenario_that_reads_back(root: u64, number in 0u64..1_000) {
        let universe = Universes::new(&every_type(), Seed(root), None).expect("a swarm").universe(number);
        let written = universe.to_yaml();
        let mut read = match parse(&universe.name, &universe.path, written.as_bytes()) {
            Ok(read) => read,
            Err(report) => return Err(TestCaseError::fail(format!("{report}\n{written}"))),
        };
        read.steps.iter_mut().for_each(|step| step.span = None);
        prop_assert_eq!(read, universe);
    }

    #[test]
    fn the_model_knows_what_the_swarm_expects(root: u64, number in 0u64..1_000) {
        let file = calm();
        let schema = schema(&file);
        let mut state = start(&file, &schema);
        for step in Universes::new(&file, Seed(root), None).expect("a swarm").universe(number).steps {
            let Some(call) = call(&step.action) else { continue };
            match (apply(&schema, &state, &call), &step.expect) {
                (Err(Refusal::NotModelled(why)), _) => prop_assert!(false, "not modelled: {why}: {call:?}"),
                (Ok(_), Expect::Refused) => prop_assert!(false, "nothing forbids it: {call:?}"),
                (Err(Refusal::Forbidden(why)), Expect::Ok) => prop_assert!(false, "forbidden: {why}: {call:?}"),
                (Ok(after), _) => state = after,
                (Err(Refusal::Forbidden(_)), _) => {}
            }
        }
    }
}

#[test]
fn every_kind_of_value_and_statement_is_drawn() {
    let file = calm();
    let schema = schema(&file);
    let universes = Universes::new(&file, Seed(1), None).expect("a swarm");
    let (mut done, mut refused, mut either) = (0, 0, (0, 0));
    let mut text = String::new();
    let mut columns = BTreeSet::new();
    for number in 0..60 {
        let mut state = start(&file, &schema);
        for step in universes.universe(number).steps {
            let Some(call) = call(&step.action) else { continue };
            text.push_str(&serde_json::to_string(&call).expect("a call"));
            let after = apply(&schema, &state, &call);
            match (&step.expect, &after) {
                (Expect::Ok, _) => done += 1,
                (Expect::Refused, _) => refused += 1,
                (_, Ok(_)) => either.0 += 1,
                (_, Err(_)) => either.1 += 1,
            }
            state = after.unwrap_or(state);
        }
        let rows = schema.types.keys().flat_map(|name| state.rows(name).map(move |(_, row)| (name, row)));
        columns.extend(rows.flat_map(|(name, row)| row.keys().map(move |column| format!("{name}.{column}"))));
    }
    let all = schema.types.iter().flat_map(|(name, facts)| facts.properties.keys().map(move |p| format!("{name}.{p}")));
    let missing: Vec<String> = all.filter(|column| !columns.contains(column)).collect();
    assert!(missing.is_empty(), "no row ever had {missing:?}");
    for said in [
        "18446744073709551615",
        "-9223372036854775808",
        "9007199254740993",
        "5e-324",
        "0001-01-01",
        "9999-12-31T23:59:59.999999Z",
        "-0.0",
        "🦀",
        "COALESCE(",
        "CASE WHEN",
        " || ",
        " * 2",
        "ORDER BY",
        "OFFSET 2",
        "IS NOT NULL",
        "NOT IN",
        " OR ",
        "[null]",
        "[]",
    ] {
        assert!(text.contains(said), "{said}");
    }
    assert!(done > 300 && refused > 50 && either.0 > 100 && either.1 > 30, "{done} {refused} {either:?}");
}
