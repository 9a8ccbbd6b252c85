//! What is visible: the graph manifest.
//!
//! The manifest is one small Lance dataset. Each publish replaces its whole content by a strict `Overwrite`, which is a
//! compare-and-swap on its version: three puts, one winner. A version of it names every table's version, the active
//! schema and the commit that made it, so that visibility, history and schema flip together or not at all, and what it
//! costs does not grow with the number of commits. Its versions are the history.
//!
//! - [`state`]: one version of the manifest, as data. [`delta`]: what a publish changes.
//! - [`publish`]: the compare-and-swap. [`head`]: finding and reading the newest version. [`walk`]: going back.
//! - [`snapshot`]: one version with its catalog and its tables.

mod codec;
mod delta;
mod head;
mod publish;
mod snapshot;
mod state;
mod walk;

pub use delta::Delta;
pub use head::ManifestHead;
pub use publish::PublishFailure;
pub use snapshot::{SCHEMA_PREFIX, Snapshot, contract_path};
pub use state::{GraphState, SchemaPointer, TableEntry};
pub use walk::{find_operation, log};

/// The manifest's path below the graph root.
pub const MANIFEST_PATH: &str = "__manifest";

/// The only graph branch there is for now.
pub const MAIN_BRANCH: &str = "main";
