//! Typed rows by identity.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::oracle::facts::{SchemaFacts, TypeFacts, TypeKind};
use crate::oracle::rows::{self, Row};

/// What identifies a row within its type: the identity columns' values as JSON text, in the columns' order.
pub type Identity = Vec<String>;

/// Every type's rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    types: BTreeMap<String, BTreeMap<Identity, Row>>,
}

impl State {
    /// The rows of one type; empty for a type that never had any.
    pub fn rows(&self, type_name: &str) -> impl Iterator<Item = (&Identity, &Row)> {
        self.types.get(type_name).into_iter().flatten()
    }

    /// One row.
    pub fn get(&self, type_name: &str, identity: &Identity) -> Option<&Row> {
        self.types.get(type_name)?.get(identity)
    }

    /// Adds or replaces a row.
    pub fn put(&mut self, type_name: &str, identity: Identity, row: Row) {
        self.types.entry(type_name.to_owned()).or_default().insert(identity, row);
    }

    /// Removes every row of one type.
    pub fn clear(&mut self, type_name: &str) {
        self.types.remove(type_name);
    }

    /// Where these rows differ from the state, a line each; types that are not in `seen` are not compared. Rows of a
    /// type that the schema does not know count as surplus.
    pub fn differences(&self, schema: &SchemaFacts, seen: &BTreeMap<String, Vec<Row>>) -> Vec<String> {
        seen.iter().flat_map(|(type_name, rows)| self.differences_in(schema, type_name, rows)).collect()
    }

    fn differences_in(&self, schema: &SchemaFacts, type_name: &str, seen: &[Row]) -> Vec<String> {
        let wanted: Vec<String> = self.rows(type_name).map(|(_, row)| rows::line(row)).collect();
        let found: Vec<String> = match schema.types.get(type_name) {
            Some(facts) => seen.iter().map(|row| rows::line(&canonical(facts, row.clone()))).collect(),
            None => rows::sorted_lines(seen),
        };
        let (mut wanted, mut found) = (counted(wanted), counted(found));
        let mut lines = Vec::new();
        for (line, count) in &mut wanted {
            let there = found.remove(line).unwrap_or(0);
            if there < *count {
                lines.push(format!("{type_name}: missing {line}"));
            } else if there > *count {
                lines.push(format!("{type_name}: {there} times instead of {count}: {line}"));
            }
        }
        lines.extend(found.into_iter().map(|(line, count)| format!("{type_name}: surplus ({count}) {line}")));
        lines
    }
}

fn counted(lines: Vec<String>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for line in lines {
        *counts.entry(line).or_default() += 1;
    }
    counts
}

/// The row in the form in which rows of this type are compared: as [`rows::canonical`], and times in every spelling that
/// a column of times takes.
pub fn canonical(facts: &TypeFacts, row: Row) -> Row {
    let typed = row.into_iter().map(|(column, value)| {
        let declared = facts.properties.get(&column).map(|property| property.value.as_str());
        let value = match (declared, value) {
            (Some("DateTime"), Value::String(text)) => Value::String(time(&text).unwrap_or(text)),
            (Some("F32"), Value::Number(number)) => {
                number.as_f64().map_or(Value::Number(number), |wide| Value::from(f64::from(wide as f32)))
            }
            (_, value) => value,
        };
        (column, value)
    });
    rows::canonical(typed.collect())
}

/// A time without a zone is one in UTC.
fn time(text: &str) -> Option<String> {
    if chrono::DateTime::parse_from_rfc3339(text).is_ok() {
        return None;
    }
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|format| chrono::NaiveDateTime::parse_from_str(text, format).ok())
        .map(|naive| naive.and_utc().to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
}

/// The identity of a canonical row; `None` when an identity column is missing.
pub fn identity(facts: &TypeFacts, row: &Row) -> Option<Identity> {
    facts.identity_columns().into_iter().map(|column| row.get(column).map(Value::to_string)).collect()
}

/// The edge types that refer to a node type, with the column that does.
pub fn edges_of<'a>(schema: &'a SchemaFacts, node: &'a str) -> impl Iterator<Item = (&'a str, &'static str)> {
    schema.types.iter().flat_map(move |(name, facts)| {
        let ends = match &facts.kind {
            TypeKind::Edge { from, to } => vec![(from, "src"), (to, "dst")],
            TypeKind::Node { .. } => vec![],
        };
        ends.into_iter().filter(move |(end, _)| *end == node).map(|(_, column)| (name.as_str(), column))
    })
}
