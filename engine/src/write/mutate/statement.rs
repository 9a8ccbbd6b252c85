//! SQL → what to do, or why not. No clause is passed over: what is not carried out is refused by name.

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Assignment, AssignmentTarget, Delete, Expr, FromTable, Insert, ObjectName, Query, Statement as SqlStatement,
    TableAlias, TableFactor, TableObject, TableWithJoins, Update,
};

use crate::error::{Error, Result};
use crate::sql::allow::{self, plain, without};

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

fn read_insert(insert: Insert) -> Result<Action> {
    let Insert {
        insert_token: _,
        optimizer_hints,
        or,
        ignore,
        into,
        table,
        table_alias,
        columns,
        overwrite,
        source,
        assignments,
        partitioned,
        after_columns,
        has_table_keyword,
        on,
        returning,
        output,
        replace_into,
        priority,
        insert_alias,
        settings,
        format_clause,
        multi_table_insert_type,
        multi_table_into_clauses,
        multi_table_when_clauses,
        multi_table_else_clause,
    } = insert;
    without(&[
        (!optimizer_hints.is_empty(), "an optimizer hint"),
        (or.is_some(), "INSERT OR"),
        (ignore, "INSERT IGNORE"),
        (!into, "INSERT without INTO"),
        (overwrite, "INSERT OVERWRITE"),
        (replace_into, "REPLACE"),
        (priority.is_some(), "a priority of INSERT"),
        (has_table_keyword, "TABLE after INSERT INTO"),
        (on.is_some(), "ON CONFLICT"),
        (returning.is_some(), "RETURNING"),
        (output.is_some(), "OUTPUT"),
        (partitioned.is_some() || !after_columns.is_empty(), "PARTITION"),
        (!assignments.is_empty(), "INSERT ... SET"),
        (table_alias.is_some() || insert_alias.is_some(), "an alias in INSERT"),
        (settings.is_some(), "SETTINGS"),
        (format_clause.is_some(), "FORMAT"),
        (
            multi_table_insert_type.is_some()
                || !multi_table_into_clauses.is_empty()
                || !multi_table_when_clauses.is_empty()
                || multi_table_else_clause.is_some(),
            "INSERT into several tables",
        ),
    ])?;
    let TableObject::TableName(name) = table else {
        return Err(Error::invalid("INSERT names the type that rows are added to"));
    };
    let source = source.ok_or_else(|| Error::invalid("INSERT needs VALUES or a query"))?;
    allow::query(&source)?;
    let columns = columns.iter().map(name_of).collect::<Result<Vec<_>>>()?;
    Ok(Action::Insert { into: name_of(&name)?, columns: (!columns.is_empty()).then_some(columns), source })
}

fn read_update(update: Update) -> Result<Action> {
    let Update {
        update_token: _,
        optimizer_hints,
        table,
        assignments,
        from,
        selection,
        returning,
        output,
        or,
        order_by,
        limit,
    } = update;
    without(&[
        (!optimizer_hints.is_empty(), "an optimizer hint"),
        (from.is_some(), "UPDATE ... FROM: use a subquery instead; it"),
        (or.is_some(), "UPDATE OR"),
        (returning.is_some(), "RETURNING"),
        (output.is_some(), "OUTPUT"),
        (limit.is_some(), "LIMIT in UPDATE"),
        (!order_by.is_empty(), "ORDER BY in UPDATE"),
    ])?;
    let target = target(table)?;
    let assignments = assignments.into_iter().map(|Assignment { target: column, value }| {
        allow::expression(&value)?;
        match column {
            AssignmentTarget::ColumnName(name) => Ok((column_of(&target, &name)?, value)),
            AssignmentTarget::Tuple(_) => Err(Error::invalid("SET with a tuple is not supported")),
        }
    });
    let assignments = assignments.collect::<Result<Vec<_>>>()?;
    selection.iter().try_for_each(allow::expression)?;
    Ok(Action::Update { target, assignments, selection })
}

fn read_delete(delete: Delete) -> Result<Action> {
    let Delete { delete_token: _, optimizer_hints, tables, from, using, selection, returning, output, order_by, limit } =
        delete;
    without(&[
        (!optimizer_hints.is_empty(), "an optimizer hint"),
        (!tables.is_empty(), "DELETE from several tables"),
        (using.is_some(), "DELETE ... USING: use a subquery instead; it"),
        (returning.is_some(), "RETURNING"),
        (output.is_some(), "OUTPUT"),
        (limit.is_some(), "LIMIT in DELETE"),
        (!order_by.is_empty(), "ORDER BY in DELETE"),
    ])?;
    let (FromTable::WithFromKeyword(mut tables) | FromTable::WithoutKeyword(mut tables)) = from;
    let (Some(table), true) = (tables.pop(), tables.is_empty()) else {
        return Err(Error::invalid("DELETE names one type"));
    };
    let target = target(table)?;
    selection.iter().try_for_each(allow::expression)?;
    Ok(Action::Delete { target, selection })
}

fn target(table: TableWithJoins) -> Result<Target> {
    let TableWithJoins { relation, joins } = table;
    without(&[(!joins.is_empty(), "a join with the table that is changed")])?;
    let TableFactor::Table {
        name,
        alias,
        args,
        with_hints,
        version,
        with_ordinality,
        partitions,
        json_path,
        sample,
        index_hints,
    } = relation
    else {
        return Err(Error::invalid("rows are changed in a type, named plainly"));
    };
    without(&[
        (args.is_some(), "a function as the table that is changed"),
        (!with_hints.is_empty(), "a hint in WITH after a type"),
        (version.is_some(), "a version of the type that is changed"),
        (with_ordinality, "WITH ORDINALITY"),
        (!partitions.is_empty(), "PARTITION"),
        (json_path.is_some(), "a JSON path after a type"),
        (sample.is_some(), "TABLESAMPLE"),
        (!index_hints.is_empty(), "an index hint"),
    ])?;
    let name = name_of(&name)?;
    let Some(TableAlias { explicit: _, name: alias, columns, at }) = alias else {
        return Ok(Target { alias: name.clone(), name });
    };
    without(&[
        (!columns.is_empty(), "other names of the columns that are changed"),
        (at.is_some(), "AT after an alias"),
    ])?;
    Ok(Target { name, alias: alias.value })
}

fn name_of(name: &ObjectName) -> Result<String> {
    plain(name).map(|ident| ident.value.clone())
}

/// The column of a name in SET, which may be qualified by what the statement calls its target.
fn column_of(target: &Target, name: &ObjectName) -> Result<String> {
    let idents: Option<Vec<&str>> =
        name.0.iter().map(|part| part.as_ident().map(|ident| ident.value.as_str())).collect();
    match idents.as_deref() {
        Some([column]) => Ok((*column).to_owned()),
        Some([table, column]) if *table == target.alias => Ok((*column).to_owned()),
        Some([table, _]) => Err(Error::invalid(format!("SET names a column of `{table}`"))
            .with_advice(format!("rows are changed in `{}` alone", target.alias))),
        _ => Err(Error::invalid(format!("`{name}` is no column"))),
    }
}
