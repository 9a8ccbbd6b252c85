//! What a sweep has come to so far on one backend.

use std::ops::RangeInclusive;

use crate::event::{SweepReport, VerdictName};
use crate::scenario::cuts::{Again, Cut};

/// What no sweep looks at, whatever it finds.
const UNEXPLORED: &[&str] = &[
    "what others do meanwhile: nobody else reads or writes while the operation runs",
    "other orders of writes that run side by side than the one that each run had",
    "deaths at a read, or in the middle of a call; of an upload in parts only its completion is a cut",
    "a third death: a recovery is killed once, and then left alone",
    "windows that panic, delay or stand still",
];

/// What a sweep has come to so far on one backend.
#[derive(Debug)]
pub struct Tally {
    report: SweepReport,
    /// Cells that have no verdict yet.
    open: u64,
    /// Whether pairs are still to come from another backend.
    waits: bool,
    told: bool,
}

impl Tally {
    /// Nothing yet.
    pub fn new(sweep: &str, backend: &str) -> Self {
        let report = SweepReport {
            sweep: sweep.to_owned(),
            backend: backend.to_owned(),
            unexplored: UNEXPLORED.iter().map(|what| (*what).to_owned()).collect(),
            ..SweepReport::default()
        };
        Tally { report, open: 0, waits: false, told: false }
    }

    /// A cell of the sweep was planned.
    pub fn planned(&mut self) {
        self.open += 1;
    }

    /// Whether pairs are still to come from another backend.
    pub fn waits(&mut self, waits: bool) {
        self.waits = waits;
    }

    /// No pair is to come any more. Returns whether any was.
    pub fn stops_waiting(&mut self) -> bool {
        // Before it has done anything by itself, nobody knows whether anything can be done here at all.
        let ready = self.waits && self.report.verdicts.total() > 0;
        self.waits &= !ready;
        ready
    }

    /// A death is about to be tried.
    pub fn tries(&mut self, cut: Cut, again: Option<Again>) {
        match (cut, again) {
            (_, Some(_)) => self.report.recovery_cuts += 1,
            (Cut::Write(_), None) => self.report.cuts += 1,
            (Cut::BeforeAnswer | Cut::AfterAnswer, None) => self.report.answer_cuts += 1,
            (Cut::Nowhere, None) => {}
        }
    }

    /// The operation came to its end with so many durable writes. Returns the cuts that this adds: without any write, the
    /// one at the first write that there is not, so that a sweep of nothing is never green.
    pub fn counted(&mut self, writes: u64) -> RangeInclusive<u64> {
        let known = self.report.writes;
        let (fewest, most) = known.unwrap_or((writes, writes));
        self.report.writes = Some((fewest.min(writes), most.max(writes)));
        match known {
            None => 0..=writes,
            // Empty unless there are more than ever before.
            Some((_, most)) => most + 1..=writes,
        }
    }

    /// A first fault is about to be tried.
    pub fn tries_first(&mut self) {
        self.report.firsts += 1;
    }

    /// A pair is about to be tried.
    pub fn tries_pair(&mut self) {
        self.report.pairs += 1;
    }

    /// A pair is left out, and why.
    pub fn leaves_out(&mut self, argument: &str) {
        self.leaves_out_many(argument, 1);
    }

    /// So many pairs are left out, and why.
    pub fn leaves_out_many(&mut self, argument: &str, more: u64) {
        match self.report.pruned.iter_mut().find(|(known, _)| known == argument) {
            Some((_, count)) => *count += more,
            None if more == 0 => {}
            None => self.report.pruned.push((argument.to_owned(), more)),
        }
    }

    /// So many pairs strike a later call of its kind, and are not tried.
    pub fn passes_over(&mut self, later: u64) {
        self.report.later += later;
    }

    /// A recovery had nothing to write.
    pub fn quiet(&mut self) {
        self.report.quiet_recoveries += 1;
    }

    /// A cell of the sweep has its verdict.
    pub fn ended(&mut self, verdict: VerdictName) {
        self.open = self.open.saturating_sub(1);
        self.report.verdicts.add(verdict);
    }

    /// Whether every cell that was planned has its verdict, and no more are to come.
    pub fn is_over(&self) -> bool {
        self.open == 0 && !self.waits
    }

    /// What there is to tell, once, when it is over.
    pub fn told(&mut self) -> Option<SweepReport> {
        let first = self.is_over() && !self.told;
        self.told |= first;
        first.then(|| self.report())
    }

    /// What there is to tell.
    fn report(&self) -> SweepReport {
        let mut report = self.report.clone();
        report.unexplored.push(match report.firsts {
            0 => "faults of the store beside the death; 'chaos sweep --pairs' tries them".to_owned(),
            _ => "a fault of the store at a later call of its kind than the first after the first fault, or before the window that \
                  fails or kills, and three faults"
                .to_owned(),
        });
        let left = report.verdicts.total() - report.verdicts.of(VerdictName::Held);
        if left > 0 {
            report.unexplored.push(format!("what follows from {left} cases that did not hold"));
        }
        if let Some((fewest, most)) = report.writes.filter(|(fewest, most)| fewest != most) {
            report.unexplored.push(format!(
                "a schedule of its own for every count: the operation made {fewest} to {most} durable writes, and is cut up to {most}"
            ));
        }
        report
    }
}
