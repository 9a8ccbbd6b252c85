//! SQL → what to do, or why not.

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    AssignmentTarget, Delete, Expr, FromTable, Insert, ObjectName, Query, Statement as SqlStatement, TableFactor,
    TableObject, TableWithJoins, Update,
};

use crate::error::{Error, Result};

/// One statement, reduced to what it may say.
pub(super) enum Action {
    Insert { into: String, columns: Option<Vec<String>>, source: Box<Query> },
    Update { target: Target, assignments: Vec<(String, Expr)>, selection: Option<Expr> },
    Delete { target: Target, selection: Option<Expr> },
}

/// The table that rows are changed in, and what the statement calls it.
pub(super) struct Target {
    pub(super) name: String,
    pub(super) alias: String,
}

pub(super) fn read(statement: Statement) -> Result<Action> {
    let other =
        || Error::invalid("a mutation is made of INSERT, UPDATE and DELETE").with_advice("use `query` to read rows");
    let Statement::Statement(statement) = statement else { return Err(other()) };
    match *statement {
        SqlStatement::Insert(insert) => read_insert(insert),
        SqlStatement::Update(update) => read_update(update),
        SqlStatement::Delete(delete) => read_delete(delete),
        _ => Err(other()),
    }
}

/// Fails when a clause is there that has no meaning here; to ignore it would be to do something else.
fn without(clauses: &[(bool, &str)]) -> Result<()> {
    match clauses.iter().find(|(present, _)| *present) {
        Some((_, clause)) => Err(Error::invalid(format!("{clause} is not supported"))),
        None => Ok(()),
    }
}

fn read_insert(insert: Insert) -> Result<Action> {
    without(&[
        (insert.or.is_some(), "INSERT OR"),
        (insert.ignore, "INSERT IGNORE"),
        (insert.overwrite, "INSERT OVERWRITE"),
        (insert.replace_into, "REPLACE"),
        (insert.on.is_some(), "ON CONFLICT"),
        (insert.returning.is_some() || insert.output.is_some(), "RETURNING"),
        (insert.partitioned.is_some() || !insert.after_columns.is_empty(), "PARTITION"),
        (!insert.assignments.is_empty(), "INSERT ... SET"),
        (insert.table_alias.is_some() || insert.insert_alias.is_some(), "an alias in INSERT"),
        (insert.settings.is_some() || insert.format_clause.is_some(), "SETTINGS or FORMAT"),
        (insert.multi_table_insert_type.is_some(), "INSERT into several tables"),
    ])?;
    let TableObject::TableName(name) = insert.table else {
        return Err(Error::invalid("INSERT names the type that rows are added to"));
    };
    let source = insert.source.ok_or_else(|| Error::invalid("INSERT needs VALUES or a query"))?;
    let columns = insert.columns.iter().map(plain).collect::<Result<Vec<_>>>()?;
    Ok(Action::Insert { into: plain(&name)?, columns: (!columns.is_empty()).then_some(columns), source })
}

fn read_update(update: Update) -> Result<Action> {
    without(&[
        (update.from.is_some(), "UPDATE ... FROM: use a subquery instead; it"),
        (update.or.is_some(), "UPDATE OR"),
        (update.returning.is_some() || update.output.is_some(), "RETURNING"),
        (update.limit.is_some() || !update.order_by.is_empty(), "LIMIT in UPDATE"),
    ])?;
    let assignments = update.assignments.into_iter().map(|assignment| match assignment.target {
        AssignmentTarget::ColumnName(name) => Ok((last(&name)?, assignment.value)),
        AssignmentTarget::Tuple(_) => Err(Error::invalid("SET with a tuple is not supported")),
    });
    let assignments = assignments.collect::<Result<Vec<_>>>()?;
    Ok(Action::Update { target: target(update.table)?, assignments, selection: update.selection })
}

fn read_delete(delete: Delete) -> Result<Action> {
    without(&[
        (!delete.tables.is_empty(), "DELETE from several tables"),
        (delete.using.is_some(), "DELETE ... USING: use a subquery instead; it"),
        (delete.returning.is_some() || delete.output.is_some(), "RETURNING"),
        (delete.limit.is_some() || !delete.order_by.is_empty(), "LIMIT in DELETE"),
    ])?;
    let (FromTable::WithFromKeyword(mut tables) | FromTable::WithoutKeyword(mut tables)) = delete.from;
    match (tables.pop(), tables.is_empty()) {
        (Some(table), true) => Ok(Action::Delete { target: target(table)?, selection: delete.selection }),
        _ => Err(Error::invalid("DELETE names one type")),
    }
}

fn target(table: TableWithJoins) -> Result<Target> {
    let TableFactor::Table { name, alias, args: None, .. } = table.relation else {
        return Err(Error::invalid("rows are changed in a type, named plainly"));
    };
    without(&[(!table.joins.is_empty(), "a join with the table that is changed")])?;
    let name = plain(&name)?;
    let alias = alias.map_or_else(|| name.clone(), |alias| alias.name.value);
    Ok(Target { name, alias })
}

fn plain(name: &ObjectName) -> Result<String> {
    match name.0.as_slice() {
        [_] => last(name),
        _ => Err(Error::invalid(format!("`{name}` is no plain name"))),
    }
}

/// The column of a name that may be qualified.
fn last(name: &ObjectName) -> Result<String> {
    let ident = name.0.last().and_then(|part| part.as_ident());
    ident.map(|ident| ident.value.clone()).ok_or_else(|| Error::invalid(format!("`{name}` is no plain name")))
}
