//! Limits on everything that input or the world could make large. Units stand last in the names.

/// A sidecar larger than this is not read.
pub const SIDECAR_MAX_BYTES: u64 = 4 << 20;
/// Sidecars that one pass looks at; more is refused, since something else must be wrong.
pub const SIDECARS_MAX_COUNT: usize = 10_000;
/// How often a publish is tried again after another writer published first.
pub const PUBLISH_ATTEMPTS_MAX_COUNT: usize = 16;
/// How long a writer waits for the in-process queue of a table.
pub const QUEUE_WAIT_MAX_SECONDS: u64 = 60;
/// Manifest versions that a search for an operation's commit row walks back at the most.
pub const HISTORY_WALK_MAX_COUNT: u64 = 100_000;
/// Bytes of a table path, an actor or another name that comes from outside.
pub const NAME_MAX_BYTES: usize = 1_024;
/// How often a write is prepared again after another writer of the same process was faster.
pub const PREPARE_ATTEMPTS_MAX_COUNT: usize = 8;
