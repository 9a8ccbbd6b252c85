//! An object or a listing is cut off and reported as whole.

use omnigraph::storage::{Call, Operation, Verdict};

use super::{Blow, Strike};
use crate::scenario::model::Effect;

/// Cut off after this many bytes, or entries of a listing.
#[derive(Debug)]
pub(super) struct Torn {
    pub(super) bytes: u64,
}

impl Strike for Torn {
    fn can_strike(&self, call: &Call) -> bool {
        Effect::carries_bytes(call.operation) || call.operation == Operation::List
    }

    fn strike(&self, _: &Call) -> Blow {
        Blow::Verdict(Verdict::Torn { bytes: self.bytes })
    }
}
