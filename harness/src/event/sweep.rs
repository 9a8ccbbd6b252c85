//! What a sweep came to on one backend.

use super::VerdictCounts;
use serde::{Deserialize, Serialize};

/// What a sweep came to on one backend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepReport {
    /// Name of the scenario file that says what is swept.
    pub sweep: String,
    /// Name of the backend.
    pub backend: String,
    /// How many durable writes the operation made, over the runs in which it came to its end: the fewest and the most.
    /// None where it never did.
    pub writes: Option<(u64, u64)>,
    /// Places at which the operation was killed by its writes.
    pub cuts: u64,
    /// Places at which it was killed around its answer.
    pub answer_cuts: u64,
    /// Places at which a recovery was killed in its turn.
    pub recovery_cuts: u64,
    /// Cuts whose recovery had nothing to write, so that there was nothing to kill it at.
    pub quiet_recoveries: u64,
    /// Crossings of windows at which the operation was made to fail or die, before anything else failed.
    #[serde(default)]
    pub firsts: u64,
    /// Pairs of faults that were tried.
    #[serde(default)]
    pub pairs: u64,
    /// Pairs that were left out, by the argument for it.
    #[serde(default)]
    pub pruned: Vec<(String, u64)>,
    /// Pairs that nobody tried and no argument leaves out: their second fault strikes a later call of its kind than the first
    /// one after the first fault.
    #[serde(default)]
    pub later: u64,
    /// What all its cells came to.
    pub verdicts: VerdictCounts,
    /// What nobody has looked at.
    pub unexplored: Vec<String>,
}
