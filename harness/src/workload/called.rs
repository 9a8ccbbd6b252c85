//! How a write is called: on whose behalf, and by which name.

use omnigraph::id::OperationId;
use ulid::Ulid;

use crate::seed::Seed;

/// When a caller drew the ids of its writes, in milliseconds since 1970. Long before any of them is called, so that nobody may take an
/// id's time for the time of the write.
const DRAWN_MS: u64 = 1_767_225_600_000;

/// How a write is called.
#[derive(Clone, Copy, Debug, Default)]
pub struct Called<'a> {
    /// On whose behalf.
    pub actor: Option<&'a str>,
    /// By which name; the engine draws one, if not said.
    pub operation: Option<OperationId>,
}

/// The operation id of a name in a cell of this seed: the same from every process and in every life of it.
pub fn operation_id(seed: Seed, name: &str) -> OperationId {
    let stream = seed.stream("operations").stream(name);
    let drawn = u128::from(stream.word(0)) << 64 | u128::from(stream.word(1));
    OperationId::new(Ulid::from_parts(DRAWN_MS, drawn))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_id_in_a_cell_and_another_one_elsewhere() {
        let id = operation_id(Seed(1), "transfer");
        assert_eq!(id, operation_id(Seed(1), "transfer"));
        assert_ne!(id, operation_id(Seed(2), "transfer"));
        assert_ne!(id, operation_id(Seed(1), "other"));
    }
}
