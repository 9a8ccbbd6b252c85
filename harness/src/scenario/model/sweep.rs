//! Sweeps: one operation, killed at every one of its durable writes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, OpenMode, Step};

/// One operation that is killed at every one of its durable writes, and just before and just after it is acknowledged.
///
/// `chaos sweep` counts the durable writes W of the operation on the graph that `steps` have prepared, and makes a case of
/// every cut k in 0..=W: the operation is killed when k of them are done, what stands under `recovery` is done, and every
/// standing invariant is judged. Each of these recoveries is killed at every one of its own durable writes in its turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Sweep {
    /// What is killed. It has no faults of its own and succeeds when nothing kills it.
    pub operation: Step,
    /// What whoever comes next does, in order; a read-write open, if not said. Each of its steps is killed at every one of
    /// its durable writes, and then all of them are done again, without those whose handle has died.
    #[serde(default = "Sweep::open", skip_serializing_if = "Sweep::is_open")]
    pub recovery: Vec<Step>,
}

impl Sweep {
    fn open() -> Vec<Step> {
        vec![Step::plain(Action::Open(OpenMode::ReadWrite))]
    }

    fn is_open(recovery: &[Step]) -> bool {
        *recovery == Sweep::open()
    }
}

/// Where a process dies that a step kills, past every call to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CrashPoint {
    /// When everything is done, before whoever asked for it is told.
    BeforeAnswer,
}
