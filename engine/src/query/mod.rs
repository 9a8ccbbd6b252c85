//! Reading: SQL over one snapshot, by DataFusion.
//!
//! Types are tables, named as they are, case-sensitive; an edge's endpoints are its columns `src` and `dst`. Only the
//! tables that a query names are opened, each at its pin.

mod options;
mod refusal;
mod rows;
mod session;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow_array::RecordBatch;
use datafusion::sql::TableReference;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;
use lance::datafusion::LanceTableProvider;

use crate::error::{Error, Result};
use crate::manifest::Snapshot;

pub use options::QueryOptions;
pub use rows::Rows;

pub(crate) use refusal::refused;
pub(crate) use session::{parse, session, tables_of, unknown_type};

impl Snapshot {
    /// Runs one SQL query over this snapshot. The result is held in memory.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for SQL that is no query or does not fit the schema, else the store's trouble.
    pub async fn query(&self, sql: &str) -> Result<Vec<RecordBatch>> {
        self.query_with(sql, &QueryOptions::default()).await?.collect().await
    }

    /// Runs one SQL query over this snapshot within bounds, and gives its rows as they come.
    ///
    /// # Errors
    /// As [`Snapshot::query`], and [`crate::ErrorKind::Timeout`] when the time is up.
    pub async fn query_with(&self, sql: &str, options: &QueryOptions) -> Result<Rows> {
        let statement = only_query(parse(sql)?)?;
        let context = session();
        for name in tables_of(&context, &statement)? {
            if self.catalog().get(&name).is_none() {
                return Err(unknown_type(&name, self.catalog()));
            }
            let table = self.table(&name).await?;
            let provider = LanceTableProvider::new(Arc::clone(table.dataset()), false, false);
            context.register_table(TableReference::bare(name), Arc::new(provider)).map_err(refused)?;
        }
        let plan = context.state().statement_to_plan(statement).await.map_err(refused)?;
        let rows = context.execute_logical_plan(plan).await.map_err(refused)?;
        Ok(Rows::new(rows.execute_stream().await.map_err(refused)?, options.timeout))
    }
}

/// One statement that changes nothing.
fn only_query(mut statements: Vec<Statement>) -> Result<Statement> {
    let (Some(statement), true) = (statements.pop(), statements.is_empty()) else {
        return Err(Error::invalid("a query is exactly one SQL statement"));
    };
    let inner = match &statement {
        Statement::Explain(explain) => explain.statement.as_ref(),
        other => other,
    };
    match inner {
        Statement::Statement(sql) if matches!(**sql, SqlStatement::Query(_)) => Ok(statement),
        Statement::Statement(sql)
            if matches!(**sql, SqlStatement::Insert(_) | SqlStatement::Update(_) | SqlStatement::Delete(_)) =>
        {
            Err(Error::invalid("a query cannot change rows").with_advice("use `mutate` for INSERT, UPDATE and DELETE"))
        }
        _ => Err(Error::invalid("this SQL is no query")
            .with_advice("use SELECT; types are declared in the schema, not by SQL")),
    }
}
