//! What one load or mutate does to a state.

use std::collections::BTreeSet;

use serde_json::Value;

use super::kind::kind_of;
use super::mutate::{Working, inserted};
use super::sql;
use super::state::{self, Identity, State};
use crate::oracle::evidence::{LoadMode, MovedHead, OperationCall};
use crate::oracle::facts::{SchemaFacts, TypeFacts, TypeKind};
use crate::oracle::rows::Row;

/// Why the model does not apply a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The schema or the state forbids it: the engine must refuse it too.
    Forbidden(String),
    /// The model does not know what it does.
    NotModelled(String),
}

impl Refusal {
    /// The same, of this column.
    pub(super) fn about(self, column: &str) -> Self {
        match self {
            Refusal::Forbidden(why) => Refusal::Forbidden(format!("{column}: {why}")),
            Refusal::NotModelled(why) => Refusal::NotModelled(format!("{column}: {why}")),
        }
    }
}

impl From<sql::OutsideSubset> for Refusal {
    fn from(outside: sql::OutsideSubset) -> Self {
        Refusal::NotModelled(outside.0)
    }
}

/// The lines of a load with their types and identities, each in canonical form.
pub fn load_rows(schema: &SchemaFacts, lines: &[Value]) -> Result<Vec<(String, Identity, Row)>, Refusal> {
    lines.iter().map(|line| load_row(schema, line)).collect()
}

pub(super) fn load_row(schema: &SchemaFacts, line: &Value) -> Result<(String, Identity, Row), Refusal> {
    let type_name = line.get("type").and_then(Value::as_str).unwrap_or_default();
    let facts = facts(schema, type_name)?;
    let mut row: Row = match line.get("data") {
        Some(Value::Object(data)) => data.iter().map(|(column, value)| (column.clone(), value.clone())).collect(),
        None => Row::new(),
        Some(_) => return Err(Refusal::Forbidden(format!("a row of {type_name} has data that is no object"))),
    };
    if let TypeKind::Edge { .. } = facts.kind {
        for (member, column) in [("from", "src"), ("to", "dst")] {
            row.extend(line.get(member).map(|value| (column.to_owned(), value.clone())));
        }
    }
    identified(schema, type_name, facts, taken(schema, type_name, facts, row)?)
}

/// The row that a stranger appended to a table, if any, in canonical form.
pub(super) fn stranger(schema: &SchemaFacts, moved: &MovedHead) -> Result<Option<(Identity, Row)>, Refusal> {
    let Some(row) = &moved.row else { return Ok(None) };
    let (_, identity, row) = identified(schema, &moved.type_name, facts(schema, &moved.type_name)?, row.clone())?;
    Ok(Some((identity, row)))
}

pub(super) fn facts<'a>(schema: &'a SchemaFacts, type_name: &str) -> Result<&'a TypeFacts, Refusal> {
    schema.types.get(type_name).ok_or_else(|| Refusal::Forbidden(format!("there is no type '{type_name}'")))
}

/// What columns hold when somebody writes these values into them.
pub(super) fn taken(schema: &SchemaFacts, type_name: &str, facts: &TypeFacts, row: Row) -> Result<Row, Refusal> {
    let taken = row.into_iter().map(|(column, value)| {
        let Some(kind) = kind_of(schema, facts, &column) else {
            return Err(Refusal::Forbidden(format!("{type_name} has no column '{column}'")));
        };
        let value = kind.taken(&value).map_err(|refusal| refusal.about(&column))?;
        Ok((column, value))
    });
    taken.collect()
}

/// The row in canonical form with its identity. Every value that a row must have has to be there.
pub(super) fn identified(
    schema: &SchemaFacts,
    type_name: &str,
    facts: &TypeFacts,
    row: Row,
) -> Result<(String, Identity, Row), Refusal> {
    let row = state::canonical(schema, facts, row);
    let mut required = facts.properties.iter().filter(|(_, property)| !property.optional);
    if let Some((column, _)) = required.find(|(column, _)| !row.contains_key(*column)) {
        return Err(Refusal::Forbidden(format!("a row of {type_name} has no {column}")));
    }
    match state::identity(facts, &row) {
        Some(identity) => Ok((type_name.to_owned(), identity, row)),
        None => Err(Refusal::Forbidden(format!("a row of {type_name} has no identity"))),
    }
}

/// The state after the write.
pub fn apply(schema: &SchemaFacts, before: &State, call: &OperationCall) -> Result<State, Refusal> {
    let mut after = before.clone();
    match call {
        OperationCall::Load { mode, rows } => load(schema, &mut after, *mode, rows)?,
        OperationCall::Mutate { sql } => {
            let mut working = Working::of(schema, before);
            sql::parse(sql)?.iter().try_for_each(|statement| working.run(statement))?;
            after = working.settled()?;
        }
        _ => {}
    }
    check(schema, &after)?;
    Ok(after)
}

fn load(schema: &SchemaFacts, state: &mut State, mode: LoadMode, lines: &[Value]) -> Result<(), Refusal> {
    let rows = load_rows(schema, lines)?;
    if mode == LoadMode::Overwrite {
        let named: BTreeSet<&String> = rows.iter().map(|(type_name, ..)| type_name).collect();
        named.into_iter().for_each(|type_name| state.clear(type_name));
    }
    let mut seen = BTreeSet::new();
    for (type_name, identity, row) in rows {
        let is_new = seen.insert((type_name.clone(), identity.clone()));
        let is_known = state.get(&type_name, &identity).is_some();
        if !is_new || (mode == LoadMode::Append && is_known) {
            return Err(Refusal::Forbidden(format!("{type_name} {} is there already", identity.join(", "))));
        }
        state.put(&type_name, identity, row);
    }
    Ok(())
}

/// The rows that the `INSERT`s of a text add; empty when it is outside the subset.
pub fn inserted_rows(schema: &SchemaFacts, text: &str) -> Vec<(String, Identity, Row)> {
    let statements = sql::parse(text).unwrap_or_default();
    statements.iter().flat_map(|statement| inserted(schema, statement).unwrap_or_default()).collect()
}

/// What must hold between rows after every write: edges have endpoints, unique values are unique.
pub(super) fn check(schema: &SchemaFacts, state: &State) -> Result<(), Refusal> {
    for (type_name, facts) in &schema.types {
        if let TypeKind::Edge { from, to } = &facts.kind {
            for (identity, _) in state.rows(type_name) {
                let ends = [(from, &identity[0]), (to, &identity[1])];
                if let Some((end, key)) = ends.iter().find(|(end, key)| state.get(end, &vec![(*key).clone()]).is_none())
                {
                    return Err(Refusal::Forbidden(format!("{type_name} refers to {end} {key}, which is not there")));
                }
            }
        }
        for (column, property) in &facts.properties {
            let mut seen = BTreeSet::new();
            let values = state.rows(type_name).filter_map(|(_, row)| row.get(column)).map(Value::to_string);
            if property.unique && !values.into_iter().all(|value| seen.insert(value)) {
                return Err(Refusal::Forbidden(format!("{type_name}.{column} is not unique any more")));
            }
        }
    }
    Ok(())
}
