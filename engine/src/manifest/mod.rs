//! What is visible: the graph manifest.
//!
//! The manifest is one small Lance dataset. Each publish replaces its whole content by a strict `Overwrite`, which is a
//! compare-and-swap on its version: three puts, one winner. A version of it names every table's version, the active
//! schema and the commit that made it, so that visibility, history and schema flip together or not at all, and what it
//! costs does not grow with the number of commits. Its versions are the history.
//!
//! - [`state`]: one version of the manifest, as data. [`delta`]: what a publish changes. [`codec`]: how it lies in rows.
//! - [`publish`]: the compare-and-swap. [`head`]: finding and reading the newest version.
//! - [`chunk`]: how the history lies in the versions. [`log`]: going back in it, and finding an operation.
//! - [`snapshot`]: one version with its catalog and its tables.

mod chunk;
mod codec;
mod delta;
mod head;
mod log;
mod publish;
mod snapshot;
mod state;

pub use delta::{Delta, Pin};
pub use head::ManifestHead;
pub use log::{find_operation, log};
pub use publish::PublishFailure;
pub use snapshot::{SCHEMA_PREFIX, Snapshot, contract_path};
pub use state::{GraphState, MAIN_LANCE_BRANCH, SchemaPointer, TableEntry};

/// The manifest's path below the graph root.
pub const MANIFEST_PATH: &str = "__manifest";

/// The only graph branch there is for now.
pub const MAIN_BRANCH: &str = "main";
