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
/// Versions of a table that a look for what has landed goes through at the most.
pub const HISTORY_WALK_MAX_COUNT: u64 = 100_000;
/// Bytes of a table path, an actor or another name that comes from outside.
pub const NAME_MAX_BYTES: usize = 1_024;
/// How long a writer of another process is taken to be alive, from when it armed; longer than any armed phase should take.
pub const GRACE_SECONDS: u64 = 60;
/// How long a write waits for one of another process that stands in its way and has grace: long enough for one that is alive, and
/// short enough for a caller who waits.
pub const PATIENCE_SECONDS: u64 = 30;
/// How often a write is prepared after others were faster.
pub const PREPARE_ATTEMPTS_MAX_COUNT: u32 = 32;
/// Attempts at a write that its caller named; each is looked for when the write is called again.
pub const NAMED_ATTEMPTS_MAX_COUNT: u32 = 1_000;
/// How often a write loses to other processes before it makes them wait.
pub const LOSSES_BEFORE_ANNOUNCED_COUNT: u32 = 3;
/// The longest pause before a write is prepared again.
pub const PREPARE_PAUSE_MAX_MILLISECONDS: u64 = 500;
/// A preparation that took longer looks at the manifest once more before it arms.
pub const PREPARED_LONG_MILLISECONDS: i64 = 250;
