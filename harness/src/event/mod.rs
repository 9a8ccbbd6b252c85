//! What a run says about itself: one stream of plain data, from the supervisor to every report.
//!
//! A report reads this module and nothing else of the harness. Everything here is serde data without borrowed parts, so a
//! stream that was written to a file reads back into the same values.

mod cell;
mod command;
mod fault;
mod outcome;
mod summary;
mod swarm;
mod sweep;
mod verdict;

pub use cell::{CellId, FinishedCell};
pub use command::shell_word;
pub use fault::{FaultFamily, FaultId, FaultTally, Firing};
pub use outcome::{ErrorData, Outcome, OutcomeName, WriteData};
pub use summary::{Summary, VerdictCounts};
pub use swarm::{FaultCounts, SwarmReport};
pub use sweep::SweepReport;
pub use verdict::{Breach, Verdict, VerdictName};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;

/// One event with the time at which the supervisor learned of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Milliseconds since the run started.
    pub elapsed_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Everything that can happen in a run, in the order in which it can first happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The selection is planned; nothing has been started.
    RunStarted(RunStarted),
    /// A backend answered its preflight and takes cells from now on.
    BackendReady {
        /// Its name.
        backend: String,
        /// How long it took to start and to pass its preflight.
        start_ms: u64,
        /// One answer for every promise that the preflight asked about.
        preflight: Vec<PreflightAnswer>,
        /// What else is worth a line: endpoint, image, version. Never a credential.
        details: BTreeMap<String, String>,
    },
    /// A backend is not there; its cells are skipped, counted and shown with this reason.
    BackendSkipped {
        /// Its name.
        backend: String,
        /// Why, as a sentence without a full stop.
        reason: String,
    },
    /// A backend that should be there is broken; its cells are trouble with the infrastructure.
    BackendFailed {
        /// Its name.
        backend: String,
        /// Why, as a sentence without a full stop.
        reason: String,
        /// The answers of its preflight, as far as there are any.
        preflight: Vec<PreflightAnswer>,
    },
    /// A cell got a worker.
    CellStarted {
        /// Which.
        cell: CellId,
        /// The seed that all of the cell's random streams derive from.
        seed: u64,
    },
    /// A step was sent to its process.
    StepStarted {
        /// Of which cell.
        cell: CellId,
        /// Which step.
        step: StepRef,
    },
    /// A fault can fire from now on.
    FaultArmed {
        /// Of which cell.
        cell: CellId,
        /// Which fault.
        fault: FaultId,
    },
    /// The site of a fault was met for the first time.
    FaultReached {
        /// Of which cell.
        cell: CellId,
        /// Which fault.
        fault: FaultId,
    },
    /// A fault fired for the first time.
    FaultFired {
        /// Of which cell.
        cell: CellId,
        /// Which fault.
        fault: FaultId,
        /// Where, and what it did there.
        #[serde(default)]
        firing: Firing,
    },
    /// One call to the object store. Kept in the log of a cell, and told right before the verdict of one that failed, with
    /// the time at which it was heard of.
    StoreCall {
        /// Of which cell.
        cell: CellId,
        /// The call.
        call: StoreCall,
    },
    /// A step ended.
    StepFinished {
        /// Of which cell.
        cell: CellId,
        /// Which step.
        step: StepRef,
        /// How it ended.
        outcome: Outcome,
        /// Whether that is what the scenario said would happen.
        as_expected: bool,
        /// How long it took.
        duration_ms: u64,
    },
    /// Somebody finished or undid what a crash left: the write entry, a refresh or a read-write open.
    RecoveryObserved {
        /// Of which cell.
        cell: CellId,
        /// During which step; none during the convergence at the end.
        step: Option<StepRef>,
        /// Operations that recovery rolled forward.
        rolled_forward: Vec<String>,
        /// Operations that recovery rolled back.
        rolled_back: Vec<String>,
        /// Operations that this pass had to leave to another, and why.
        deferred: Vec<String>,
    },
    /// A cell was judged.
    CellFinished(FinishedCell),
    /// Cells follow from one that was judged: from now on they belong to the run as those of its selection do.
    CellsDerived {
        /// What they follow from.
        from: CellId,
        /// Which.
        cells: Vec<CellId>,
    },
    /// Every case of a sweep on one backend has its verdict.
    SweepFinished(SweepReport),
    /// Every universe of a swarm on one backend has its verdict.
    SwarmFinished(SwarmReport),
    /// Every cell has its verdict.
    RunFinished {
        /// The table of verdicts.
        summary: Summary,
    },
}

/// What was asked for and what it came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// A ULID.
    pub run: String,
    /// Root of every random stream of the run.
    pub seed: u64,
    /// Wall-clock time of the start, RFC 3339 in UTC.
    pub started_at: String,
    /// Versions of the harness, the engine and what they stand on, by name.
    pub versions: BTreeMap<String, String>,
    /// What was selected.
    pub selection: Selection,
    /// Every failpoint that the engine has, each with whoever crosses it: what the run could have exercised.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failpoints: Vec<String>,
}

/// What a run covers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    /// Paths as typed; empty means all scenarios.
    pub paths: Vec<String>,
    /// Tags as typed; a scenario needs one of them.
    pub tags: Vec<String>,
    /// Backends that take part.
    pub backends: Vec<String>,
    /// Shard `k` of `n`, counted from 1.
    pub shard: Option<(u32, u32)>,
    /// Scenarios selected.
    pub scenarios: u64,
    /// Every cell of the run, in the order in which they start.
    pub cells: Vec<CellId>,
    /// Cells run at the same time.
    pub jobs: u64,
}

/// One promise of a store and whether it was kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreflightAnswer {
    /// The promise, as a sentence.
    pub check: String,
    /// Whether it was kept.
    pub held: bool,
    /// What was seen instead, or a number worth keeping.
    pub detail: Option<String>,
}

/// Names a step of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StepRef {
    /// Its place in the scenario, counted from 1.
    pub number: u64,
    /// The step's kind, such as `load`.
    pub kind: String,
    /// Line of the scenario file on which it begins, counted from 1.
    pub line: Option<u64>,
    /// Process it runs in.
    pub process: String,
    /// Handle it uses.
    pub handle: String,
}

/// One call to the object store, as a layer saw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoreCall {
    /// Process that made it.
    pub process: String,
    /// Counts the calls of that process, from 0.
    pub sequence: u64,
    /// `control` or `table`.
    pub realm: String,
    /// Operation, such as `put-if-absent`.
    pub operation: String,
    /// Class of the path, such as `sidecar`.
    pub class: String,
    /// Path relative to the root of the graph.
    pub path: String,
    /// Bytes sent or received.
    pub bytes: u64,
    /// `ok`, or what went wrong.
    pub outcome: String,
}

/// Consumes the stream. One output format, one implementation.
pub trait Sink: Send {
    /// Takes the next event.
    ///
    /// # Errors
    ///
    /// An output that cannot be written. The run goes on and the exit code says so.
    fn record(&mut self, record: &Record) -> io::Result<()>;

    /// Called once, after the last event.
    ///
    /// # Errors
    ///
    /// As [`Sink::record`].
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: Sink + ?Sized> Sink for Box<S> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        (**self).record(record)
    }

    fn finish(&mut self) -> io::Result<()> {
        (**self).finish()
    }
}

impl Event {
    /// The cell that this event belongs to, if it belongs to one.
    pub fn cell(&self) -> Option<&CellId> {
        match self {
            Event::RunStarted(_)
            | Event::BackendReady { .. }
            | Event::BackendSkipped { .. }
            | Event::BackendFailed { .. }
            | Event::CellsDerived { .. }
            | Event::SweepFinished(_)
            | Event::SwarmFinished(_)
            | Event::RunFinished { .. } => None,
            Event::CellStarted { cell, .. }
            | Event::StepStarted { cell, .. }
            | Event::FaultArmed { cell, .. }
            | Event::FaultReached { cell, .. }
            | Event::FaultFired { cell, .. }
            | Event::StoreCall { cell, .. }
            | Event::StepFinished { cell, .. }
            | Event::RecoveryObserved { cell, .. } => Some(cell),
            Event::CellFinished(finished) => Some(&finished.cell),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        let record = Record {
            elapsed_ms: 12,
            event: Event::StepFinished {
                cell: CellId::new("write/a-load", "memory"),
                step: StepRef {
                    number: 1,
                    kind: "load".into(),
                    line: Some(4),
                    process: "main".into(),
                    handle: "main".into(),
                },
                outcome: Outcome::Refused { error: ErrorData::new("conflict", "table moved") },
                as_expected: false,
                duration_ms: 3,
            },
        };
        let line = serde_json::to_string(&record).expect("plain data");
        assert!(line.starts_with(r#"{"elapsed_ms":12,"event":"step-finished""#), "{line}");
        assert_eq!(serde_json::from_str::<Record>(&line).expect("own output"), record);
    }
}
