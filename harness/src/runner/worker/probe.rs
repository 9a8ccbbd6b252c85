//! One write through every handle that is still open, once every fault is lifted: a handle has to converge by itself.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use chrono::{Days, NaiveDate};
use futures::FutureExt;
use omnigraph::Graph;
use serde_json::{Map, Value, json};

use super::host::Host;
use super::process::Process;
use super::step;
use crate::event::Outcome;
use crate::oracle::evidence::WriteProbe;
use crate::oracle::facts::{PropertyFacts, SchemaFacts, TypeFacts, TypeKind};
use crate::runner::protocol::Report;
use crate::scenario::model::{Load, LoadMode, OpenMode, Row};
use crate::workload::{self, Done};

/// Writes through every read-write handle of a process.
pub async fn probe(host: &Arc<Host>, process: &str) -> Report {
    let mut report = Report::of(Outcome::done());
    let Some(process) = host.living(process) else { return report };
    process.lift_all();
    let schema = match super::facts::facts_of(&host.begin.schema) {
        Ok(schema) => schema,
        Err(reason) => return Report::of(Outcome::Trouble { reason }),
    };
    for (name, handle) in process.handles() {
        if handle.mode == OpenMode::ReadOnly {
            continue;
        }
        let Some(row) = probe_row(&schema, &format!("probe {} {name}", process.name)) else { continue };
        report.probes.push(write(host, &process, &name, &handle.graph, &row).await);
    }
    report
}

async fn write(host: &Arc<Host>, process: &Arc<Process>, name: &str, graph: &Graph, row: &ProbeRow) -> WriteProbe {
    let attempts_max = host.begin.limits.probe_attempts_max;
    let mut probe = WriteProbe {
        handle: name.to_owned(),
        process: process.name.clone(),
        failures: Vec::new(),
        attempts_max,
        acknowledged: false,
        visible: None,
    };
    let load = Load { mode: LoadMode::Append, rows: vec![row.row.clone()], generate: None };
    let probe_call = workload::Called { actor: Some("probe"), operation: None };
    for _ in 0..attempts_max {
        let done: Done = step::until_death(host, process, workload::load::load(graph, &load, probe_call)).await;
        match done.outcome {
            Outcome::Acknowledged { .. } => {
                probe.acknowledged = true;
                break;
            }
            other => probe.failures.push(other.to_string()),
        }
    }
    if probe.acknowledged {
        let found = AssertUnwindSafe(graph.query(&row.lookup)).catch_unwind().await;
        let panicked = |panic: Box<dyn Any + Send>| format!("it panicked: {}", step::message_of(panic.as_ref()));
        let found = found.map_err(panicked).and_then(|found| found.map_err(|error| format!("{error:?}")));
        probe.visible = match found {
            Ok(batches) => Some(batches.iter().map(|batch| batch.num_rows()).sum::<usize>() == 1),
            Err(failure) => {
                probe.failures.push(failure);
                Some(false)
            }
        };
    }
    probe
}

/// A row that fits a node type of the schema, and the query that finds it alone.
struct ProbeRow {
    row: Row,
    lookup: String,
}

/// A row of the node type that asks for the least.
fn probe_row(schema: &SchemaFacts, key_text: &str) -> Option<ProbeRow> {
    let nodes = schema.types.iter().filter_map(|(name, facts)| match &facts.kind {
        TypeKind::Node { key } => Some((name, key, facts)),
        TypeKind::Edge { .. } => None,
    });
    let (type_name, key, facts) = nodes.min_by_key(|(_, _, facts)| required(facts).count())?;
    let mut data = Map::new();
    for (name, property) in required(facts) {
        data.insert(name.clone(), value_of(property, key_text)?);
    }
    let literal = match data.get(key)? {
        Value::String(text) => format!("'{}'", text.replace('\'', "''")),
        other => other.to_string(),
    };
    let lookup = format!("SELECT {key} FROM {type_name} WHERE {key} = {literal}");
    Some(ProbeRow { row: Row { type_name: type_name.clone(), from: None, to: None, data }, lookup })
}

fn required(facts: &TypeFacts) -> impl Iterator<Item = (&String, &PropertyFacts)> {
    facts.properties.iter().filter(|(_, property)| !property.optional)
}

/// Some value of a property; one that no other row has where values are unique.
fn value_of(property: &PropertyFacts, key_text: &str) -> Option<Value> {
    // Small enough for every integer type but those of 8 bits, and told apart by the name.
    let number = 100 + key_text.bytes().fold(0u64, |sum, byte| (sum * 31 + u64::from(byte)) % 32_000);
    let value = match property.value.as_str() {
        "String" => json!(key_text),
        "I8" | "U8" => json!(number % 127),
        "I16" | "I32" | "I64" | "U16" | "U32" | "U64" => json!(number),
        "F32" | "F64" => json!(number as f64 + 0.5),
        "Bool" => json!(true),
        "Date" => json!(day_of(number)?.to_string()),
        "DateTime" => json!(format!("{}T04:05:06Z", day_of(number)?)),
        other => {
            if let Some(words) = other.strip_prefix("enum(").and_then(|rest| rest.strip_suffix(')')) {
                json!(words.split(',').next()?.trim().trim_matches('"'))
            } else if other.starts_with('[') {
                json!([])
            } else if let Some(length) = other.strip_prefix("Vector(").and_then(|rest| rest.strip_suffix(')')) {
                json!(vec![0.0; length.trim().parse::<usize>().ok()?])
            } else {
                return None;
            }
        }
    };
    Some(value)
}

/// A day that no row of a scenario is likely to have.
fn day_of(number: u64) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(2100, 1, 1)?.checked_add_days(Days::new(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_row_fits_the_type_that_asks_for_the_least() {
        let schema = super::super::facts::facts_of(
            "node Busy { name: String @key  born: Date  tags: [String]  level: enum(low, high) }\n\
             node Plain { id: I32 @key  note: String? }\n\
             edge Knows: Busy -> Plain",
        )
        .expect("valid");
        let row = probe_row(&schema, "probe main main").expect("there is a node type");
        assert_eq!(row.row.type_name, "Plain");
        assert!(row.row.data["id"].is_number());
        assert_eq!(row.row.data.len(), 1);
        let busy = schema.types["Busy"].properties.iter().map(|(name, facts)| (name, value_of(facts, "a")));
        let busy: std::collections::BTreeMap<_, _> = busy.collect();
        assert_eq!(busy[&"level".to_owned()], Some(json!("low")));
        assert_eq!(busy[&"tags".to_owned()], Some(json!([])));
    }
}
