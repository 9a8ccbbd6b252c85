//! How much a process writes to the store, so that no scenario fills a disk.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use omnigraph::storage::{CallObserver, CallRecord};

use super::outbox::Outbox;
use crate::runner::protocol::Note;

/// Counts what one process writes, and says so once when that is too much.
pub struct Meter {
    process: String,
    max_bytes: u64,
    written: AtomicU64,
    outbox: Outbox,
}

impl Meter {
    /// A process that has written nothing yet.
    pub fn new(process: &str, max_bytes: u64, outbox: Outbox) -> Self {
        Meter { process: process.to_owned(), max_bytes, written: AtomicU64::new(0), outbox }
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter").field("process", &self.process).field("written", &self.written).finish_non_exhaustive()
    }
}

impl CallObserver for Meter {
    /// Also counts calls that failed: their bytes may lie there all the same.
    fn ended(&self, record: &CallRecord) {
        if !record.call.operation.is_write() {
            return;
        }
        let before = self.written.fetch_add(record.call.bytes, Ordering::Relaxed);
        let after = before.saturating_add(record.call.bytes);
        if before <= self.max_bytes && after > self.max_bytes {
            self.outbox.note(Note::WroteTooMuch { process: self.process.clone(), bytes: after });
        }
    }
}
