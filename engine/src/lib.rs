//! OmniGraph: a typed property-graph engine on Lance.
//!
//! Every node type and every edge type is one Lance dataset, and a graph manifest makes new versions of several
//! datasets visible at once. Lance commits one dataset at a time, so every write first leaves a *recovery sidecar*;
//! whoever comes next finishes or undoes what a crash or a storage fault cut short.
//!
//! Read the modules in this order, from the bottom of the house to the top; imports point downwards only:
//!
//! - [`error`], [`id`], [`clock`], [`limit`], [`writer`], [`failpoint`], [`gate`]: the ground that everything stands on.
//! - [`storage`]: objects, URIs, layers, and the bridge through which Lance uses the very same store.
//! - [`table`]: one Lance dataset: open, look up, stage, commit, restore. [`schema`]: what types mean.
//! - [`value`]: what a column can hold, how a value arrives in it, and how it is shown.
//! - [`manifest`]: what is visible. [`history`]: how it came about.
//! - [`intent`]: what a write promises, as data, and its sidecar. [`recovery`]: finish or undo what a crash left.
//! - [`write`], [`query`]: the verbs.
//! - [`Graph`], [`GraphBuilder`]: the façade, methods of a few lines that delegate.

pub mod clock;
pub mod error;
pub mod failpoint;
pub mod gate;
pub mod id;
pub mod limit;
pub mod writer;

pub mod storage;

mod runtime;

pub mod schema;
pub mod table;
pub mod value;

pub mod history;
pub mod manifest;

pub mod intent;
pub mod recovery;

mod handle;

pub mod query;
pub mod write;

mod builder;
mod create;
mod graph;

pub use builder::GraphBuilder;
pub use error::{Error, ErrorKind, Result};
pub use gate::ProcessContext;
pub use graph::{Graph, Snapshot};
pub use storage::{StorageOptions, StorageUri};
pub use write::WriteReport;
pub use write::load::{Load, LoadMode};
pub use write::mutate::Mutate;
pub use write::repair::{Inspection, Repair, RepairReport};
