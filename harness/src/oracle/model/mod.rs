//! The reference model: what the rows must be, worked out without the engine.
//!
//! It follows every load natively and a subset of SQL through its own small parser. A write in doubt forks it: each
//! [`Candidate`] is one way in which things may have gone. It never reads a pin, a commit or an audit row; the one thing
//! it takes from the engine is the order of acknowledged writes that overlapped.
//!
//! - [`state`]: typed rows by identity;
//! - [`write`](mod@write): what one load or mutate does to a state; [`footprint`](mod@footprint): what it may touch;
//! - [`drift`]: what a repair makes visible of what strangers committed;
//! - [`sql`]: the subset of SQL, parsed;
//! - [`trajectory`]: all ways in which a cell may have gone.

pub mod drift;
pub mod footprint;
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
