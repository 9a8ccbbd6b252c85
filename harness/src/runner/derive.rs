//! Cells that follow from cells: what is run next can depend on what was seen so far.
//!
//! A sweep counts writes first and then cuts at each of them; a stream of universes goes on until its time is up. Both are
//! ordinary cells of ordinary scenarios, so that bundles, replay and reports need to know nothing of where they come from.

use super::plan::CellPlan;
use crate::event::{Event, FinishedCell, Record};

/// Says what follows from a cell.
pub trait Derive: Send + Sync {
    /// Called once for each cell when it has its verdict, also for one that could not be run.
    fn follow(&self, cell: &EndedCell<'_>) -> Followed;
}

/// A cell with its verdict.
pub struct EndedCell<'a> {
    /// As it was planned.
    pub plan: &'a CellPlan,
    /// What it came to.
    pub finished: &'a FinishedCell,
    /// Its events, store calls included: those of a step stand before the step's end. Empty where it was not run.
    pub events: &'a [Record],
}

/// What follows from a cell.
#[derive(Debug, Default)]
pub struct Followed {
    /// Cells that are run next, before everything that waits. Their backends must be backends of the plan.
    pub cells: Vec<CellPlan>,
    /// What there is to tell.
    pub news: Vec<Event>,
}
