//! A read or a listing answers as it was before the last write.

use omnigraph::storage::{Call, Verdict};

use super::{Blow, Strike};

/// Answered from the past.
#[derive(Debug)]
pub(super) struct Stale;

impl Strike for Stale {
    fn can_strike(&self, call: &Call) -> bool {
        !call.operation.is_write()
    }

    fn strike(&self, _: &Call) -> Blow {
        Blow::Verdict(Verdict::Stale)
    }
}
