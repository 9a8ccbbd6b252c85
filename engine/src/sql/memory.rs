//! How much memory a statement may take, and where it goes on when that is not enough.

use std::fs;
use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};

use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnv;

use crate::error::{Error, Result};

/// Less than this, and a scan alone does not fit.
const MEMORY_BYTES_MIN: u64 = 16 << 20;
/// What a machine that does not say how much it has is taken to have.
const MACHINE_BYTES_UNKNOWN: u64 = 2 << 30;
/// What a statement may have of the machine's memory, in parts of a hundred.
const SHARE_PERCENT: u64 = 40;
/// Consumers of memory that an error names.
const CONSUMERS_NAMED: NonZeroUsize = NonZeroUsize::new(3).unwrap();

/// The memory of one statement: sorts, joins and aggregates go on in temporary files when it is used up.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    bytes: u64,
    runtime: Arc<RuntimeEnv>,
}

impl Memory {
    /// That many bytes, or the share of this machine's memory that a statement has by default.
    ///
    /// # Errors
    /// Too little to do anything in.
    pub(crate) fn new(bytes: Option<u64>) -> Result<Memory> {
        match bytes {
            None => Ok(Memory::default()),
            Some(bytes) if bytes >= MEMORY_BYTES_MIN => Ok(Memory::of(bytes)),
            Some(bytes) => {
                let message = format!("a memory limit of {bytes} bytes is too little to run SQL in");
                Err(Error::invalid(message).with_advice(format!("give at least {MEMORY_BYTES_MIN}")))
            }
        }
    }

    fn of(bytes: u64) -> Memory {
        let pool = FairSpillPool::new(usize::try_from(bytes).unwrap_or(usize::MAX));
        let memory_pool = Arc::new(TrackConsumersPool::new(pool, CONSUMERS_NAMED));
        Memory { bytes, runtime: Arc::new(RuntimeEnv { memory_pool, ..RuntimeEnv::default() }) }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn runtime(&self) -> &Arc<RuntimeEnv> {
        &self.runtime
    }
}

/// The share of this machine's memory that a statement has by default.
impl Default for Memory {
    fn default() -> Self {
        Memory::of(default_bytes())
    }
}

/// The share of the machine, or of the control group, that a statement has by default.
fn default_bytes() -> u64 {
    static BYTES: OnceLock<u64> = OnceLock::new();
    *BYTES.get_or_init(|| (machine_bytes() / 100 * SHARE_PERCENT).max(MEMORY_BYTES_MIN))
}

fn machine_bytes() -> u64 {
    let group = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let group = group.iter().filter_map(|path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok()).min();
    let total = fs::read_to_string("/proc/meminfo").ok().and_then(|text| mem_total(&text));
    group.into_iter().chain(total).min().unwrap_or(MACHINE_BYTES_UNKNOWN)
}

fn mem_total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_says_how_much_memory_it_has() {
        assert_eq!(mem_total("MemTotal:       16 kB\nMemFree: 1 kB\n"), Some(16_384));
        assert_eq!(mem_total("MemFree: 1 kB\n"), None);
        assert!(default_bytes() >= MEMORY_BYTES_MIN);
    }

    #[test]
    fn a_limit_in_which_nothing_can_be_done_is_refused() {
        let error = Memory::new(Some(1_000)).unwrap_err();
        assert!(error.to_string().contains("a memory limit of 1000 bytes is too little"), "{error}");
    }
}
