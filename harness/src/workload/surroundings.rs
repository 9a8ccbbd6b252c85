//! What the engine is given beside a store: the queues of its process, ids and a clock.
//!
//! Ids come from the cell's seed on every backend, so that a failure shows the same names when it is run again. Every process
//! in every life has a stream of its own, so that no two of them draw the same. Time comes from the seed where all processes
//! are simulated; real processes, and whoever else uses the store, share the real one.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use omnigraph::ProcessContext;
use omnigraph::clock::{Clock, SystemClock};
use omnigraph::id::IdSource;
use rand::Rng;
use rand::rngs::StdRng;
use ulid::Ulid;

use crate::seed::Seed;

/// What a process brings along when it opens a graph. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// What its handles share.
    pub process: Arc<ProcessContext>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws ids.
    pub ids: Arc<dyn IdSource>,
}

impl Surroundings {
    /// Those of a process that begins its life; `seed` is a stream that no other life has.
    pub fn new(seed: Seed, clock: Arc<dyn Clock>) -> Self {
        Surroundings {
            process: Arc::default(),
            ids: Arc::new(SeededIds::new(seed.stream("ids"), Arc::clone(&clock))),
            clock,
        }
    }

    /// Those of somebody who only looks: he draws no ids, so any seed will do.
    pub fn of_a_reader() -> Self {
        Surroundings::new(Seed(0), Arc::new(SystemClock))
    }
}

/// Ids from a stream of the seed; ULIDs carry the time of the clock.
pub struct SeededIds {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    rng: StdRng,
    last: Ulid,
}

impl SeededIds {
    /// A source at the beginning of `stream`.
    pub fn new(stream: Seed, clock: Arc<dyn Clock>) -> Self {
        SeededIds { clock, state: Mutex::new(State { rng: stream.rng(), last: Ulid::nil() }) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl IdSource for SeededIds {
    fn ulid(&self) -> Ulid {
        let millis = u64::try_from(self.clock.now().timestamp_millis()).unwrap_or(0);
        let mut state = self.lock();
        let fresh = Ulid::from_parts(millis, state.rng.random());
        // A real clock can stand still or go back.
        let next = if fresh > state.last { fresh } else { Ulid(state.last.0.wrapping_add(1)) };
        state.last = next;
        next
    }

    fn uuid(&self) -> String {
        let bytes: [u8; 16] = self.lock().rng.random();
        uuid::Builder::from_random_bytes(bytes).into_uuid().hyphenated().to_string()
    }
}

impl fmt::Debug for SeededIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeededIds").field("clock", &self.clock).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::clock::SimulatedClock;
    use omnigraph::clock::FixedClock;
    use std::collections::BTreeSet;

    const NOON_MS: i64 = 1_600_000_000_000;

    fn standing() -> Arc<dyn Clock> {
        Arc::new(FixedClock::at_millis(NOON_MS))
    }

    fn drawn(seed: Seed) -> Vec<String> {
        let given = Surroundings::new(seed, standing());
        (0..100).flat_map(|_| [given.ids.ulid().to_string(), given.ids.uuid()]).collect()
    }

    #[test]
    fn a_seed_gives_the_same_ids_again_and_another_seed_gives_others() {
        assert_eq!(drawn(Seed(1)), drawn(Seed(1)));
        let both: BTreeSet<String> = drawn(Seed(1)).into_iter().chain(drawn(Seed(2))).collect();
        assert_eq!(both.len(), 400, "no id is drawn twice");
    }

    #[test]
    fn ulids_grow_with_a_clock_that_goes_on_and_with_one_that_stands_still() {
        for clock in [Arc::new(SimulatedClock) as Arc<dyn Clock>, standing()] {
            let before = clock.now().timestamp_millis();
            let ids = SeededIds::new(Seed(1), clock);
            let drawn: Vec<Ulid> = (0..1_000).map(|_| ids.ulid()).collect();
            assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]));
            assert!(drawn[0].timestamp_ms() as i64 >= before, "a sensible time");
        }
    }

    #[test]
    fn a_uuid_is_a_random_one_in_hyphenated_form() {
        let ids = SeededIds::new(Seed(1), standing());
        let uuid = uuid::Uuid::parse_str(&ids.uuid()).expect("a uuid");
        assert_eq!(uuid.get_version(), Some(uuid::Version::Random));
    }
}
