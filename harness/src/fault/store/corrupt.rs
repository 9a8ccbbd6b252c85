//! A read answers with one byte changed.

use omnigraph::storage::{Call, Operation, Verdict};

use super::{Blow, Strike};

/// Read with the byte at this offset changed.
#[derive(Debug)]
pub(super) struct Corrupt {
    pub(super) offset: u64,
}

impl Strike for Corrupt {
    fn can_strike(&self, call: &Call) -> bool {
        call.operation == Operation::Get
    }

    fn strike(&self, _: &Call) -> Blow {
        Blow::Verdict(Verdict::Corrupt { offset: self.offset })
    }
}
