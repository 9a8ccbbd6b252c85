//! The table of verdicts at the end of a run.

use super::{CellId, FinishedCell, Verdict, VerdictName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many cells came to which verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VerdictCounts(pub BTreeMap<VerdictName, u64>);

impl VerdictCounts {
    /// Counts one more.
    pub fn add(&mut self, name: VerdictName) {
        *self.0.entry(name).or_default() += 1;
    }

    /// How many came to this verdict.
    pub fn of(&self, name: VerdictName) -> u64 {
        self.0.get(&name).copied().unwrap_or(0)
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

/// The table of verdicts at the end of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Counts by area (the first folder of a scenario's path), then by backend.
    pub table: BTreeMap<String, BTreeMap<String, VerdictCounts>>,
    /// Counts over everything.
    pub totals: VerdictCounts,
    /// Cells that were not run, with the reason, grouped by reason in the order in which they were met.
    pub not_run: Vec<(String, Vec<CellId>)>,
    /// Cells that are not green, in the order in which they finished.
    pub failed: Vec<(CellId, VerdictName)>,
    /// How long the run took.
    pub duration_ms: u64,
}

impl Summary {
    /// Takes one more finished cell into the table.
    pub fn add(&mut self, finished: &FinishedCell) {
        let name = finished.verdict.name();
        let area = self.table.entry(finished.cell.area().to_owned()).or_default();
        area.entry(finished.cell.backend.clone()).or_default().add(name);
        self.totals.add(name);
        if finished.verdict.is_failure() {
            self.failed.push((finished.cell.clone(), name));
        }
        if let Verdict::Skipped { .. } | Verdict::NotApplicable { .. } = finished.verdict {
            let reason = finished.verdict.reasons().join("; ");
            match self.not_run.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, cells)) => cells.push(finished.cell.clone()),
                None => self.not_run.push((reason, vec![finished.cell.clone()])),
            }
        }
    }

    /// Every backend that has a column.
    pub fn backends(&self) -> Vec<&str> {
        let mut backends: Vec<&str> = self.table.values().flat_map(|row| row.keys().map(String::as_str)).collect();
        backends.sort_unstable();
        backends.dedup();
        backends
    }

    /// Cells that were run to a verdict each second, counting only those that were run.
    pub fn cells_per_second(&self) -> f64 {
        let run =
            self.totals.total() - self.totals.of(VerdictName::Skipped) - self.totals.of(VerdictName::NotApplicable);
        run as f64 * 1000.0 / (self.duration_ms.max(1)) as f64
    }
}
