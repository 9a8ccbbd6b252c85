//! What a session knows: names as they are written, rows in one order, arithmetic that is checked.

use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SessionContext;
use datafusion::optimizer::{Analyzer, AnalyzerRule};
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::SessionConfig;

use super::comparison::Comparison;
use super::memory::Memory;
use super::{arithmetic, conversion, membership, time};

/// A rule of DataFusion's that makes another query of one: a group that is always the same value is no group at all, and then there
/// is one row where nothing was to be grouped.
const GROUPS_LOST: &str = "eliminate_group_by_constant";

/// Rules of DataFusion's that hand filters to the inputs of a join by the names of columns: above a right join whose two inputs have
/// a column of one name, a filter on the one is given to the other and is gone. The logical plan has moved filters already.
const FILTERS_LOST: &str = "FilterPushdown";

/// A session within the memory that a statement has by default.
#[cfg(test)]
pub(crate) fn session() -> SessionContext {
    session_within(&Memory::default())
}

/// A session within that memory. Sessions of one [`Memory`] share it.
pub(crate) fn session_within(memory: &Memory) -> SessionContext {
    let mut config = SessionConfig::new().with_target_partitions(1).with_information_schema(false);
    config.options_mut().sql_parser.enable_ident_normalization = false;
    // What is compared is made alike before types are given.
    let mut rules: Vec<Arc<dyn AnalyzerRule + Send + Sync>> = vec![Arc::new(Comparison)];
    rules.extend(Analyzer::new().rules);
    let physical_rules =
        PhysicalOptimizer::new().rules.into_iter().filter(|rule| !rule.name().starts_with(FILTERS_LOST));
    let mut state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(Arc::clone(memory.runtime()))
        .with_default_features()
        .with_analyzer_rules(rules)
        .with_physical_optimizer_rules(physical_rules.collect())
        .with_type_planner(time::types())
        .build();
    arithmetic::install(&mut state);
    membership::install(&mut state);
    conversion::install(&mut state);
    time::install(&mut state);
    let context = SessionContext::new_with_state(state);
    context.remove_optimizer_rule(GROUPS_LOST);
    context
}
