//! What every use of SQL shares: how it is parsed, and what a session knows.

use std::collections::BTreeSet;

use datafusion::execution::context::SessionContext;
use datafusion::prelude::SessionConfig;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::dialect::GenericDialect;

use super::refused;
use crate::error::{Error, Result};
use crate::schema::Catalog;

/// Longest SQL text, in bytes.
const SQL_BYTES_MAX: usize = 4 << 20;
/// How deep SQL may nest.
const SQL_DEPTH_MAX: usize = 50;

/// A session that takes names as they are written and gives rows in one order.
pub(crate) fn session() -> SessionContext {
    let mut config = SessionConfig::new().with_target_partitions(1).with_information_schema(false);
    config.options_mut().sql_parser.enable_ident_normalization = false;
    SessionContext::new_with_config(config)
}

/// The statements of a text, separated by `;`.
pub(crate) fn parse(sql: &str) -> Result<Vec<Statement>> {
    if sql.len() > SQL_BYTES_MAX {
        let message = format!("the SQL is {} bytes long, at most {SQL_BYTES_MAX} are read", sql.len());
        return Err(Error::invalid(message).with_advice("load many rows as JSON lines"));
    }
    let dialect = GenericDialect {};
    let parser = DFParserBuilder::new(sql).with_dialect(&dialect).with_recursion_limit(SQL_DEPTH_MAX).build();
    let statements = parser.and_then(|mut parser| parser.parse_statements());
    Ok(statements.map_err(refused)?.into())
}

/// The names of the tables that a statement reads; functions that give rows are none.
pub(crate) fn tables_of(context: &SessionContext, statement: &Statement) -> Result<BTreeSet<String>> {
    let state = context.state();
    let references = state.resolve_table_references(statement).map_err(refused)?;
    let names = references.iter().map(|reference| reference.table().to_owned());
    Ok(names.filter(|name| !state.table_functions().contains_key(name)).collect())
}

/// The error of SQL that names a table that is no type.
pub(crate) fn unknown_type(name: &str, catalog: &Catalog) -> Error {
    let names: Vec<&str> = catalog.types().iter().take(20).map(|ty| ty.name.as_str()).collect();
    Error::invalid(format!("there is no type `{name}`"))
        .with_advice(format!("the types are {}; names are case-sensitive", names.join(", ")))
}
