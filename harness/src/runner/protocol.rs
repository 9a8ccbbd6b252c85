//! What supervisor and worker say to each other: JSON, a line a message, over the worker's standard input and output.
//!
//! A worker serves one cell after another. `Begin` opens a cell and is the only message with credentials in it, which is
//! why the protocol runs over pipes and not over arguments or the environment. Every order carries a ticket, and every
//! ticket is answered by exactly one `Done`, unless the worker dies first. Notes come in between, as they happen.

use std::fmt;

use serde::{Deserialize, Serialize};

use omnigraph::storage::LateCall;

use crate::backend::CellAddress;
use crate::event::{CellId, FaultId, FaultTally, Firing, Outcome, StoreCall};
use crate::fault::FaultOrder;
use crate::oracle::evidence::{Closing, ReadOnlyOpen, TableDrift, Taken, Tick, VersionReading, WriteProbe};
use crate::oracle::facts::SchemaFacts;
use crate::scenario::model::{Load, OpenMode, Scenario, Step};
use crate::seed::Seed;
use crate::workload::{Damaged, Recovered, SavedObject, WholeTypes};

/// Names an order of the supervisor; unique in a cell.
pub type Ticket = u64;

/// From the supervisor to a worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub enum Request {
    /// A new cell. Whatever the worker still holds of the cell before is dropped. A cell that is simulated is the worker's
    /// first and last.
    Begin(Box<Begin>),
    /// Something to do.
    Order {
        /// Names it.
        ticket: Ticket,
        /// What.
        order: Box<Order>,
    },
    /// Several at once, in this order.
    Together {
        /// Which.
        requests: Vec<Request>,
    },
    /// Lets the window go on that this fault holds.
    Release {
        /// Process that it is held in.
        process: String,
        /// The fault.
        fault: FaultId,
    },
    /// Lets the readers beside the steps read again. What they read from now on is said to have begun after `since`.
    Look {
        /// Where the cell's order of events stands.
        since: Tick,
    },
    /// The readers beside the steps have read enough.
    Enough,
    /// To a worker that simulates: the supervisor has heard this many replies, has said what it has to say to them, and waits. Only
    /// then may simulated time pass: whether a timer or the supervisor's next word comes first is then no race.
    Waiting {
        /// Replies of this worker, notes and all.
        heard: u64,
    },
    /// The cell is over: everything of it is dropped.
    End,
}

/// What a worker has to know of a cell.
#[derive(Clone, Serialize, Deserialize)]
pub struct Begin {
    /// Which cell.
    pub cell: CellId,
    /// Where its bytes are, with the credentials for it.
    pub address: CellAddress,
    /// Where the cell's random streams start.
    pub seed: Seed,
    /// Whether this worker simulates every process of the cell, because the bytes live in it.
    pub simulated: bool,
    /// The graph's types.
    pub schema: String,
    /// Bounds.
    pub limits: WorkerLimits,
    /// The ordinal of this worker among those of the cell, from 1: no two of them draw the same ids.
    pub worker: u64,
}

impl fmt::Debug for Begin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begin").field("cell", &self.cell).field("simulated", &self.simulated).finish_non_exhaustive()
    }
}

/// Bounds of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerLimits {
    /// How long a step may take, in milliseconds; here of simulated time, of which the supervisor knows nothing.
    pub step_max_ms: u64,
    /// How long a window may be held, in milliseconds.
    pub hold_max_ms: u64,
    /// Store calls of one step that are kept.
    pub calls_max_count: usize,
    /// Attempts of a handle to write again once faults are lifted.
    pub probe_attempts_max: u32,
    /// Bytes that the processes of a cell may write to its store together, over all their lives.
    pub store_max_bytes: u64,
}

/// Something to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "kebab-case")]
pub enum Order {
    /// Creates the graph and loads its setup, through a handle of a process; no fault is armed.
    SetUp {
        /// Process.
        process: String,
        /// Handle that stays open.
        handle: String,
        /// One append; none when it has no rows.
        load: Box<Load>,
    },
    /// Runs a step.
    Step(Box<StepOrder>),
    /// Opens a handle that a step needs, after the death of its process; no fault is armed.
    Reopen {
        /// Process.
        process: String,
        /// Handle.
        handle: String,
        /// As it was last asked for.
        mode: OpenMode,
    },
    /// Ends a simulated process.
    Kill {
        /// Process.
        process: String,
    },
    /// Lifts every fault of a process.
    LiftAll {
        /// Process.
        process: String,
    },
    /// Reads one snapshot after another, until the readers have read enough.
    Read {
        /// The reader's number, from 1.
        reader: u64,
    },
    /// Looks at the store from outside: which sidecars lie there, and what versions became visible.
    Observe {
        /// Whether to look for tables whose HEAD is not their pin, too: no call is in flight.
        drift: bool,
    },
    /// Converges the graph in a fresh process and makes the closing observations, except for the probes.
    Close {
        /// Versions that were read when they were new.
        versions: Vec<VersionReading>,
        /// Whether there may be no graph, so that the place has to be free for one.
        or_create: bool,
    },
    /// Lets calls that were kept back reach the store, in this order.
    Arrive {
        /// The calls.
        calls: Vec<LateCall>,
    },
    /// Reads every object of the store, for a failure's bundle.
    Objects {
        /// Bytes over all objects; nothing is read of a store that has more.
        bytes_max: u64,
    },
    /// Writes once through every open handle of a process.
    Probe {
        /// Process.
        process: String,
    },
}

/// A step and what goes with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepOrder {
    /// Its number in the scenario, from 1.
    pub number: u64,
    /// The step.
    pub step: Step,
    /// Its faults, named.
    pub faults: Vec<FaultOrder>,
    /// Commits that the set-up made: what a check counts from.
    pub commits_before: usize,
    /// The objects that a damage of this name changed, for a step `undo`.
    pub undo: Vec<SavedObject>,
    /// Whether no other call is in flight, so that the store can be compared before and after.
    pub alone: bool,
}

/// From a worker to the supervisor.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub enum Reply {
    /// An order was carried out, or ended otherwise.
    Done {
        /// Which.
        ticket: Ticket,
        /// How.
        report: Box<Report>,
    },
    /// Something happened in between.
    Note(Note),
}

/// Something that happened while an order was carried out.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "kebab-case")]
pub enum Note {
    /// The site of a fault was met for the first time.
    Reached {
        /// Which fault.
        fault: FaultId,
    },
    /// A fault fired for the first time.
    Fired {
        /// Which fault.
        fault: FaultId,
        /// Where, and what it did there.
        firing: Firing,
    },
    /// A window is held.
    Held {
        /// By which fault.
        fault: FaultId,
    },
    /// A call to the store was kept back.
    Late {
        /// When it arrives, in the scenario's word.
        name: String,
        /// The call.
        call: Box<LateCall>,
    },
    /// A reader beside the steps has read a snapshot.
    Saw(Box<Saw>),
    /// A process wrote to the store.
    Wrote {
        /// Process.
        process: String,
        /// What it wrote since it last said so, in bytes.
        bytes: u64,
    },
    /// The last words of a process.
    Dying {
        /// Process.
        process: String,
        /// Where it dies.
        place: String,
        /// The counts of all its faults.
        tallies: Vec<FaultTally>,
        /// Its store calls since they were last told.
        calls: Vec<StoreCall>,
    },
}

/// What a reader beside the steps saw in one snapshot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Saw {
    /// The reader's number.
    pub reader: u64,
    /// A place in the cell's order of events that lay behind when the reading began.
    pub since: Tick,
    /// How the snapshot came about.
    pub taken: Taken,
    /// Every type.
    pub read: WholeTypes,
}

/// How an order ended and what was seen in it. What an order does not see stays empty.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// What was recovered on the way.
    pub recovered: Option<Recovered>,
    /// Types whose drift a repair shows or published, sorted.
    pub drift: Option<Vec<String>>,
    /// The counts of all faults of the process, so far.
    pub tallies: Vec<FaultTally>,
    /// The process's store calls since they were last told.
    pub calls: Vec<StoreCall>,
    /// What a check or a query read, when it read whole types.
    pub read: Option<WholeTypes>,
    /// Objects as they were before a damage.
    pub saved: Vec<SavedObject>,
    /// What a damage did.
    pub damaged: Option<Damaged>,
    /// What a read-only open did to the store.
    pub read_only_open: Option<ReadOnlyOpen>,
    /// Operation ids of the sidecars that lie there.
    pub sidecars: Option<Vec<String>>,
    /// Tables whose HEAD is not their pin.
    pub drifted: Option<Vec<TableDrift>>,
    /// Versions that became visible, read for the first time.
    pub versions: Vec<VersionReading>,
    /// Number of commits in the history.
    pub commits: Option<usize>,
    /// The graph's types.
    pub schema: Option<SchemaFacts>,
    /// The closing observations.
    pub closing: Option<Closing>,
    /// The second reading of the versions.
    pub versions_again: Vec<VersionReading>,
    /// The closing read-only open.
    pub closing_open: Option<ReadOnlyOpen>,
    /// Why there are no closing observations.
    pub closing_failed: Option<String>,
    /// Every object of the store, or why they are not here.
    pub objects: Option<Result<Vec<SavedObject>, String>>,
    /// Writes through the handles of a process.
    pub probes: Vec<WriteProbe>,
}

impl Report {
    /// A report of nothing but the outcome.
    pub fn of(outcome: Outcome) -> Self {
        Report { outcome: Some(outcome), ..Report::default() }
    }
}

/// A cell as a worker is told of it.
pub fn begin(
    cell: &CellId,
    scenario: &Scenario,
    address: CellAddress,
    seed: Seed,
    simulated: bool,
    limits: WorkerLimits,
) -> Begin {
    Begin { cell: cell.clone(), address, seed, simulated, schema: scenario.graph.schema.clone(), limits, worker: 0 }
}
