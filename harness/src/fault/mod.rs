//! Faults: from the rule that a scenario writes to what a process then meets.
//!
//! In reading order:
//!
//! - [`rule`]: a fault as plain data, named for the reports; it goes over the wire to a worker.
//! - [`schedule`] and [`matcher`]: which calls and crossings it means.
//! - [`concrete`]: what chance made of a schedule, written out.
//! - [`store`]: what a store fault does to a call, one file a fault.
//! - [`wire`]: the proxy that stands between the clients and an S3 endpoint, and what it does to a request.
//! - [`life`]: how a process dies.
//! - [`board`]: the faults that are armed in one process, with their counts.
//! - [`failpoint`] and [`policy`]: the two places where the engine asks the board.

pub mod board;
pub mod concrete;
pub mod failpoint;
pub mod life;
pub mod matcher;
pub mod policy;
pub mod rule;
pub mod schedule;
pub mod store;
pub mod wire;

pub use board::{ArmedGuard, Board, FaultWatch};
pub use life::Life;
pub use rule::{FaultOrder, Rule};
