//! What stands in a bundle, and how large it may get.
//!
//! ```text
//! target/chaos/<run>/<cell>/
//!   manifest.json       what this is: format, cell, seed, versions, command line, every other file with its size
//!   scenario.yaml       the scenario as it was resolved
//!   verdict.json        the verdict
//!   evidence.json       everything that the oracle judged by
//!   events.jsonl        the cell's events, one a line
//!   store-calls.jsonl   the cell's store calls, one a line
//!   engine.log          what the engine logged
//!   backend.log         what the backend logged, where it logs
//!   store/…             the graph's objects, where they are small
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::CellId;

/// The format that this program writes, and the only one that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// The names of a bundle's files.
pub mod file {
    /// What this is.
    pub const MANIFEST: &str = "manifest.json";
    /// The scenario as it was resolved.
    pub const SCENARIO: &str = "scenario.yaml";
    /// The verdict.
    pub const VERDICT: &str = "verdict.json";
    /// Everything that the oracle judged by.
    pub const EVIDENCE: &str = "evidence.json";
    /// The cell's events.
    pub const EVENTS: &str = "events.jsonl";
    /// The cell's store calls.
    pub const STORE_CALLS: &str = "store-calls.jsonl";
    /// What the engine logged.
    pub const ENGINE_LOG: &str = "engine.log";
    /// What the backend logged.
    pub const BACKEND_LOG: &str = "backend.log";
    /// The graph's objects.
    pub const STORE: &str = "store";
}

/// Largest text file of a bundle, in bytes. A log that is larger loses its beginning, lines their end.
pub const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Largest scenario or manifest, in bytes.
pub const SMALL_FILE_BYTES_MAX: usize = 1024 * 1024;
/// Largest store that is kept, in bytes over all objects.
pub const STORE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Most objects of a store that is kept.
pub const STORE_OBJECTS_MAX: usize = 10_000;

/// What a bundle is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// See [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The run that it was part of, a ULID.
    pub run: String,
    /// The cell.
    pub cell: CellId,
    /// The seed that the cell's random streams derive from.
    pub seed: u64,
    /// Wall-clock time of writing, RFC 3339 in UTC.
    pub written_at: String,
    /// Versions of the harness, the engine and what they stand on, by name.
    pub versions: BTreeMap<String, String>,
    /// The git revision of the program, where it is known.
    pub git_revision: Option<String>,
    /// The command line of the run.
    pub command: Vec<String>,
    /// The other files, by name, `store/` apart. Filled in by [`write`](super::write).
    #[serde(default)]
    pub files: BTreeMap<String, FileEntry>,
    /// The store's objects. Filled in by [`write`](super::write).
    #[serde(default)]
    pub store: StoreEntry,
}

/// One file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its size in bytes.
    pub bytes: u64,
    /// Whether something was left out because it would be too large.
    pub truncated: bool,
}

/// The store's objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreEntry {
    /// Objects that are kept.
    pub objects: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Objects that are not kept, each with the reason; one line for all where the store is too large.
    pub left_out: Vec<String>,
}
