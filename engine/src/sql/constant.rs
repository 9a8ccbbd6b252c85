//! Large constants: a text of the statement is copied for every row of a batch.
//!
//! A batch has thousands of rows, and memory is asked for only once a batch is made. So beside a constant of a megabyte a batch has as
//! few rows as keep its copies within what texts of a batch may take.

use std::sync::Arc;

use datafusion::common::Result as PlanResult;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, SplitMetrics};
use datafusion::physical_plan::stream::BatchSplitStream;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};

use super::limit::{BATCH_ROWS, TEXTS_BYTES_MAX};

/// How many rows a batch of this plan may have for the sake of its largest constant. What stands in VALUES stands there once a row.
pub(super) fn rows_of_a_batch(plan: &LogicalPlan) -> PlanResult<usize> {
    let mut largest = 0;
    plan.apply_with_subqueries(|node| {
        if !matches!(node, LogicalPlan::Values(_)) {
            node.apply_expressions(|expression| {
                expression.apply(|part| {
                    if let Expr::Literal(value, _) = part {
                        largest = largest.max(value.size());
                    }
                    Ok(TreeNodeRecursion::Continue)
                })
            })?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok((TEXTS_BYTES_MAX as usize / largest.max(1)).clamp(1, BATCH_ROWS))
}

/// The plan, with no more rows than that in a batch of any of its leaves.
pub(super) fn in_small_batches(plan: Arc<dyn ExecutionPlan>, rows: usize) -> PlanResult<Arc<dyn ExecutionPlan>> {
    let cut = |node: Arc<dyn ExecutionPlan>| {
        if !node.children().is_empty() {
            return Ok(Transformed::no(node));
        }
        let small: Arc<dyn ExecutionPlan> = Arc::new(SmallBatches { input: node, rows });
        Ok(Transformed::yes(small))
    };
    plan.transform_up(cut).map(|plan| plan.data)
}

/// Cuts what a plan gives into batches of few rows.
#[derive(Debug)]
struct SmallBatches {
    input: Arc<dyn ExecutionPlan>,
    rows: usize,
}

impl DisplayAs for SmallBatches {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SmallBatches: rows={}", self.rows)
    }
}

impl ExecutionPlan for SmallBatches {
    fn name(&self) -> &'static str {
        "SmallBatches"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> PlanResult<Arc<dyn ExecutionPlan>> {
        let input = children.into_iter().next().unwrap_or_else(|| Arc::clone(&self.input));
        Ok(Arc::new(SmallBatches { input, rows: self.rows }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> PlanResult<SendableRecordBatchStream> {
        let metrics = SplitMetrics::new(&ExecutionPlanMetricsSet::new(), partition);
        let stream = self.input.execute(partition, context)?;
        Ok(Box::pin(BatchSplitStream::new(stream, self.rows, metrics)))
    }
}
