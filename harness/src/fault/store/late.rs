//! The caller gives up, and the store does what it was asked all the same: later, when somebody else may have been there.

use omnigraph::storage::{Call, LateCall, Verdict};

use super::{Blow, Strike};

/// Reported as having had no answer in time, and done when the scenario says so.
#[derive(Debug)]
pub(super) struct Late {
    pub(super) name: String,
}

impl Strike for Late {
    fn can_strike(&self, call: &Call) -> bool {
        LateCall::is_possible(call.operation)
    }

    fn strike(&self, _: &Call) -> Blow {
        Blow::Verdict(Verdict::Late(self.name.clone()))
    }
}
