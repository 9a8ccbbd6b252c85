//! The runner: a supervisor that plans cells and judges them, and workers that carry them out.
//!
//! - [`plan`]: which cells there are; [`derive`]: cells that follow from cells; [`limits`]: how long and how much;
//!   [`durations`]: how long it took, and parts that take equally long.
//! - [`supervisor`]: from a plan to verdicts.
//! - [`sweep`]: an operation that is killed at every one of its durable writes.
//! - [`protocol`]: what supervisor and worker, two processes of one program, say to each other.
//! - [`worker`]: carries out what it is told, and dies where a scenario says so.

pub mod derive;
pub mod durations;
pub mod limits;
pub mod plan;
pub mod protocol;
pub mod supervisor;
pub mod sweep;
pub mod worker;

pub use derive::{Derive, EndedCell, Followed};
pub use durations::Durations;
pub use limits::Limits;
pub use plan::{CellPlan, NotApplicable, Shard, places, plan, runs_elsewhere};
pub use supervisor::{Bundles, CellRecord, RunOptions, run, run_as_they_come};
pub use sweep::Sweeper;
