//! An armed fault and what became of it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
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
    /// The wire between the clients and the store.
    Wire,
}

impl FaultFamily {
    /// Its name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            FaultFamily::Failpoint => "failpoint",
            FaultFamily::Store => "store",
            FaultFamily::Process => "process",
            FaultFamily::Wire => "wire",
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

/// A place at which a fault fired, and what it did there.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Firing {
    /// Where: a failpoint with whoever crossed it, such as `load:sidecar.write`, or a store call with its path.
    pub at: String,
    /// What it did: the task of a failpoint, such as `return` or `crash`, or the action of a store fault.
    pub did: String,
}

impl Firing {
    /// Places that are kept of one fault; a failpoint has fewer than that, a store fault may strike any number of objects.
    pub const COUNT_MAX: usize = 32;
}

impl fmt::Display for Firing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.at, self.did)
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
    /// The places at which it did, as far as they were kept.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub firings: BTreeSet<Firing>,
}

impl FaultTally {
    /// A fault that nothing is known of yet.
    pub fn armed(fault: FaultId) -> Self {
        FaultTally { fault, reached: 0, fired: 0, firings: BTreeSet::new() }
    }

    /// Takes what another count of the same fault knows; counts never go down.
    pub fn merge(&mut self, other: &FaultTally) {
        self.reached = self.reached.max(other.reached);
        self.fired = self.fired.max(other.fired);
        self.firings.extend(other.firings.iter().cloned());
    }

    /// Whether the fault did what it was armed for at least once.
    pub fn is_exercised(&self) -> bool {
        self.fired > 0
    }
}
