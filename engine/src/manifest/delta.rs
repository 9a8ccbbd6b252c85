//! What a publish changes.

use std::collections::BTreeMap;

use super::{GraphState, SchemaPointer, TableEntry};
use crate::history::Commit;

/// The difference that one publish makes to the manifest.
#[derive(Clone, Debug)]
pub struct Delta {
    /// New pins, by table path.
    pub pins: BTreeMap<String, u64>,
    /// Tables that become part of the graph.
    pub registrations: Vec<TableEntry>,
    /// Paths of tables that leave the graph.
    pub retirements: Vec<String>,
    /// A new active schema, if it changes.
    pub schema: Option<SchemaPointer>,
    /// The commit that the new version is; its parent and version are those of the base that it is applied to.
    pub commit: Commit,
}

impl Delta {
    /// A delta that moves pins alone.
    pub fn of_pins(pins: BTreeMap<String, u64>, commit: Commit) -> Self {
        Delta { pins, registrations: Vec::new(), retirements: Vec::new(), schema: None, commit }
    }

    /// The state after this delta, as the version after `base`.
    pub fn apply(&self, base: &GraphState) -> GraphState {
        let mut next = base.clone();
        next.version = base.version + 1;
        next.commit = self.commit.clone();
        // A publish that is tried again stands on another version than it was first meant for.
        next.commit.graph_version = next.version;
        next.commit.parents = vec![base.commit.id];
        if let Some(schema) = &self.schema {
            next.schema = schema.clone();
        }
        for path in &self.retirements {
            next.tables.remove(path);
        }
        for entry in &self.registrations {
            next.tables.insert(entry.path.clone(), entry.clone());
        }
        for (path, version) in &self.pins {
            if let Some(entry) = next.tables.get_mut(path) {
                entry.version = *version;
            }
        }
        next
    }
}
