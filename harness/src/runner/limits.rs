//! Bounds of a cell. Everything that waits, waits with one of these.

use serde::{Deserialize, Serialize};

use super::protocol::WorkerLimits;

/// Bounds of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// How long one step or one closing observation may take, in milliseconds; its worker is killed then.
    pub step_max_ms: u64,
    /// How long a whole cell may take, in milliseconds.
    pub cell_max_ms: u64,
    /// Bytes of a failed cell's store that are kept in its bundle.
    pub bundle_store_max_bytes: u64,
    /// Memory that one worker may take, in bytes; it is killed then. What counts is what it really holds (its resident
    /// set): an address space means nothing with memory-mapped files and many threads.
    pub memory_max_bytes: u64,
    /// Bounds of its workers.
    pub worker: WorkerLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            step_max_ms: 30_000,
            cell_max_ms: 120_000,
            bundle_store_max_bytes: 8 << 20,
            memory_max_bytes: 4 << 30,
            worker: WorkerLimits {
                step_max_ms: 30_000,
                hold_max_ms: 20_000,
                calls_max_count: 2_000,
                probe_attempts_max: 3,
                store_max_bytes: 1 << 30,
            },
        }
    }
}
