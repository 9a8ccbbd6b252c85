//! The call is done, and the caller hears that the connection is gone: the fault to try first, on every class of write.

use omnigraph::storage::{Call, FaultKind, Verdict};

use super::{Blow, Strike};

/// Done, but reported as a lost connection.
#[derive(Debug)]
pub(super) struct AckLost;

impl Strike for AckLost {
    fn can_strike(&self, call: &Call) -> bool {
        // A read whose answer is lost is no different from one that failed.
        call.operation.is_write()
    }

    fn strike(&self, _: &Call) -> Blow {
        Blow::Verdict(Verdict::AckLost(FaultKind::ConnectionLost))
    }
}
