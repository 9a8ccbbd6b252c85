//! How much a process writes to the store, so that no scenario fills a disk.
//!
//! The supervisor adds up what all processes of a cell write, in all their lives; a meter only tells it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use omnigraph::storage::{CallObserver, CallRecord};

use super::outbox::Outbox;
use crate::runner::protocol::Note;

/// Told at least once for so many bytes, however much is allowed.
const TELL_EVERY_MAX_BYTES: u64 = 1 << 20;
/// Told so often before what is allowed is written.
const TELLS: u64 = 256;

/// Counts what one process writes, and says so from time to time.
pub struct Meter {
    process: String,
    tell_every_bytes: u64,
    untold: AtomicU64,
    outbox: Outbox,
}

impl Meter {
    /// A process that has written nothing yet, in a cell that may write this much.
    pub fn new(process: &str, max_bytes: u64, outbox: Outbox) -> Self {
        let tell_every_bytes = (max_bytes / TELLS).clamp(1, TELL_EVERY_MAX_BYTES);
        Meter { process: process.to_owned(), tell_every_bytes, untold: AtomicU64::new(0), outbox }
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter").field("process", &self.process).field("untold", &self.untold).finish_non_exhaustive()
    }
}

impl CallObserver for Meter {
    /// Also counts calls that failed: their bytes may lie there all the same.
    fn ended(&self, record: &CallRecord) {
        if !record.call.operation.is_write() {
            return;
        }
        let bytes = record.call.bytes;
        let untold = self.untold.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if untold >= self.tell_every_bytes {
            let bytes = self.untold.swap(0, Ordering::Relaxed);
            self.outbox.note(Note::Wrote { process: self.process.clone(), bytes });
        }
    }
}
