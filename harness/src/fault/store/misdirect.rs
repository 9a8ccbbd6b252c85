//! A call lands on another object than it was meant for.

use object_store::path::Path;
use omnigraph::storage::{Call, Operation, Verdict};

use super::{Blow, Strike};

/// Done to the object at this path instead.
#[derive(Debug)]
pub(super) struct Misdirect {
    pub(super) to: Path,
}

impl Strike for Misdirect {
    fn can_strike(&self, call: &Call) -> bool {
        matches!(
            call.operation,
            Operation::Get
                | Operation::Head
                | Operation::Put
                | Operation::PutIfAbsent
                | Operation::PutIfMatch
                | Operation::MultipartStart
                | Operation::List
                | Operation::Delete
                | Operation::Copy
                | Operation::Rename
        )
    }

    fn strike(&self, _: &Call) -> Blow {
        Blow::Verdict(Verdict::Misdirect(self.to.clone()))
    }
}
