//! What one load or mutate may touch, without a state to apply it to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::mutate::inserted;
use super::sql::{self, Comparison, Condition, Statement, Term};
use super::state::{self, Identity};
use super::write::load_row;
use crate::oracle::evidence::{LoadMode, OperationCall};
use crate::oracle::facts::SchemaFacts;

/// The rows that a write may touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Single rows that it may add, replace or remove.
    pub identities: BTreeMap<String, BTreeSet<Identity>>,
    /// Types of which it may add, replace or remove any row.
    pub whole: BTreeSet<String>,
    /// Single rows of which it may change values, but which it neither adds nor removes.
    pub changed: BTreeMap<String, BTreeSet<Identity>>,
    /// Types of which it may change values of any row, but neither adds nor removes one.
    pub changed_whole: BTreeSet<String>,
    /// Whether nothing is known, so that it may touch every row.
    pub everything: bool,
}

impl Footprint {
    /// Whether it may add, replace or remove this row.
    pub fn may_remove(&self, type_name: &str, identity: &Identity) -> bool {
        self.everything || self.whole.contains(type_name) || holds_row(&self.identities, type_name, identity)
    }

    /// Whether it may change values of this row.
    pub fn may_change(&self, type_name: &str, identity: &Identity) -> bool {
        self.may_remove(type_name, identity)
            || self.changed_whole.contains(type_name)
            || holds_row(&self.changed, type_name, identity)
    }

    /// Whether both may touch one type, so that of two writes that are not concurrent the later one built on the earlier.
    pub fn shares_a_type(&self, other: &Footprint) -> bool {
        self.everything || other.everything || self.types().any(|name| other.types().any(|theirs| theirs == name))
    }

    fn types(&self) -> impl Iterator<Item = &String> {
        self.identities.keys().chain(&self.whole).chain(self.changed.keys()).chain(&self.changed_whole)
    }
}

fn holds_row(rows: &BTreeMap<String, BTreeSet<Identity>>, type_name: &str, identity: &Identity) -> bool {
    rows.get(type_name).is_some_and(|known| known.contains(identity))
}

/// What a write may touch; `None` for a call that is no write.
pub fn footprint(schema: &SchemaFacts, call: &OperationCall) -> Option<Footprint> {
    match call {
        OperationCall::Load { mode, rows } => Some(load_footprint(schema, *mode, rows)),
        OperationCall::Mutate { sql } => Some(mutate_footprint(schema, sql)),
        _ => None,
    }
}

fn load_footprint(schema: &SchemaFacts, mode: LoadMode, lines: &[Value]) -> Footprint {
    let mut footprint = Footprint::default();
    for (type_name, identity, _) in lines.iter().filter_map(|line| load_row(schema, line).ok()) {
        match mode {
            LoadMode::Append | LoadMode::Merge => {
                footprint.identities.entry(type_name).or_default().insert(identity);
            }
            LoadMode::Overwrite => touch_whole(schema, &mut footprint, &type_name),
        }
    }
    footprint
}

fn mutate_footprint(schema: &SchemaFacts, text: &str) -> Footprint {
    let Ok(statements) = sql::parse(text) else {
        return Footprint { everything: true, ..Footprint::default() };
    };
    let mut footprint = Footprint::default();
    for statement in statements {
        match statement {
            Statement::Insert { ref type_name, .. } => {
                for (_, identity, _) in inserted(schema, &statement).unwrap_or_default() {
                    footprint.identities.entry(type_name.clone()).or_default().insert(identity);
                }
            }
            Statement::InsertFrom { type_name, .. } => {
                footprint.whole.insert(type_name);
            }
            // A row that is renamed goes, another one comes, and its edges with it.
            Statement::Update { type_name, set, .. } if names_a_key(schema, &type_name, &set) => {
                touch_whole(schema, &mut footprint, &type_name);
            }
            Statement::Update { type_name, filter, .. } => match addressed(schema, &type_name, &filter) {
                Some(identity) => {
                    footprint.changed.entry(type_name).or_default().insert(identity);
                }
                None => {
                    footprint.changed_whole.insert(type_name);
                }
            },
            Statement::Delete { type_name, filter } => match addressed(schema, &type_name, &filter) {
                Some(identity) => {
                    footprint.whole.extend(state::edges_of(schema, &type_name).map(|(edge, _)| edge.to_owned()));
                    footprint.identities.entry(type_name).or_default().insert(identity);
                }
                None => touch_whole(schema, &mut footprint, &type_name),
            },
        }
    }
    footprint
}

fn names_a_key(schema: &SchemaFacts, type_name: &str, set: &[(String, Term)]) -> bool {
    let facts = schema.types.get(type_name);
    facts.is_some_and(|facts| set.iter().any(|(column, _)| facts.identity_columns().contains(&column.as_str())))
}

/// The one row that a filter can match, if it compares every identity column with a literal.
fn addressed(schema: &SchemaFacts, type_name: &str, filter: &Condition) -> Option<Identity> {
    let facts = schema.types.get(type_name)?;
    let parts = match filter {
        Condition::And(parts) => parts.as_slice(),
        other => std::slice::from_ref(other),
    };
    let literals = parts.iter().filter_map(|condition| match condition {
        Condition::Compare(Term::Column(column), Comparison::Equal, Term::Literal(literal)) => {
            Some((column.clone(), literal.clone()))
        }
        _ => None,
    });
    state::identity(facts, &state::canonical(schema, facts, literals.collect()))
}

/// Rows of a type may go, and the edges at them.
fn touch_whole(schema: &SchemaFacts, footprint: &mut Footprint, type_name: &str) {
    footprint.whole.extend(state::edges_of(schema, type_name).map(|(edge, _)| edge.to_owned()));
    footprint.whole.insert(type_name.to_owned());
}
