//! One process of a cell: its handles, its faults and its life.
//!
//! Where the worker is the process, there is one of these beside the one that observes. On `memory` one worker holds all
//! processes of the cell; each has queues, faults and a life of its own, and shares nothing with the others but bytes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};
use std::time::Duration;

use omnigraph::Graph;
use omnigraph::storage::{CallOutcome, CallRecord, FaultLayer, Stack, StoreLayer, TraceLayer};

use super::meter::Meter;
use super::outbox::Outbox;
use super::site::Site;
use crate::event::StoreCall;
use crate::fault::{ArmedGuard, Board, Life, concrete};
use crate::runner::protocol::{Begin, Note};
use crate::scenario::model::OpenMode;
use crate::workload::surroundings::Surroundings;

/// One process in one life.
pub struct Process {
    /// Its name in the scenario.
    pub name: String,
    /// What its handles share, their ids and their clock.
    pub given: Surroundings,
    /// Its faults.
    pub board: Arc<Board>,
    /// Its store, with its layers.
    pub stack: Stack,
    trace: TraceLayer,
    handles: Mutex<BTreeMap<String, OpenHandle>>,
    lasting: Mutex<BTreeMap<String, ArmedGuard>>,
}

/// An open handle.
#[derive(Clone, Debug)]
pub struct OpenHandle {
    /// The graph.
    pub graph: Graph,
    /// How it was opened.
    pub mode: OpenMode,
}

impl Process {
    /// A process that begins its life.
    pub fn start(name: &str, given: Surroundings, begin: &Begin, site: &Site, outbox: &Outbox) -> Arc<Process> {
        let trace = TraceLayer::with_trace(begin.limits.calls_max_count);
        let own: Arc<OnceLock<Weak<Board>>> = Arc::default();
        let last_words = {
            let (own, trace, outbox, process) = (Arc::clone(&own), trace.clone(), outbox.clone(), name.to_owned());
            Box::new(move |place: &str| {
                let board = own.get().and_then(Weak::upgrade);
                let tallies = board.map(|board| board.tallies()).unwrap_or_default();
                let calls = store_calls(&process, trace.take_trace());
                outbox.note(Note::Dying { process: process.clone(), place: place.to_owned(), tallies, calls });
            })
        };
        let life = Arc::new(if begin.simulated { Life::simulated(last_words) } else { Life::real(last_words) });
        let hold_max = Duration::from_millis(begin.limits.hold_max_ms);
        let board = Board::new(life, Arc::new(outbox.clone()), concrete::stream_of_process(begin.seed, name), hold_max);
        let _ = own.set(Arc::downgrade(&board));
        // The trace sees every call that the engine makes; the watch sees a call that is done before the engine does.
        let meter = Meter::new(name, begin.limits.store_max_bytes, outbox.clone());
        let layers: [Arc<dyn StoreLayer>; 4] = [
            Arc::new(trace.clone()),
            Arc::new(FaultLayer::new(Arc::clone(&board) as _)),
            Arc::new(TraceLayer::with_observer(0, Arc::clone(&board) as _)),
            Arc::new(TraceLayer::with_observer(0, Arc::new(meter))),
        ];
        Arc::new(Process {
            name: name.to_owned(),
            given,
            stack: site.fresh(&layers),
            board,
            trace,
            handles: Mutex::default(),
            lasting: Mutex::default(),
        })
    }

    /// The handle of this name, if it is open.
    pub fn handle(&self, name: &str) -> Option<OpenHandle> {
        lock(&self.handles).get(name).cloned()
    }

    /// Every open handle, by name.
    pub fn handles(&self) -> Vec<(String, OpenHandle)> {
        lock(&self.handles).iter().map(|(name, handle)| (name.clone(), handle.clone())).collect()
    }

    /// Makes `handle` the one of this name.
    pub fn put_handle(&self, name: &str, handle: OpenHandle) {
        lock(&self.handles).insert(name.to_owned(), handle);
    }

    /// Drops a handle; says whether there was one.
    pub fn close_handle(&self, name: &str) -> bool {
        lock(&self.handles).remove(name).is_some()
    }

    /// Keeps faults armed until they are lifted by name.
    pub fn keep_armed(&self, name: &str, guard: ArmedGuard) {
        lock(&self.lasting).insert(name.to_owned(), guard);
    }

    /// Lifts the faults of this name; says whether there were any.
    pub fn lift(&self, name: &str) -> bool {
        lock(&self.lasting).remove(name).is_some()
    }

    /// Lifts every fault.
    pub fn lift_all(&self) {
        lock(&self.lasting).clear();
    }

    /// Its store calls since they were last taken.
    pub fn take_calls(&self) -> Vec<StoreCall> {
        store_calls(&self.name, self.trace.take_trace())
    }
}

fn store_calls(process: &str, records: Vec<CallRecord>) -> Vec<StoreCall> {
    let record = |record: CallRecord| StoreCall {
        process: process.to_owned(),
        sequence: record.seq,
        realm: record.call.realm.as_str().to_owned(),
        operation: record.call.operation.as_str().to_owned(),
        class: record.call.class.as_str().to_owned(),
        path: record.call.path,
        bytes: record.call.bytes,
        outcome: match record.outcome {
            CallOutcome::Done => "ok".to_owned(),
            CallOutcome::Failed(kind) => kind.to_string(),
            CallOutcome::Abandoned => "abandoned".to_owned(),
        },
    };
    records.into_iter().map(record).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
