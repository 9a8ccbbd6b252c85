//! An object is cut off and reported as whole.

use omnigraph::storage::{Call, Operation, Verdict};

use super::{Blow, Strike};

/// Cut off after this many bytes.
#[derive(Debug)]
pub(super) struct Torn {
    pub(super) bytes: u64,
}

impl Strike for Torn {
    fn can_strike(&self, call: &Call) -> bool {
        matches!(
            call.operation,
            Operation::Get | Operation::Put | Operation::PutIfAbsent | Operation::PutIfMatch | Operation::MultipartPart
        )
    }

    fn strike(&self, _: &Call) -> Blow {
        Blow::Verdict(Verdict::Torn { bytes: self.bytes })
    }
}
