//! Literals of SQL that stand directly where a column's value is given: they are read as what the column is.
//!
//! SQL gives `0.1` the type of a wide float, `1e2` too, and rows of VALUES one type for all. For what somebody writes out
//! that would lose something on the way, so the text itself meets the column, by the rules for JSON. Whatever is worked out
//! comes as SQL has it, and meets the column in [`super::fit`].

use datafusion::sql::sqlparser::ast::{
    Array, Expr, Parens, Query, SetExpr, UnaryOperator, Value as SqlValue, ValueWithSpan,
};

use super::cell::as_column;
use super::fit::TableColumn;
use crate::schema::ScalarType;
use crate::value::{Problem, Value, check, written_as};

/// Reads the literals of the rows of VALUES, where the source of an INSERT is that; `columns` are those that it names. SQL
/// that runs it needs [`super::cell::register`].
///
/// # Errors
/// The column, the row and what is wrong.
pub(super) fn read_values(source: &mut Query, into: &str, columns: &[Option<&TableColumn<'_>>]) -> Result<(), String> {
    match source.body.as_mut() {
        SetExpr::Values(values) => {
            let mut rows: Vec<&mut Vec<Expr>> = Vec::with_capacity(values.rows.len());
            for (Parens { content, opening_token: _, closing_token: _ }, number) in values.rows.iter_mut().zip(1u64..) {
                for (cell, column) in content.iter_mut().zip(columns) {
                    if let Some(column) = column {
                        read_at(cell, column, &place(into, column, number))?;
                    }
                }
                rows.push(content);
            }
            as_columns(rows, into, columns);
            Ok(())
        }
        SetExpr::Query(inner) => read_values(inner, into, columns),
        _ => Ok(()),
    }
}

/// Reads the value of an assignment to a column of `of`, where it is a literal.
///
/// # Errors
/// The column and what is wrong.
pub(super) fn read_assigned(mut value: Expr, of: &str, column: &TableColumn<'_>) -> Result<Expr, String> {
    read_at(&mut value, column, &format!("{of}.{}", column.name))?;
    Ok(value)
}

fn place(into: &str, column: &TableColumn<'_>, row: u64) -> String {
    format!("{into}.{} in row {row}", column.name)
}

fn read_at(expr: &mut Expr, column: &TableColumn<'_>, place: &str) -> Result<(), String> {
    read(expr, column.ty, place).map_err(|problem| format!("{place} is {problem}"))
}

/// Where SQL works out a cell of several rows, makes all cells of its column what the column of the table is.
fn as_columns(mut rows: Vec<&mut Vec<Expr>>, into: &str, columns: &[Option<&TableColumn<'_>>]) {
    if rows.len() < 2 {
        return;
    }
    for (at, column) in columns.iter().enumerate() {
        let Some(column) = column else { continue };
        if rows.iter().filter_map(|row| row.get(at)).all(is_literal) {
            continue;
        }
        for (row, number) in rows.iter_mut().zip(1u64..) {
            let Some(cell) = row.get_mut(at) else { continue };
            wrap(cell, column.ty, &place(into, column, number));
        }
    }
}

fn wrap(expr: &mut Expr, ty: &ScalarType, place: &str) {
    let inner = std::mem::replace(expr, Expr::value(SqlValue::Null));
    *expr = as_column(inner, ty, place);
}

fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::Value(_) => true,
        Expr::Nested(inner) => is_literal(inner),
        Expr::Array(Array { elem, named: _ }) => elem.iter().all(is_literal),
        _ => false,
    }
}

fn read(expr: &mut Expr, ty: &ScalarType, place: &str) -> Result<(), Problem> {
    match expr {
        Expr::Nested(inner) => read(inner, ty, place),
        Expr::Value(ValueWithSpan { value, span: _ }) => read_value(value, "", ty),
        Expr::UnaryOp { op: op @ (UnaryOperator::Minus | UnaryOperator::Plus), expr: inner } => {
            let sign = if *op == UnaryOperator::Minus { "-" } else { "" };
            if let Expr::Value(ValueWithSpan { value: value @ SqlValue::Number(..), span: _ }) = inner.as_mut() {
                read_value(value, sign, ty)?;
                *expr = std::mem::replace(inner, Expr::value(SqlValue::Null));
            }
            Ok(())
        }
        Expr::Array(Array { elem, named: _ }) => {
            let item = match ty {
                ScalarType::List(item) => item.as_ref(),
                ScalarType::Vector(_) => &ScalarType::F32,
                _ => return Ok(()),
            };
            elem.iter_mut().try_for_each(|elem| read(elem, item, place))?;
            // SQL gives items one type as well.
            if elem.len() > 1 && !elem.iter().all(is_literal) {
                elem.iter_mut().for_each(|elem| wrap(elem, item, place));
            }
            Ok(())
        }
        // Worked out, or of no type yet: SQL knows what it is.
        _ => Ok(()),
    }
}

fn read_value(value: &mut SqlValue, sign: &str, ty: &ScalarType) -> Result<(), Problem> {
    match value {
        SqlValue::Number(text, false) => {
            *text = written_as(ty, &format!("{sign}{text}"))?;
            Ok(())
        }
        SqlValue::SingleQuotedString(text) | SqlValue::EscapedStringLiteral(text) => check(ty, &Value::Text(text)),
        SqlValue::DollarQuotedString(text) => check(ty, &Value::Text(&text.value)),
        SqlValue::Boolean(value) => check(ty, &Value::Bool(*value)),
        _ => Ok(()),
    }
}
