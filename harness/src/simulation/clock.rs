//! Time in a simulation. It begins at the same instant in every one and goes on with every reading, so that what came later has
//! a later time: the time of day by a millisecond, monotonic time by a microsecond.
//!
//! It passes when everybody waits: then it goes on to the nearest bound of a wait at once, as in a discrete-event simulation. A
//! timer of a second takes no second, timers go off in the order of their bounds, and what runs without waiting takes no time,
//! however slow the machine is. While the world outside has not answered what it was told, no time passes.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};
use omnigraph::clock::Clock;

/// 2020-01-01T00:00:00Z: nobody takes it for a time of today.
const BEGINNING_MS: i64 = 1_577_836_800_000;

/// One for the process, since there is one simulation at a time in it.
static NEXT_MS: AtomicI64 = AtomicI64::new(BEGINNING_MS);

/// Nanoseconds after which simulated monotonic time begins: far from zero, so that some time can be taken off.
const MONOTONIC_BEGINNING_NS: u64 = 1_000_000_000_000_000;
const MONOTONIC_STEP_NS: u64 = 1_000;

static MONOTONIC_NS: AtomicU64 = AtomicU64::new(MONOTONIC_BEGINNING_NS);

/// Sets both clocks to the beginning.
pub fn restart() {
    NEXT_MS.store(BEGINNING_MS, Ordering::SeqCst);
    MONOTONIC_NS.store(MONOTONIC_BEGINNING_NS, Ordering::SeqCst);
}

/// Reads monotonic time.
pub fn read_monotonic() -> Duration {
    Duration::from_nanos(MONOTONIC_NS.fetch_add(MONOTONIC_STEP_NS, Ordering::SeqCst))
}

/// Monotonic time as it stands, without reading it.
pub fn monotonic() -> Duration {
    Duration::from_nanos(MONOTONIC_NS.load(Ordering::SeqCst))
}

/// A wait has come to its bound.
pub fn advance_to(until: Duration) {
    MONOTONIC_NS.fetch_max(u64::try_from(until.as_nanos()).unwrap_or(u64::MAX), Ordering::SeqCst);
}

/// Reads the time of day: milliseconds after the Unix epoch.
pub fn read_ms() -> i64 {
    NEXT_MS.fetch_add(1, Ordering::SeqCst)
}

/// The simulated time of day, for the engine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SimulatedClock;

impl Clock for SimulatedClock {
    fn now(&self) -> DateTime<Utc> {
        Utc.timestamp_millis_opt(read_ms()).single().unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}
