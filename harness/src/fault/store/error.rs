//! The call is not done, and the store says why.

use omnigraph::storage::{Call, FaultKind, Verdict};

use super::{Blow, Strike};

/// The call is not done and fails with this kind of error.
#[derive(Debug)]
pub(super) struct CallFails(pub(super) FaultKind);

impl Strike for CallFails {
    fn can_strike(&self, _: &Call) -> bool {
        true
    }

    fn strike(&self, _: &Call) -> Blow {
        Blow::Verdict(Verdict::Fail(self.0))
    }
}
