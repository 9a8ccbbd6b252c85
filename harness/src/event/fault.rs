//! An armed fault and what became of it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a fault acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultFamily {
    /// A named point in the engine's code.
    Failpoint,
    /// A call to the object store.
    Store,
    /// A whole process.
    Process,
}

impl FaultFamily {
    /// Its name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            FaultFamily::Failpoint => "failpoint",
            FaultFamily::Store => "store",
            FaultFamily::Process => "process",
        }
    }
}

/// Names one armed fault of a cell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FaultId {
    /// Step that arms it, counted from 1.
    pub step: u64,
    /// Its place among the faults of that step, counted from 1.
    pub ordinal: u64,
    /// Where it acts.
    pub family: FaultFamily,
    /// What it waits for: a failpoint's name, or operation, class, glob and realm of store calls.
    pub site: String,
    /// What it does there, as the scenario says it.
    pub action: String,
}

impl fmt::Display for FaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}: {} {} → {}", self.step, self.family.as_str(), self.site, self.action)
    }
}

/// An armed fault with its counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultTally {
    /// Which fault.
    pub fault: FaultId,
    /// How often its site was met while it was armed.
    pub reached: u64,
    /// How often it did something there.
    pub fired: u64,
}

impl FaultTally {
    /// Whether the fault did what it was armed for at least once.
    pub fn is_exercised(&self) -> bool {
        self.fired > 0
    }
}
