//! What a step does: one small file a kind. Each takes what it works on and says how it ended. [`Called`] is how a write is called.
//!
//! Steps through a handle: [`load`], [`mutate`], [`query`], [`refresh`], [`repair`], [`open`]. Steps past the engine, by the
//! bare store: [`check`], [`damage`], [`move_head`], [`plant_sidecar`]. [`rows`] turns what the engine reads into rows that
//! compare; [`surroundings`] is what a process brings along beside its store.

mod called;
pub mod check;
pub mod damage;
mod done;
pub mod load;
pub mod move_head;
pub mod mutate;
pub mod open;
pub mod plant_sidecar;
pub mod query;
pub mod refresh;
pub mod repair;
pub mod rows;
pub mod surroundings;

pub use called::{Called, operation_id};
pub use done::{Damaged, Done, Recovered, SavedObject, WholeTypes, error_data, outcome_of};
