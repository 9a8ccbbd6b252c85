//! The oracle: says whether what was observed of a cell keeps every promise.
//!
//! It works on [`Evidence`] alone, after the fact, in any process: `chaos judge` runs it again over a recorded run. In
//! reading order:
//!
//! - [`evidence`] and [`facts`]: what may be observed, and the order in which the closing observations are made;
//! - [`rows`]: rows in one comparable form;
//! - [`invariant`]: what a checker is;
//! - [`judgement`]: all of them over one cell.

pub mod evidence;
pub mod facts;
pub mod invariant;
pub mod judgement;
pub mod rows;

pub use evidence::Evidence;
pub use invariant::{Breach, BreachKind, Invariant};
pub use judgement::{Finding, Judged, Judgement, Waiver, judge, judge_with};

/// Every standing invariant, in the order in which findings are reported.
pub fn standing() -> Vec<Box<dyn Invariant>> {
    Vec::new()
}
