//! Reading: SQL over one snapshot, by DataFusion.
//!
//! Types are tables, named as they are, case-sensitive; an edge's endpoints are its columns `src` and `dst`. Only the
//! tables that a query names are opened, each at its pin. What may be said is in [`crate::sql`].

mod options;
mod rows;
#[cfg(test)]
mod tests;

use arrow_array::RecordBatch;
use datafusion::sql::TableReference;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;

use crate::error::{Error, Result};
use crate::manifest::Snapshot;
use crate::sql::{Memory, Plan, deeply, session_within, table_provider};

pub use options::QueryOptions;
pub use rows::Rows;

pub(crate) use crate::sql::{parse, refused, session, tables_of, unknown_type};

impl Snapshot {
    /// Runs one SQL query over this snapshot. The result is held in memory.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for SQL that is no query, does not fit the schema or takes too much memory, the result
    /// included; else the store's trouble.
    pub async fn query(&self, sql: &str) -> Result<Vec<RecordBatch>> {
        self.query_with(sql, &QueryOptions::default()).await?.collect().await
    }

    /// Runs one SQL query over this snapshot within bounds, and gives its rows as they come.
    ///
    /// # Errors
    /// As [`Snapshot::query`], and [`crate::ErrorKind::Timeout`] when the time is up.
    pub async fn query_with(&self, sql: &str, options: &QueryOptions) -> Result<Rows> {
        // What is no query was not looked at, and may be deep.
        let statement = deeply(|| only_query(parse(sql)?))?;
        let memory = Memory::new(options.memory_bytes)?;
        let (snapshot, bytes) = (self.clone(), memory.bytes());
        Rows::start(options.timeout, bytes, async move { plan(&snapshot, statement, &memory).await }).await
    }
}

async fn plan(snapshot: &Snapshot, statement: Statement, memory: &Memory) -> Result<Plan> {
    let context = session_within(memory);
    for name in tables_of(&context, &statement)? {
        if snapshot.catalog().get(&name).is_none() {
            return Err(unknown_type(&name, snapshot.catalog()));
        }
        let table = snapshot.table(&name).await?;
        let provider = table_provider(table.dataset(), false);
        context.register_table(TableReference::bare(name), provider).map_err(refused)?;
    }
    let plan = Plan::new(&context, statement, snapshot.clock().now()).await?;
    plan.require_unique_names()?;
    Ok(plan)
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
