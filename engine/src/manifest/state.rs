//! One version of the manifest, as data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::history::Commit;
use crate::id::IncarnationId;

/// A table as the manifest registers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableEntry {
    /// The name of the node or edge type whose rows it holds.
    pub type_name: String,
    /// The dataset's path below the graph root.
    pub path: String,
    /// The version that is visible: the pin.
    pub version: u64,
}

/// Which schema contract is active.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaPointer {
    /// The hash of the contract's bytes, which is also its name.
    pub hash: String,
}

/// Everything that one version of the manifest says.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphState {
    /// The manifest's Lance version.
    pub version: u64,
    /// Which life of the graph branch this is; drawn when the branch is created.
    pub incarnation: IncarnationId,
    /// The active schema.
    pub schema: SchemaPointer,
    /// The tables, by path.
    pub tables: BTreeMap<String, TableEntry>,
    /// The commit that made this version.
    pub commit: Commit,
}

impl GraphState {
    /// The table of a type.
    pub fn table_of_type(&self, type_name: &str) -> Option<&TableEntry> {
        self.tables.values().find(|entry| entry.type_name == type_name)
    }
}
