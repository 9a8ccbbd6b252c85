//! One version of the manifest, as data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::history::Commit;
use crate::id::IncarnationId;

/// The Lance branch of a dataset that has no other.
pub const MAIN_LANCE_BRANCH: &str = "main";

/// A table as the manifest registers it. A table is known by its path *and* its Lance branch: two Lance branches of one dataset
/// have path and version numbers in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableEntry {
    /// The name of the node or edge type whose rows it holds.
    pub type_name: String,
    /// The dataset's path below the graph root.
    pub path: String,
    /// The dataset's Lance branch.
    pub lance_branch: String,
    /// The version that is visible: the pin.
    pub version: u64,
    /// The version at which the *rows* last changed, at most [`version`](Self::version). A pin that moved while this stayed shows
    /// the same rows, so what was validated against them still holds.
    pub rows_version: u64,
}

impl TableEntry {
    /// The entry of a table on its main Lance branch whose rows came with `version`.
    pub fn new(type_name: impl Into<String>, path: impl Into<String>, version: u64) -> Self {
        let lance_branch = MAIN_LANCE_BRANCH.to_owned();
        TableEntry { type_name: type_name.into(), path: path.into(), lance_branch, version, rows_version: version }
    }
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
    /// The newest commit.
    pub commit: Commit,
    /// The commits of this version's chunk of the history up to this version, oldest first; see [`super::chunk`].
    pub recent: Vec<Commit>,
    /// The first version whose commits lie in chunks. Those of older ones, which a former program wrote, are found by walking.
    pub chunked_from: u64,
}

impl GraphState {
    /// The state of a graph that is created now, by `commit`.
    pub fn created(
        incarnation: IncarnationId,
        schema: SchemaPointer,
        tables: BTreeMap<String, TableEntry>,
        commit: Commit,
    ) -> Self {
        let recent = vec![commit.clone()];
        GraphState { version: 1, incarnation, schema, tables, commit, recent, chunked_from: 1 }
    }

    /// The table of a type.
    pub fn table_of_type(&self, type_name: &str) -> Option<&TableEntry> {
        self.tables.values().find(|entry| entry.type_name == type_name)
    }

    /// The table at `path` on this Lance branch.
    pub fn table_at(&self, path: &str, lance_branch: &str) -> Option<&TableEntry> {
        self.tables.get(path).filter(|entry| entry.lance_branch == lance_branch)
    }

    /// The commits that made this version, oldest first: one, or several where they became visible together.
    pub fn commits(&self) -> &[Commit] {
        let earlier = self.recent.partition_point(|commit| commit.graph_version < self.version);
        match &self.recent[earlier..] {
            [] => std::slice::from_ref(&self.commit),
            commits => commits,
        }
    }
}
