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
use crate::event::FaultTally;

mod closing;
mod one_write;
mod operation;

pub use closing::{Closing, CommitFact, RecoveredTable, RecoveryFact, SecondRecovery, TablePin, World, WriteProbe};
pub use one_write::one_write;
pub use operation::{CallOfName, Known, LoadMode, OperationCall, OperationRecord};

/// The reader that looks at the graph from outside: no handle of any process, and nothing that one of them holds or has
/// cached has a part in what it sees.
pub const OUTSIDE: &str = "(outside)";

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
    /// What readers saw while the steps ran: one for each query step and each `check` on rows, those of the readers beside
    /// the steps, and one of every graph version that a look from outside found after a step; in the order in which they
    /// were heard of.
    pub readings: Vec<Reading>,
    /// Readers beside the steps that could not go on reading.
    pub reader_failures: Vec<ReaderFailure>,
    /// Digests of published versions, each taken twice: when the version was new, and at the end.
    pub version_readings: Vec<VersionReading>,
    /// Every read-only open: those the steps asked for, and the one of the closing observations.
    pub read_only_opens: Vec<ReadOnlyOpen>,
    /// Every fault that was armed, store faults and failpoints alike, with its counts.
    pub faults: Vec<FaultTally>,
    /// What was seen once the steps were over; `None` when the graph could not be opened again.
    pub closing: Option<Closing>,
    /// Why `closing` is `None`: the error of the converging open, whole.
    pub closing_failed: Option<String>,
}

/// Something a step did to the store behind the engine's back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Damage {
    /// Number of the scenario's step, counted from 1.
    pub step: u64,
    /// When it was done.
    pub at: Tick,
    /// What was done, for people.
    pub description: String,
    /// Objects that it wrote, renamed to or removed, relative to the graph root.
    pub paths: Vec<String>,
    /// Whether rows may become visible or vanish through it: a planted sidecar that may be rolled forward, a damaged or
    /// deleted table object. From there on the reference model has nothing to say, and says so. A moved HEAD is none of
    /// them: nobody may publish it unasked.
    pub may_change_rows: bool,
    /// The HEAD that it moved, for damage that did nothing else: what a confirmed repair makes visible of it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<MovedHead>,
}

/// Commits of a stranger to one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedHead {
    /// The type whose table was moved.
    pub type_name: String,
    /// The row that was appended; none where the commits changed no row.
    pub row: Option<Row>,
}

/// What lay in the recovery folder at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SidecarSighting {
    /// When it was listed.
    pub at: Tick,
    /// Number of the step it was listed after, counted from 1.
    pub after_step: u64,
    /// Whether a call was in flight in any process: its sidecar is then no leftover.
    pub writers_in_flight: bool,
    /// Operation ids: the names of the `*.json` files without the ending.
    pub operation_ids: Vec<String>,
    /// Every table whose HEAD was not its pin; `None` where nobody looked, as while a call was in flight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Vec<TableDrift>>,
}

/// A table whose HEAD was not its pin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDrift {
    /// The type's name.
    pub type_name: String,
    /// The dataset's path relative to the graph root.
    pub path: String,
    /// The Lance version that was visible.
    pub pin: u64,
    /// The newest one.
    pub head: u64,
    /// Whether a sidecar named the table, or could not be read.
    pub covered: bool,
}

/// What one reader saw in one snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Number of the scenario's step counted from 1 as in events; `None` for a reader that ran beside the steps.
    pub step: Option<u64>,
    /// The reader's handle.
    pub handle: String,
    /// The handle's process.
    pub process: String,
    /// When the snapshot was taken.
    pub started: Tick,
    /// When the last row had been read.
    pub ended: Tick,
    /// The snapshot's graph version.
    pub graph_version: u64,
    /// How the snapshot came about.
    #[serde(default)]
    pub taken: Taken,
    /// Whole types only: a type that was not read in full is not listed.
    pub rows: BTreeMap<String, Vec<Row>>,
}

/// How a reader came by its snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Taken {
    /// It is what the handle happened to see.
    #[default]
    Held,
    /// It was fetched from the store after the reading began: whatever was acknowledged by then has to be in it.
    Fetched,
    /// It had been read before, and was read once more after others had written.
    Kept,
}

/// A reader beside the steps that could not go on reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReaderFailure {
    /// The reader.
    pub reader: String,
    /// When that was heard of.
    pub at: Tick,
    /// How its reading ended.
    pub why: String,
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
    /// Number of the scenario's step counted from 1 as in events; `None` for the closing one.
    pub step: Option<u64>,
    /// Whether it opened, or the error's whole text.
    pub result: Result<(), String>,
    /// Store calls that write (puts, multiparts, deletes, copies, renames), as `operation path`, from the trace layer.
    pub write_calls: Vec<String>,
    /// The store before; `None` when it was not listed (another process was writing).
    pub before: Option<Vec<ObjectFact>>,
    /// The store after.
    pub after: Option<Vec<ObjectFact>>,
}
