//! The commit row that every publish carries.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{CommitId, OperationId};
use crate::writer::WriterKind;

/// The actor that recovery publishes as.
pub const RECOVERY_ACTOR: &str = "omnigraph:recovery";

/// How a commit came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommitKind {
    /// The graph was created.
    Created,
    /// Its writer published it.
    Written,
    /// Recovery published what a writer had committed to every table.
    RolledForward,
    /// Recovery published the tables as they were before a write that it undid.
    RolledBack,
    /// An operator confirmed drift; or recovery put a table back over which it had restored something older.
    Repaired,
}

/// One published version of the graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// The commit's name.
    pub id: CommitId,
    /// The commits that it stands on: none for the first, one for a write.
    pub parents: Vec<CommitId>,
    /// How it came about.
    pub kind: CommitKind,
    /// The kind of write that it finished or undid; `None` for a creation.
    pub writer: Option<WriterKind>,
    /// Who published it.
    pub actor: String,
    /// The write that it finished or undid; `None` for a creation and for a repair.
    pub operation_id: Option<OperationId>,
    /// The manifest version that it is.
    pub graph_version: u64,
    /// When it was published, by the publisher's clock, to the millisecond.
    pub at: DateTime<Utc>,
}

#[cfg(test)]
impl Commit {
    pub(crate) fn example() -> Commit {
        Commit {
            id: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            parents: Vec::new(),
            kind: CommitKind::Created,
            writer: None,
            actor: "ann".into(),
            operation_id: None,
            graph_version: 7,
            at: crate::clock::from_millis(1_000),
        }
    }
}
