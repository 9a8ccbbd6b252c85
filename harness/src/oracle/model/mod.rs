//! The reference model: what the rows must be, worked out without the engine.
//!
//! It follows every load natively and a subset of SQL through its own small parser. A write in doubt forks it: each
//! [`Candidate`] is one way in which things may have gone. It never reads a pin, a commit or an audit row; the one thing
//! it takes from the engine is the order of acknowledged writes that overlapped.
//!
//! - [`state`]: typed rows by identity;
//! - [`kind`]: what a column is and which values it holds; [`cell`]: values while an expression is worked out;
//! - [`write`](mod@write): what one load or mutate does to a state; [`mutate`]: what its statements do, and [`evaluate`]: what their
//!   expressions are of one row; [`footprint`](mod@footprint): what a write may touch;
//! - [`drift`]: what a repair makes visible of what strangers committed;
//! - [`sql`]: the subset of SQL, parsed;
//! - [`trajectory`]: all ways in which a cell may have gone; [`sight`]: those that what was seen on the way leaves.

mod cell;
pub mod drift;
mod evaluate;
pub mod footprint;
mod kind;
mod mutate;
mod sight;
pub mod sql;
pub mod state;
pub mod trajectory;
pub mod write;

pub use footprint::Footprint;
pub use state::{Identity, State};
pub use trajectory::{Candidate, Trajectory, follow};
pub use write::Refusal;

#[cfg(test)]
mod tests;
