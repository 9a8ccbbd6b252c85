//! A statement → a plan → rows.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::SessionState;
use datafusion::execution::context::{SQLOptions, SessionContext};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use datafusion::sql::parser::Statement;

use super::refused;
use crate::error::{Error, Result};

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
    pub(crate) async fn stream(self) -> Result<SendableRecordBatchStream> {
        let physical = self.state.create_physical_plan(&self.logical).await.map_err(refused)?;
        execute_stream(physical, self.state.task_ctx()).map_err(refused)
    }
}
