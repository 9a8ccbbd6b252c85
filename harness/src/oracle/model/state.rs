//! Typed rows by identity.

use std::collections::BTreeMap;

use serde_json::Value;

use super::kind::kind_of;
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
            Some(facts) => seen.iter().map(|row| rows::line(&canonical(schema, facts, row.clone()))).collect(),
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

/// The row in the form in which rows of this type are compared: without nulls, and each value as what its column is.
pub fn canonical(schema: &SchemaFacts, facts: &TypeFacts, row: Row) -> Row {
    let typed = row.into_iter().map(|(column, value)| {
        let value = kind_of(schema, facts, &column).map_or_else(|| value.clone(), |kind| kind.seen(&value));
        (column, value)
    });
    rows::canonical(typed.collect())
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
