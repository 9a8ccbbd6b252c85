//! What the formats that write at the end remember of a run.

use std::collections::{BTreeMap, BTreeSet};

use super::trail::Trails;
use crate::event::{
    CellId, Event, FinishedCell, PreflightAnswer, Record, RunStarted, Summary, SwarmReport, SweepReport, Verdict,
    VerdictName,
};

/// A run, as far as it has been told.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// How it began.
    pub started: Option<RunStarted>,
    /// Backends that were ready.
    pub ready: Vec<ReadyBackend>,
    /// Backends that are not there, with the reason.
    pub skipped_backends: Vec<(String, String)>,
    /// Backends that are broken, with the reason.
    pub failed_backends: Vec<(String, String)>,
    /// Cells that followed from others.
    pub derived: Vec<CellId>,
    /// Sweeps that came to their end, in the order in which they did.
    pub sweeps: Vec<SweepReport>,
    /// Swarms that came to their end, one for each backend, in the order in which they did.
    pub swarms: Vec<SwarmReport>,
    /// Finished cells, in the order in which they finished.
    pub cells: Vec<FinishedCell>,
    /// The table of verdicts; there only when the run ended.
    pub summary: Option<Summary>,
    /// What happened in cells that failed.
    pub trails: Trails,
}

/// A backend that took cells.
#[derive(Clone, Debug)]
pub struct ReadyBackend {
    /// Its name.
    pub name: String,
    /// How long it took to start and to pass its preflight.
    pub start_ms: u64,
    /// What the preflight asked, and the answers.
    pub preflight: Vec<PreflightAnswer>,
    /// What else there is to say of it, on one line.
    pub details: String,
}

impl Collected {
    /// Takes the next event.
    pub fn take(&mut self, record: &Record) {
        self.trails.take(record);
        match &record.event {
            Event::RunStarted(started) => self.started = Some(started.clone()),
            Event::BackendReady { backend, start_ms, preflight, details } => {
                let details: Vec<String> = details.iter().map(|(name, value)| format!("{name} {value}")).collect();
                self.ready.push(ReadyBackend {
                    name: backend.clone(),
                    start_ms: *start_ms,
                    preflight: preflight.clone(),
                    details: details.join(", "),
                });
            }
            Event::BackendSkipped { backend, reason } => self.skipped_backends.push((backend.clone(), reason.clone())),
            Event::BackendFailed { backend, reason, .. } => {
                self.failed_backends.push((backend.clone(), reason.clone()))
            }
            Event::CellsDerived { cells, .. } => self.derived.extend(cells.iter().cloned()),
            Event::CellFinished(finished) => self.cells.push(finished.clone()),
            Event::SweepFinished(report) => self.sweeps.push(report.clone()),
            Event::SwarmFinished(report) => self.swarms.push(report.clone()),
            Event::RunFinished { summary } => self.summary = Some(summary.clone()),
            _ => {}
        }
    }

    /// The table of verdicts: the run's own, or what can be said of a run that broke off.
    pub fn summary(&self) -> Summary {
        self.summary.clone().unwrap_or_else(|| {
            let mut summary = Summary::default();
            self.cells.iter().for_each(|cell| summary.add(cell));
            summary
        })
    }

    /// Cells that make the run red, the worst kinds first.
    pub fn failures(&self) -> Vec<&FinishedCell> {
        let mut failures: Vec<&FinishedCell> = self.cells.iter().filter(|cell| cell.verdict.is_failure()).collect();
        failures.sort_by_key(|cell| (cell.verdict.name(), cell.cell.clone()));
        failures
    }

    /// Cells that broke as a known issue says.
    pub fn known(&self) -> Vec<&FinishedCell> {
        self.cells.iter().filter(|cell| cell.verdict.name() == VerdictName::Known).collect()
    }

    /// Canaries that ran, and those of them that failed as they must.
    pub fn canaries(&self) -> (usize, usize) {
        let ran = |cell: &&FinishedCell| {
            cell.canary && !matches!(cell.verdict, Verdict::Skipped { .. } | Verdict::NotApplicable { .. })
        };
        let canaries: Vec<&FinishedCell> = self.cells.iter().filter(ran).collect();
        (canaries.len(), canaries.iter().filter(|cell| cell.verdict == Verdict::Held).count())
    }

    /// Invariants that were not judged in some cell, by name, with the number of those cells; and how many cells were judged
    /// at all.
    pub fn not_judged(&self) -> (BTreeMap<&str, usize>, usize) {
        let mut counts = BTreeMap::new();
        for (invariant, _) in self.cells.iter().flat_map(|cell| &cell.not_judged) {
            *counts.entry(invariant.as_str()).or_default() += 1;
        }
        let judged = self.cells.iter().filter(|cell| !cell.held.is_empty() || !cell.not_judged.is_empty());
        (counts, judged.count())
    }

    /// Whether universes were run, and no fault fired in any: nothing is shown then, however green they are.
    pub fn swarms_prove_nothing(&self) -> bool {
        !self.swarms.is_empty() && self.swarms.iter().all(|report| report.all_faults().fired == 0)
    }

    /// Cells that were selected, or followed from others, and never finished.
    pub fn unfinished(&self) -> Vec<&CellId> {
        let finished: BTreeSet<&CellId> = self.cells.iter().map(|finished| &finished.cell).collect();
        let selected = self.started.iter().flat_map(|started| &started.selection.cells);
        selected.chain(&self.derived).filter(|cell| !finished.contains(cell)).collect()
    }
}

/// `12 held, 1 broken`, the best known verdict first.
pub fn counts(counts: &crate::event::VerdictCounts) -> String {
    let named = |name: &VerdictName| match counts.of(*name) {
        0 => None,
        count => Some(format!("{count} {name}")),
    };
    let parts: Vec<String> = VerdictName::ALL.iter().filter_map(named).collect();
    if parts.is_empty() { "–".to_owned() } else { parts.join(", ") }
}

/// What a sweep tried, on one line.
pub fn swept(report: &SweepReport) -> String {
    let writes = match report.writes {
        None => "not counted".to_owned(),
        Some((fewest, most)) if fewest == most => format!("W {most}"),
        Some((fewest, most)) => format!("W {fewest} to {most}"),
    };
    let pruned: u64 = report.pruned.iter().map(|(_, count)| count).sum();
    let pairs = match report.firsts {
        0 => String::new(),
        firsts => {
            let later =
                if report.later > 0 { format!(", {} at later calls not tried", report.later) } else { String::new() };
            format!(", {} pairs of faults after {firsts} first ones ({pruned} left out{later})", report.pairs)
        }
    };
    format!(
        "{writes}: {} cuts, {} around the answer, {} in recoveries ({} had nothing to write){pairs}; {}",
        report.cuts,
        report.answer_cuts,
        report.recovery_cuts,
        report.quiet_recoveries,
        counts(&report.verdicts)
    )
}

/// Pairs of faults that were left out, a line for each argument.
pub fn left_out(report: &SweepReport) -> impl Iterator<Item = String> + '_ {
    report.pruned.iter().map(|(argument, count)| format!("{count} pairs, since {argument}"))
}

/// `312 ms` or `14.2 s`.
pub fn duration(ms: u64) -> String {
    if ms < 1000 { format!("{ms} ms") } else { format!("{:.1} s", ms as f64 / 1000.0) }
}
