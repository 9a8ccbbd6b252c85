//! The store says that it wrote and did not: a broken cache, a failed replica, a lie.

use omnigraph::storage::{Call, Verdict};

use super::{Blow, Strike};

/// Not done, but reported as done.
#[derive(Debug)]
pub(super) struct LostWrite;

impl Strike for LostWrite {
    fn can_strike(&self, call: &Call) -> bool {
        call.operation.is_write()
    }

    fn strike(&self, _: &Call) -> Blow {
        Blow::Verdict(Verdict::LostWrite)
    }
}
