//! Making a failure small: fewer operations, then fewer faults, then fewer values, until nothing more can be left out.
//!
//! Every candidate is a scenario like any other and is really run; it counts only if it fails in the same way. In reading
//! order:
//!
//! - [`failure`]: what makes two failures the same; [`settle`]: candidates that make sense;
//! - [`pass`]: what is tried, over [`steps`], [`faults`], [`values`] and [`schema`]; [`chance`]: the seed made superfluous;
//! - [`relax`]: expectations of other steps, and the run without faults that tells a failure from a wrong expectation;
//! - [`search`]: the loop; [`bench`]: where candidates are run; [`telling`]: the file that is left.

pub mod bench;
mod chance;
mod failure;
mod faults;
mod pass;
mod relax;
mod schema;
mod search;
mod settle;
mod steps;
mod telling;
mod values;

pub use bench::Bench;
pub use failure::{Failure, StepEnd, Trial};
pub use search::{Bounds, Progress, Shrunk, Why, shrink};
pub use telling::{Origin, file_of, name_of};
