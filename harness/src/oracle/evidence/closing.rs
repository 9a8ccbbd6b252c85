//! What is seen once the steps are over.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::oracle::facts::ObjectFact;
use crate::oracle::rows::Row;

/// What was seen after the steps, in the order of the module's list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Closing {
    /// The graph after the converging open.
    pub world: World,
    /// What one more read-write open changed; `None` when it was not tried.
    pub second_recovery: Option<SecondRecovery>,
    /// One write through every handle that was open when the steps ended; empty when there was none.
    pub probes: Vec<WriteProbe>,
}

/// The graph and its store at one moment without writers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct World {
    /// The snapshot's graph version.
    pub graph_version: u64,
    /// Every registered table with the version that the snapshot pins. HEADs are not reported: the oracle reads them
    /// off the store's listing itself.
    pub tables: Vec<TablePin>,
    /// Every type's rows, read by a full scan (`SELECT * FROM Type`).
    pub rows: BTreeMap<String, Vec<Row>>,
    /// The same rows, each looked up by its identity (`WHERE key = …`); `None` when lookups were not made.
    pub looked_up: Option<BTreeMap<String, Vec<Row>>>,
    /// The history, newest first, without a limit.
    pub commits: Vec<CommitFact>,
    /// The audit rows, in the engine's order.
    pub recoveries: Vec<RecoveryFact>,
    /// Every object under the graph root, with size and content hash, sorted by path.
    pub objects: Vec<ObjectFact>,
}

/// One row of the manifest's snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TablePin {
    /// The type's name.
    pub type_name: String,
    /// The dataset's path relative to the graph root, such as `nodes/Person-01J….lance`.
    pub path: String,
    /// The Lance version that is visible.
    pub pin: u64,
}

/// One commit of the graph's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitFact {
    /// Its id.
    pub id: String,
    /// Ids of its parents; none for the first.
    pub parents: Vec<String>,
    /// Who is recorded as its actor.
    pub actor: String,
    /// How it came about: `created`, `written`, `rolled-forward`, `rolled-back`, `repaired`.
    pub kind: String,
    /// The kind of write that it finished or undid (`load`, `mutate`, …), as the engine names it.
    pub writer: Option<String>,
    /// The operation that it finished or undid, if any.
    pub operation_id: Option<String>,
    /// The graph version it published.
    pub graph_version: u64,
}

/// One audit row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryFact {
    /// The recovered operation.
    pub operation_id: String,
    /// `RolledForward`, `RolledBack` or `OrphanedBranchDiscarded`.
    pub kind: String,
    /// The writer that armed it.
    pub writer: String,
    /// That writer's actor.
    pub actor: String,
    /// The commit that settled it, if there is one.
    pub commit: Option<String>,
    /// Tables it moved, with the versions from and to.
    pub tables: Vec<RecoveredTable>,
}

/// What a recovery did to one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveredTable {
    /// The type's name, or the dataset's path.
    pub table: String,
    /// Pinned before.
    pub from: u64,
    /// Pinned after.
    pub to: u64,
}

/// A second read-write open over a graph that has just converged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SecondRecovery {
    /// The store before it.
    pub before: Vec<ObjectFact>,
    /// The store after it.
    pub after: Vec<ObjectFact>,
    /// Every type's rows after it.
    pub rows: BTreeMap<String, Vec<Row>>,
    /// The history after it, newest first.
    pub commits: Vec<CommitFact>,
    /// The audit rows after it.
    pub recoveries: Vec<RecoveryFact>,
}

/// One handle's write after every fault was lifted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteProbe {
    /// The handle's name in the scenario.
    pub handle: String,
    /// The process's name in the scenario.
    pub process: String,
    /// The errors of the attempts that failed, in order; whole texts.
    pub failures: Vec<String>,
    /// Attempts that were allowed.
    pub attempts_max: u32,
    /// Whether an attempt was acknowledged.
    pub acknowledged: bool,
    /// Whether the row it wrote was then read back exactly once through the same handle; `None` when nothing was read.
    pub visible: Option<bool>,
}
