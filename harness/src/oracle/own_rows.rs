//! Rows that one write alone answers for, so that its fate can be read off them without a model of everything else.

use std::collections::{BTreeMap, HashMap};

use super::evidence::{Evidence, Known, OperationCall};
use super::facts::SchemaFacts;
use super::model::state::{self, Identity};
use super::model::{Footprint, drift, footprint, sql, write};
use super::rows::Row;

/// Which other writes take a row away from a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// Those that may have taken effect after it.
    Later,
    /// All that were not refused.
    All,
}

/// A row as its write gave it.
#[derive(Clone, Debug)]
pub struct OwnRow {
    /// Its type.
    pub type_name: String,
    /// Its identity.
    pub identity: Identity,
    /// The columns that the write gave; empty when another write may have changed some since.
    pub given: Row,
}

/// The rows that the operation of this index adds and no other write may have added, replaced or removed. Empty where damage, or a
/// repair of drift of unknown origin, may have changed rows, since then nothing can be read off them.
pub fn own_rows(evidence: &Evidence, schema: &SchemaFacts, index: usize, others: Others) -> Vec<OwnRow> {
    if evidence.damage.iter().any(|damage| damage.may_change_rows)
        || evidence
            .operations
            .iter()
            .any(|operation| operation.call.may_publish_drift() && !drift::is_known(evidence, operation))
    {
        return Vec::new();
    }
    let operation = &evidence.operations[index];
    let rivals: Vec<Footprint> = evidence
        .operations
        .iter()
        .enumerate()
        .filter(|(other, rival)| *other != index && rival.known() != Known::Refused)
        .filter(|(_, rival)| others == Others::All || rival.ended.is_none_or(|ended| ended >= operation.started))
        .filter_map(|(_, rival)| {
            let moved: Vec<_> = drift::moved(evidence, rival).collect();
            footprint::footprint(schema, &rival.call).or_else(|| Some(drift::footprint(schema, &moved)))
        })
        .collect();
    let mut rows = added(schema, &operation.call);
    // A statement of the same call may touch what another one added.
    if let OperationCall::Mutate { sql } = &operation.call
        && sql::parse(sql).is_ok_and(|statements| statements.len() > 1)
    {
        rows.clear();
    }
    rows.retain(|row| rivals.iter().all(|rival| !rival.may_remove(&row.type_name, &row.identity)));
    for row in &mut rows {
        if rivals.iter().any(|rival| rival.may_change(&row.type_name, &row.identity)) {
            row.given.clear();
        }
    }
    rows
}

fn added(schema: &SchemaFacts, call: &OperationCall) -> Vec<OwnRow> {
    let rows = match call {
        OperationCall::Load { rows, .. } => write::load_rows(schema, rows).unwrap_or_default(),
        OperationCall::Mutate { sql } => write::inserted_rows(schema, sql),
        _ => Vec::new(),
    };
    rows.into_iter().map(|(type_name, identity, given)| OwnRow { type_name, identity, given }).collect()
}

/// A world's visible rows, found by identity. Built once for a world: writes of thousands of rows are looked up in it.
pub struct ByIdentity<'a>(HashMap<&'a str, HashMap<Identity, Vec<&'a Row>>>);

impl<'a> ByIdentity<'a> {
    /// Indexes the rows of the types that the schema knows; a row without an identity is in no answer.
    pub fn new(schema: &SchemaFacts, world: &'a BTreeMap<String, Vec<Row>>) -> Self {
        let mut found: HashMap<&'a str, HashMap<Identity, Vec<&'a Row>>> = HashMap::new();
        for (type_name, rows) in world {
            let Some(facts) = schema.types.get(type_name) else { continue };
            for row in rows {
                if let Some(identity) = state::identity(facts, &state::canonical(schema, facts, row.clone())) {
                    found.entry(type_name).or_default().entry(identity).or_default().push(row);
                }
            }
        }
        ByIdentity(found)
    }

    /// The visible rows with this row's identity.
    pub fn of<'s>(&'s self, row: &OwnRow) -> &'s [&'a Row] {
        self.0.get(row.type_name.as_str()).and_then(|rows| rows.get(&row.identity)).map_or(&[], Vec::as_slice)
    }
}

/// Whether the visible row has what the write gave.
pub fn as_given(schema: &SchemaFacts, row: &OwnRow, found: &Row) -> bool {
    let Some(facts) = schema.types.get(&row.type_name) else { return false };
    let found = state::canonical(schema, facts, found.clone());
    row.given.iter().all(|(column, value)| found.get(column) == Some(value))
}
