//! What a scenario looks at in between: the graph from outside, and queries through a handle.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What the graph has to look like. Only what is named is looked at.
///
/// A check opens the graph read-only for itself and lists the store, so it heals nothing and no fault strikes in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Check {
    /// By type, how many rows are visible, or which. A row is given by as many of its columns as matter; an edge has
    /// `from` and `to` among them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rows: BTreeMap<String, CountOrRows>,
    /// How many sidecars there are, readable or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sidecars: Option<u64>,
    /// How many of the sidecars cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable_sidecars: Option<u64>,
    /// How many files stand in quarantine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantined: Option<u64>,
    /// Every audit row, the oldest first. `[]` says that there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<Vec<AuditRow>>,
    /// The commits since the first step, as a number or as a list with the oldest first. What made the graph and its setup
    /// does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commits: Option<Count<CommitRow>>,
    /// The types whose HEAD is not their pin, sorted. `[]` says that there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Vec<String>>,
    /// Globs below the graph's root, each with how many objects fit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub objects: BTreeMap<String, u64>,
}

/// Rows, as a number or one by one.
pub type CountOrRows = Count<Map<String, Value>>;

/// Things, as a number or one by one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Count<T> {
    /// How many.
    Number(u64),
    /// Which.
    List(Vec<T>),
}

/// What an audit row has to say; only what is named is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AuditRow {
    /// What was done to the operation.
    pub kind: RecoveryKind,
    /// The writer of the operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writer: Option<String>,
    /// The actor of the operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The types with an outcome, sorted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<Vec<String>>,
}

/// What recovery did to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum RecoveryKind {
    /// It was finished.
    RolledForward,
    /// It was undone, or nothing of it had landed.
    RolledBack,
    /// Its branch was gone.
    OrphanedBranchDiscarded,
}

impl RecoveryKind {
    /// The name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            RecoveryKind::RolledForward => "RolledForward",
            RecoveryKind::RolledBack => "RolledBack",
            RecoveryKind::OrphanedBranchDiscarded => "OrphanedBranchDiscarded",
        }
    }
}

/// What a graph commit has to say; only what is named is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CommitRow {
    /// On whose behalf it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The writer that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writer: Option<String>,
}

/// A SQL query through a handle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Query {
    /// The query. Tables are named as the types are.
    pub sql: String,
    /// What it has to give, as a number of rows or row by row, in any order. Each row names every column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<CountOrRows>,
}
