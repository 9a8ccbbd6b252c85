//! What one load or mutate does to a state.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::sql::{self, Comparison, Condition, Statement, Term};
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
    identified(type_name, facts, row)
}

/// The row that a stranger appended to a table, if any, in canonical form.
pub(super) fn stranger(schema: &SchemaFacts, moved: &MovedHead) -> Result<Option<(Identity, Row)>, Refusal> {
    let Some(row) = &moved.row else { return Ok(None) };
    let (_, identity, row) = identified(&moved.type_name, facts(schema, &moved.type_name)?, row.clone())?;
    Ok(Some((identity, row)))
}

fn facts<'a>(schema: &'a SchemaFacts, type_name: &str) -> Result<&'a TypeFacts, Refusal> {
    schema.types.get(type_name).ok_or_else(|| Refusal::Forbidden(format!("there is no type '{type_name}'")))
}

fn identified(type_name: &str, facts: &TypeFacts, row: Row) -> Result<(String, Identity, Row), Refusal> {
    let row = state::canonical(facts, row);
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
            sql::parse(sql)?.iter().try_for_each(|statement| mutate(schema, &mut working, statement))?;
            after = working.settled()?;
        }
        _ => {}
    }
    check(schema, &after)?;
    Ok(after)
}

/// Rows while a mutation changes them. What is checked is what all of its statements leave together: until then, several rows
/// may have one identity.
struct Working(BTreeMap<String, Vec<(Identity, Row)>>);

impl Working {
    fn of(schema: &SchemaFacts, state: &State) -> Self {
        let rows_of = |type_name: &String| state.rows(type_name).map(|(id, row)| (id.clone(), row.clone())).collect();
        Working(schema.types.keys().map(|type_name| (type_name.clone(), rows_of(type_name))).collect())
    }

    fn rows(&mut self, type_name: &str) -> &mut Vec<(Identity, Row)> {
        self.0.entry(type_name.to_owned()).or_default()
    }

    fn settled(self) -> Result<State, Refusal> {
        let mut state = State::default();
        for (type_name, rows) in self.0 {
            for (identity, row) in rows {
                if state.get(&type_name, &identity).is_some() {
                    return Err(Refusal::Forbidden(format!("{type_name} {} is there already", identity.join(", "))));
                }
                state.put(&type_name, identity, row);
            }
        }
        Ok(state)
    }
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

pub(super) fn inserted(schema: &SchemaFacts, statement: &Statement) -> Result<Vec<(String, Identity, Row)>, Refusal> {
    let Statement::Insert { type_name, columns, rows } = statement else { return Ok(Vec::new()) };
    let facts = facts(schema, type_name)?;
    rows.iter()
        .map(|values| identified(type_name, facts, columns.iter().cloned().zip(values.iter().cloned()).collect()))
        .collect()
}

fn mutate(schema: &SchemaFacts, working: &mut Working, statement: &Statement) -> Result<(), Refusal> {
    match statement {
        Statement::Insert { .. } => {
            for (type_name, identity, row) in inserted(schema, statement)? {
                working.rows(&type_name).push((identity, row));
            }
        }
        Statement::Update { type_name, set, filter } => {
            let facts = facts(schema, type_name)?;
            if set.iter().any(|(column, _)| facts.identity_columns().contains(&column.as_str())) {
                return Err(Refusal::NotModelled(format!("an update of the identity of {type_name}")));
            }
            for (_, row) in working.rows(type_name) {
                if matches(facts, row, filter)? {
                    *row = updated(facts, row, set)?;
                }
            }
        }
        Statement::Delete { type_name, filter } => {
            let facts = facts(schema, type_name)?;
            let mut left = Vec::new();
            let mut gone = Vec::new();
            for (identity, row) in std::mem::take(working.rows(type_name)) {
                if matches(facts, &row, filter)? { gone.push(row) } else { left.push((identity, row)) }
            }
            *working.rows(type_name) = left;
            gone.iter().for_each(|node| remove_edges(schema, working, type_name, facts, node));
        }
    }
    Ok(())
}

/// Deleting a node deletes its edges.
fn remove_edges(schema: &SchemaFacts, working: &mut Working, type_name: &str, facts: &TypeFacts, node: &Row) {
    let TypeKind::Node { key } = &facts.kind else { return };
    for (edge, column) in state::edges_of(schema, type_name) {
        working.rows(edge).retain(|(_, row)| row.get(column) != node.get(key));
    }
}

fn updated(facts: &TypeFacts, row: &Row, set: &[(String, Term)]) -> Result<Row, Refusal> {
    let mut after = row.clone();
    for (column, term) in set {
        let value = match term {
            Term::Literal(value) => value.clone(),
            Term::Plus { column, addend } => match row.get(column) {
                None => Value::Null,
                Some(value) => match value.as_i64().and_then(|value| value.checked_add(*addend)) {
                    Some(sum) => Value::from(sum),
                    None => {
                        return Err(Refusal::NotModelled(format!("arithmetic on {column} that is no small integer")));
                    }
                },
            },
        };
        after.insert(column.clone(), value);
    }
    Ok(state::canonical(facts, after))
}

fn matches(facts: &TypeFacts, row: &Row, filter: &[Condition]) -> Result<bool, Refusal> {
    filter.iter().try_fold(true, |so_far, condition| Ok(holds(facts, row, condition)? && so_far))
}

fn holds(facts: &TypeFacts, row: &Row, condition: &Condition) -> Result<bool, Refusal> {
    let literal_of = |column: &String, literal: &Value| {
        state::canonical(facts, Row::from([(column.clone(), literal.clone())])).remove(column)
    };
    match condition {
        Condition::IsNull { column, negated } => Ok(row.contains_key(column) == *negated),
        Condition::In { column, literals } => {
            let value = row.get(column);
            Ok(value.is_some() && literals.iter().any(|literal| literal_of(column, literal).as_ref() == value))
        }
        Condition::Compare { column, comparison, literal } => {
            let (Some(value), Some(literal)) = (row.get(column), literal_of(column, literal)) else { return Ok(false) };
            let order = match (value, &literal) {
                (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
                (Value::Number(left), Value::Number(right)) => match (left.as_i64(), right.as_i64()) {
                    (Some(left), Some(right)) => Some(left.cmp(&right)),
                    _ => left.as_f64().partial_cmp(&right.as_f64()),
                },
                (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
                _ => None,
            };
            let order = order.ok_or_else(|| Refusal::NotModelled(format!("{column} compared with {literal}")))?;
            Ok(match comparison {
                Comparison::Equal => order.is_eq(),
                Comparison::NotEqual => order.is_ne(),
                Comparison::Less => order.is_lt(),
                Comparison::LessOrEqual => order.is_le(),
                Comparison::Greater => order.is_gt(),
                Comparison::GreaterOrEqual => order.is_ge(),
            })
        }
    }
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
