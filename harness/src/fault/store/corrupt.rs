//! One byte is changed on its way, out of the store or into it.

use omnigraph::storage::{Call, Verdict};

use super::{Blow, Strike};
use crate::scenario::model::Effect;

/// Read or written with the byte at this offset changed.
#[derive(Debug)]
pub(super) struct Corrupt {
    pub(super) offset: u64,
}

impl Strike for Corrupt {
    fn can_strike(&self, call: &Call) -> bool {
        Effect::carries_bytes(call.operation)
    }

    fn strike(&self, _: &Call) -> Blow {
        Blow::Verdict(Verdict::Corrupt { offset: self.offset })
    }
}
