//! The call takes its time, and is then done as it would have been.

use std::time::Duration;

use omnigraph::storage::{Call, Verdict};

use super::{Blow, Strike};

/// Done after this time.
#[derive(Debug)]
pub(super) struct Latency {
    pub(super) milliseconds: u64,
}

impl Strike for Latency {
    fn can_strike(&self, _: &Call) -> bool {
        true
    }

    fn strike(&self, _: &Call) -> Blow {
        Blow::Verdict(Verdict::Delay(Duration::from_millis(self.milliseconds)))
    }
}
