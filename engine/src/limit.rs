//! Limits on everything that input or the world could make large. Units stand last in the names.

/// A sidecar larger than this is not read.
pub const SIDECAR_MAX_BYTES: u64 = 4 << 20;
/// Sidecars that a pass holds in memory at once; one that meets more takes the oldest first, as many at a time.
pub const SIDECARS_AT_ONCE_COUNT: usize = 1_000;
/// Sidecars whose content an inspection shows; of more it says how many there are.
pub const SIDECARS_SHOWN_MAX_COUNT: usize = 1_000;
/// Files of one name that can lie in quarantine.
pub const QUARANTINED_ALIKE_MAX_COUNT: usize = 1_000;
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
