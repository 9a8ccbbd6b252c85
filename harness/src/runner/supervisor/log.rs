//! Where events go: to every report at once, and into the log of their cell.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use crate::event::{CellId, Event, Record, Sink};

/// Events that the log of one cell keeps; what comes later is counted.
const CELL_EVENTS_MAX: usize = 20_000;
/// Store calls of a cell that the reports are told of: the last ones, since a failure shows at the end.
const CALLS_TOLD_MAX: usize = 2_000;

/// Hands events to every report, in one order.
pub struct Bus {
    started: Instant,
    state: Mutex<State>,
}

struct State {
    sinks: Vec<Box<dyn Sink>>,
    trouble: Option<String>,
}

impl Bus {
    /// A run begins now.
    pub fn new(sinks: Vec<Box<dyn Sink>>) -> Arc<Self> {
        Arc::new(Bus { started: Instant::now(), state: Mutex::new(State { sinks, trouble: None }) })
    }

    /// Milliseconds since the run began.
    pub fn elapsed_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    /// Stamps an event and hands it to every report.
    pub fn emit(&self, event: Event) -> Record {
        let mut state = self.lock();
        let record = Record { elapsed_ms: self.elapsed_ms(), event };
        state.hand_out(&record);
        record
    }

    /// The last event was emitted. Says what went wrong with a report, if anything did.
    pub fn finish(&self) -> Option<String> {
        let mut state = self.lock();
        let State { sinks, trouble } = &mut *state;
        for sink in sinks {
            if let Err(error) = sink.finish() {
                trouble.get_or_insert_with(|| format!("a report cannot be written: {error}"));
            }
        }
        trouble.take()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl State {
    fn hand_out(&mut self, record: &Record) {
        let State { sinks, trouble } = self;
        for sink in sinks {
            if let Err(error) = sink.record(record) {
                trouble.get_or_insert_with(|| format!("a report cannot be written: {error}"));
            }
        }
    }
}

/// The events of one cell.
pub struct CellLog {
    bus: Arc<Bus>,
    cell: CellId,
    records: Mutex<Vec<Record>>,
}

impl CellLog {
    /// A cell begins.
    pub fn new(bus: Arc<Bus>, cell: CellId) -> Arc<Self> {
        Arc::new(CellLog { bus, cell, records: Mutex::default() })
    }

    /// The cell.
    pub fn cell(&self) -> CellId {
        self.cell.clone()
    }

    /// Hands an event to every report, and keeps it.
    pub fn emit(&self, event: Event) {
        let record = self.bus.emit(event);
        self.push(record);
    }

    /// Keeps an event that is too small for the reports.
    pub fn keep(&self, event: Event) {
        self.push(Record { elapsed_ms: self.bus.elapsed_ms(), event });
    }

    fn push(&self, record: Record) {
        let mut records = self.records.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if records.len() < CELL_EVENTS_MAX {
            records.push(record);
        }
    }

    /// Tells every report of the store calls that were kept until now, with the times at which they were heard of.
    pub fn tell_calls(&self) {
        let records = self.records.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let calls: Vec<&Record> =
            records.iter().filter(|record| matches!(record.event, Event::StoreCall { .. })).collect();
        let mut reports = self.bus.lock();
        calls.iter().skip(calls.len().saturating_sub(CALLS_TOLD_MAX)).for_each(|call| reports.hand_out(call));
    }

    /// Every event of the cell so far.
    pub fn take(&self) -> Vec<Record> {
        std::mem::take(&mut *self.records.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}
