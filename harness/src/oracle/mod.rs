//! The oracle: says whether what was observed of a cell keeps every promise.
//!
//! It works on [`Evidence`] alone, after the fact, in any process: a recorded run can be judged again. In reading order:
//!
//! - [`evidence`] and [`facts`]: what may be observed, and the order in which the closing observations are made; [`faults`]: what
//!   those that fired say about the store;
//! - [`rows`]: rows in one comparable form; [`layout`]: how a graph lies in a store;
//! - [`model`]: the reference model; [`attribution`] and [`own_rows`]: which call answers for what; [`readings`]: what was
//!   read beside calls and between them;
//! - [`invariant`]: what a checker is; [`invariants`]: every standing one, a file each;
//! - [`judgement`]: all of them over one cell.

pub mod attribution;
pub mod evidence;
pub mod facts;
pub mod faults;
pub mod invariant;
pub mod invariants;
pub mod judgement;
pub mod layout;
pub mod model;
pub mod own_rows;
pub mod readings;
pub mod rows;
#[cfg(test)]
pub(crate) mod sound;

pub use evidence::Evidence;
pub use invariant::{Breach, BreachKind, Invariant};
pub use invariants::standing;
pub use judgement::{Finding, Judged, Judgement, Waiver, judge, judge_with};
