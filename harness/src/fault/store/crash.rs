//! The process dies at a call: right before it is done, or right after and before the process hears so.

use omnigraph::storage::Call;

use super::{Blow, Strike};

/// The process dies (SIGKILL).
#[derive(Debug)]
pub(super) struct Crash {
    pub(super) after: bool,
}

impl Strike for Crash {
    fn can_strike(&self, _: &Call) -> bool {
        true
    }

    fn strike(&self, _: &Call) -> Blow {
        if self.after { Blow::CrashAfter } else { Blow::CrashBefore }
    }
}
