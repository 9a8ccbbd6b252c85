//! Literals of SQL that stand directly where a column's value is given: they are read as what the column is.
//!
//! SQL gives `0.1` the type of a wide float, `1e2` too, and rows of VALUES one type for all. For what somebody writes out
//! that would lose something on the way, so the text itself meets the column, by the rules for JSON. Whatever is worked out
//! comes as SQL has it, and meets the column in [`super::fit`].

use datafusion::sql::sqlparser::ast::{
    Array, Expr, Parens, Query, SetExpr, UnaryOperator, Value as SqlValue, ValueWithSpan,
};

use super::fit::TableColumn;
use crate::schema::ScalarType;
use crate::value::{Column, Problem, Value, written_as};

/// Reads the literals of the rows of VALUES, where the source of an INSERT is that; `columns` are those that it names.
///
/// # Errors
/// The column, the row and what is wrong.
pub(super) fn read_values(source: &mut Query, columns: &[Option<&TableColumn<'_>>]) -> Result<(), String> {
    match source.body.as_mut() {
        SetExpr::Values(values) => {
            for (Parens { content, opening_token: _, closing_token: _ }, row) in values.rows.iter_mut().zip(1u64..) {
                let cells = content.iter_mut().zip(columns);
                for (cell, column) in cells.filter_map(|(cell, column)| Some((cell, (*column)?))) {
                    let wrong = |problem| format!("{} in row {row} is {problem}", column.name);
                    read(cell, column.ty).map_err(wrong)?;
                }
            }
            Ok(())
        }
        SetExpr::Query(inner) => read_values(inner, columns),
        _ => Ok(()),
    }
}

/// Reads the value of an assignment, where it is a literal.
///
/// # Errors
/// The column and what is wrong.
pub(super) fn read_assigned(mut value: Expr, column: &TableColumn<'_>) -> Result<Expr, String> {
    read(&mut value, column.ty).map_err(|problem| format!("{} is {problem}", column.name))?;
    Ok(value)
}

fn read(expr: &mut Expr, ty: &ScalarType) -> Result<(), Problem> {
    match expr {
        Expr::Nested(inner) => read(inner, ty),
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
            elem.iter_mut().try_for_each(|elem| read(elem, item))
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
        SqlValue::SingleQuotedString(text) | SqlValue::EscapedStringLiteral(text) => {
            Column::new(ty).put(&Value::Text(text))
        }
        SqlValue::DollarQuotedString(text) => Column::new(ty).put(&Value::Text(&text.value)),
        SqlValue::Boolean(value) => Column::new(ty).put(&Value::Bool(*value)),
        _ => Ok(()),
    }
}
