//! What a swarm came to on one backend.

use super::{OutcomeName, VerdictCounts, VerdictName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a swarm came to on one backend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwarmReport {
    /// Names of the swarm files whose universes were drawn.
    pub swarms: Vec<String>,
    /// Name of the backend.
    pub backend: String,
    /// What all universes came to.
    pub verdicts: VerdictCounts,
    /// How operations ended, by kind of step.
    pub outcomes: BTreeMap<String, BTreeMap<OutcomeName, u64>>,
    /// What became of faults, by what they do.
    pub faults: BTreeMap<String, FaultCounts>,
    /// Universes that held, and that the reference model did not judge.
    pub not_modelled: u64,
    /// What nobody has looked at.
    pub unexplored: Vec<String>,
}

/// What became of faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultCounts {
    /// How many were armed.
    pub armed: u64,
    /// How many of them had their site met.
    pub reached: u64,
    /// How many of them did something.
    pub fired: u64,
}

impl SwarmReport {
    /// How many operations ended so.
    pub fn ended(&self, name: OutcomeName) -> u64 {
        self.outcomes.values().filter_map(|ends| ends.get(&name)).sum()
    }

    /// How many operations ended.
    pub fn operations(&self) -> u64 {
        self.outcomes.values().flat_map(BTreeMap::values).sum()
    }

    /// What became of all faults.
    pub fn all_faults(&self) -> FaultCounts {
        self.faults.values().fold(FaultCounts::default(), |sum, faults| FaultCounts {
            armed: sum.armed + faults.armed,
            reached: sum.reached + faults.reached,
            fired: sum.fired + faults.fired,
        })
    }

    /// Universes that are not green.
    pub fn failures(&self) -> u64 {
        let green = [VerdictName::Held, VerdictName::Skipped, VerdictName::NotApplicable, VerdictName::Known];
        self.verdicts.total() - green.into_iter().map(|name| self.verdicts.of(name)).sum::<u64>()
    }
}
