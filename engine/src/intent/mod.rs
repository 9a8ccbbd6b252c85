//! What a write promises, as data, and the durable record of it.
//!
//! - [`Intent`]: what was read, what was staged for each table, what it means in rows.
//! - [`sidecar`]: the record of an armed intent, strict to read. [`earlier`]: as a former program wrote it.

mod earlier;
mod plan;
mod sidecar;

pub use plan::{Intent, RowCounts};
pub use sidecar::{Base, BranchRef, FORMAT_VERSION, PlannedTable, ReadTable, Sidecar, SidecarError};
