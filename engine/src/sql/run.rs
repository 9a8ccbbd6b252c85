//! A statement → a plan → rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::SessionState;
use datafusion::execution::context::{SQLOptions, SessionContext};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use datafusion::sql::parser::Statement;

use super::limit::BATCH_ROWS;
use super::{constant, outer_reference, refused};
use crate::error::{Error, Result};

/// The error of a query whose names are all known and which cannot be carried out all the same: a column is looked for where it is
/// not, since a subquery refers to rows that are not those around it.
fn not_carried_out(error: DataFusionError) -> Error {
    let is_of_a_subquery = error.strip_backtrace().contains("decorrelate_");
    match error.find_root() {
        DataFusionError::SchemaError(..) => outer_reference().with_source(error),
        DataFusionError::Plan(_) if is_of_a_subquery => outer_reference().with_source(error),
        _ => refused(error),
    }
}

/// A query that is planned over the tables of a session.
pub(crate) struct Plan {
    state: SessionState,
    logical: LogicalPlan,
}

impl Plan {
    /// Plans a query; `now` is what it is told when it asks for the time.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for what does not fit the tables.
    pub(crate) async fn new(context: &SessionContext, statement: Statement, now: DateTime<Utc>) -> Result<Plan> {
        let mut state = context.state();
        state.execution_props_mut().query_execution_start_time = Some(now);
        let logical = state.statement_to_plan(statement).await.map_err(refused)?;
        let reads = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        reads.verify_plan(&logical).map_err(refused)?;
        Ok(Plan { state, logical })
    }

    /// Fails when two columns of the result have one name: by name, only one of them could be reached.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] naming the column.
    pub(crate) fn require_unique_names(&self) -> Result<()> {
        let mut names = BTreeSet::new();
        let fields = self.logical.schema().fields();
        match fields.iter().find(|field| !names.insert(field.name().as_str())) {
            None => Ok(()),
            Some(field) => Err(Error::invalid(format!("two columns of the result are called `{}`", field.name()))
                .with_advice("give one of them another name with AS")),
        }
    }

    /// Runs it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for what cannot be planned, else the store's trouble.
    pub(crate) async fn stream(mut self) -> Result<SendableRecordBatchStream> {
        let optimized = self.state.optimize(&self.logical).map_err(not_carried_out)?;
        let rows = constant::rows_of_a_batch(&optimized).map_err(not_carried_out)?;
        let is_small = rows < BATCH_ROWS;
        if is_small {
            self.state.config_mut().options_mut().execution.batch_size = rows;
        }
        let planner = Arc::clone(self.state.query_planner());
        let mut physical = planner.create_physical_plan(&optimized, &self.state).await.map_err(not_carried_out)?;
        if is_small {
            physical = constant::in_small_batches(physical, rows).map_err(not_carried_out)?;
        }
        execute_stream(physical, self.state.task_ctx()).map_err(refused)
    }
}
