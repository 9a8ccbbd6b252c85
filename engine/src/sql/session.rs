//! What a session knows: names as they are written, rows in one order, arithmetic that is checked.

use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SessionContext;
use datafusion::prelude::SessionConfig;

use super::memory::Memory;
use super::{arithmetic, membership};

/// A rule of DataFusion's that makes another query of one: a group that is always the same value is no group at all, and then there
/// is one row where nothing was to be grouped.
const GROUPS_LOST: &str = "eliminate_group_by_constant";

/// A session within the memory that a statement has by default.
#[cfg(test)]
pub(crate) fn session() -> SessionContext {
    session_within(&Memory::default())
}

/// A session within that memory. Sessions of one [`Memory`] share it.
pub(crate) fn session_within(memory: &Memory) -> SessionContext {
    let mut config = SessionConfig::new().with_target_partitions(1).with_information_schema(false);
    config.options_mut().sql_parser.enable_ident_normalization = false;
    let mut state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(Arc::clone(memory.runtime()))
        .with_default_features()
        .build();
    arithmetic::install(&mut state);
    membership::install(&mut state);
    let context = SessionContext::new_with_state(state);
    context.remove_optimizer_rule(GROUPS_LOST);
    context
}
