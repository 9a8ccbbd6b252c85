//! What was observed of one cell: plain data, everything that a checker may look at.
//!
//! Two hands fill it. While the steps run, each worker reports its operations; when they are over, faults are lifted, a
//! read-write open converges the graph, and the last worker fills [`Closing`]. A part that nobody observed stays `None`
//! or empty, and the checkers that need it are reported as *not judged*, never as held.
//!
//! The order of the closing observations is fixed, so that no observation disturbs a later one:
//!
//! 1. lift every fault, open read-write (the sweep), read [`World`] and list the store → `world`;
//! 2. read every recorded [`VersionReading`] a second time;
//! 3. list, open read-only, query once, drop, list → one more [`ReadOnlyOpen`] without a step;
//! 4. list, close, open read-write again, list, read the world again → `second_recovery`;
//! 5. write once through every handle that is still open → `probes`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::facts::{ObjectFact, SchemaFacts};
use super::rows::Row;

/// A place in the cell's order of events, over all of its processes; larger is later. It is a counter, not a time: two
/// calls overlapped when neither ended before the other started.
pub type Tick = u64;

/// Everything the oracle knows about one cell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// The graph's types as its schema text declares them; `None` when the graph was never created.
    pub schema: Option<SchemaFacts>,
    /// Every call that may have changed or recovered the graph, in the order in which they started, the set-up's included.
    pub operations: Vec<OperationRecord>,
    /// Hand-made damage, in the order in which it was done.
    pub damage: Vec<Damage>,
    /// Listings of the recovery folder, one after each step and one right after every crash.
    pub sightings: Vec<SidecarSighting>,
    /// What readers saw while the steps ran: one for each query step and each `check` on rows.
    pub readings: Vec<Reading>,
    /// Digests of published versions, each taken twice: when the version was new, and at the end.
    pub version_readings: Vec<VersionReading>,
    /// Every read-only open: those the steps asked for, and the one of the closing observations.
    pub read_only_opens: Vec<ReadOnlyOpen>,
    /// Every fault that was armed, store faults and failpoints alike, with its counts.
    pub faults: Vec<ArmedFault>,
    /// What was seen once the steps were over; `None` when the graph could not be opened again.
    pub closing: Option<Closing>,
    /// Why `closing` is `None`: the error of the converging open, whole.
    pub closing_failed: Option<String>,
}

/// One call on a handle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperationRecord {
    /// Index of the scenario's step from 0; `None` for set-up and closing calls.
    pub step: Option<usize>,
    /// When the call began.
    pub started: Tick,
    /// When it returned; `None` when its process died first or it never answered.
    pub ended: Option<Tick>,
    /// The handle's name in the scenario.
    pub handle: String,
    /// The process's name in the scenario.
    pub process: String,
    /// The actor it was given, if any.
    pub actor: Option<String>,
    /// What was asked for.
    pub call: OperationCall,
    /// What came of it.
    pub outcome: Outcome,
}

/// What a call asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "kebab-case")]
pub enum OperationCall {
    /// Create the graph.
    Create,
    /// Load rows, in the lines' own form: `{"type", "data"}` and, for edges, `{"type", "from", "to", "data"}`.
    Load {
        /// `append`, `merge` or `overwrite`.
        mode: LoadMode,
        /// The lines as given.
        rows: Vec<serde_json::Value>,
    },
    /// Run statements that change rows.
    Mutate {
        /// The statements as given.
        sql: String,
    },
    /// Open read-write or read-only; a read-write open recovers.
    Open {
        /// Whether the open was read-only.
        read_only: bool,
    },
    /// Refresh a handle; this heals.
    Refresh,
    /// Repair; only a confirmed one changes what is visible.
    Repair {
        /// Whether drift was published on the operator's word.
        confirmed: bool,
    },
}

impl OperationCall {
    /// Whether the call writes rows, so that the reference model has to follow it.
    pub fn writes_rows(&self) -> bool {
        matches!(self, OperationCall::Load { .. } | OperationCall::Mutate { .. })
    }
}

/// How a load treats rows that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoadMode {
    /// Every row must be new.
    Append,
    /// Rows with a known identity replace, others are added.
    Merge,
    /// The types that the input names hold the input's rows and nothing else.
    Overwrite,
}

/// A client's outcome has three values: in doubt is never read as refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// The call returned success.
    Acknowledged {
        /// The write's operation id; `None` for calls that are no writes.
        operation_id: Option<String>,
        /// The commit it says it published.
        commit_id: Option<String>,
        /// The graph version it says it published.
        graph_version: Option<u64>,
    },
    /// The call returned an error of any kind but `in-doubt`: nothing of it may ever become visible.
    Refused {
        /// The error's kind, as the engine names it.
        kind: String,
        /// The error's whole text, advice included.
        message: String,
        /// The operation id that the error carries, if any.
        operation_id: Option<String>,
    },
    /// The call returned an in-doubt error, panicked, was cut off by a crash, or never answered.
    InDoubt {
        /// What is known: the error's text, or how the call ended.
        why: String,
        /// The operation id that the error carries, if any.
        operation_id: Option<String>,
    },
}

impl Outcome {
    /// The operation id, where the outcome carries one.
    pub fn operation_id(&self) -> Option<&str> {
        match self {
            Outcome::Acknowledged { operation_id, .. }
            | Outcome::Refused { operation_id, .. }
            | Outcome::InDoubt { operation_id, .. } => operation_id.as_deref(),
        }
    }

    /// Whether the call returned success.
    pub fn is_acknowledged(&self) -> bool {
        matches!(self, Outcome::Acknowledged { .. })
    }
}

/// Something a step did to the store behind the engine's back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Damage {
    /// Index of the scenario's step from 0.
    pub step: usize,
    /// When it was done.
    pub at: Tick,
    /// What was done, for people.
    pub description: String,
    /// Objects that it wrote, renamed to or removed, relative to the graph root.
    pub paths: Vec<String>,
    /// Whether rows may become visible or vanish through it (a planted sidecar, a moved HEAD, a deleted table object).
    /// From there on the reference model has nothing to say, and says so.
    pub may_change_rows: bool,
}

/// What lay in the recovery folder at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SidecarSighting {
    /// When it was listed.
    pub at: Tick,
    /// Index of the step it was listed after, from 0.
    pub after_step: usize,
    /// Whether a call was in flight in any process: its sidecar is then no leftover.
    pub writers_in_flight: bool,
    /// Operation ids: the names of the `*.json` files without the ending.
    pub operation_ids: Vec<String>,
}

/// What one reader saw in one snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Index of the scenario's step from 0; `None` for a reader that ran beside the steps.
    pub step: Option<usize>,
    /// The reader's handle.
    pub handle: String,
    /// When the snapshot was taken.
    pub started: Tick,
    /// When the last row had been read.
    pub ended: Tick,
    /// The snapshot's graph version.
    pub graph_version: u64,
    /// Whole types only: a type that was not read in full is not listed.
    pub rows: BTreeMap<String, Vec<Row>>,
}

/// One table version, digested when it was published and again at the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VersionReading {
    /// The graph version that pinned it when it was first read.
    pub graph_version: u64,
    /// The type's name.
    pub type_name: String,
    /// The table's Lance version.
    pub table_version: u64,
    /// Number of rows, first time.
    pub rows: u64,
    /// Digest over the sorted rows, first time; see [`super::rows::digest`].
    pub digest: String,
    /// The same digest at the end, or the error that reading it gave; `None` when it was not read again.
    pub again: Option<Result<String, String>>,
}

/// One read-only open, with what it did to the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadOnlyOpen {
    /// Index of the scenario's step from 0; `None` for the closing one.
    pub step: Option<usize>,
    /// Whether it opened, or the error's whole text.
    pub result: Result<(), String>,
    /// Store calls that write (puts, multiparts, deletes, copies, renames), as `operation path`, from the trace layer.
    pub write_calls: Vec<String>,
    /// The store before; `None` when it was not listed (another process was writing).
    pub before: Option<Vec<ObjectFact>>,
    /// The store after.
    pub after: Option<Vec<ObjectFact>>,
}

/// One armed fault and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmedFault {
    /// The fault as the scenario writes it, such as `failpoint sidecar.delete: return`.
    pub name: String,
    /// Index of the step it was armed for, from 0; `None` for a fault of the whole scenario.
    pub step: Option<usize>,
    /// Times that a call or window matched it.
    pub reached: u64,
    /// Times that it acted. A kill or a held call counts as fired when it was injected.
    pub fired: u64,
}

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
    /// What wrote it (`load`, `mutate`, …), as the engine names it.
    pub writer: String,
    /// The operation it published, if any.
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
