//! JSON → a column, value by value, without anything in between.

use super::json::{Broken, Cursor, Token};
use crate::value::{Column, Problem, Value};

/// Puts one JSON value into the column; `optional`: whether `null` is a value. What does not fit is noted, and the value is
/// read to its end all the same, so that the rest of the line can be checked too. After a problem the column is good for
/// nothing but finding more.
pub(super) fn put(
    column: &mut Column,
    cursor: &mut Cursor<'_>,
    optional: bool,
    problem: &mut Option<Problem>,
) -> Result<(), Broken> {
    let token = cursor.token()?;
    let fitted = match &token {
        Token::Text(text) => column.put(&Value::Text(text)),
        Token::Number(text) => column.put(&Value::Written(text)),
        Token::Bool(value) => column.put(&Value::Bool(*value)),
        Token::List if column.items().is_some() => return put_items(column, cursor, problem),
        Token::Null if optional => {
            column.put_missing();
            Ok(())
        }
        Token::Null => column.put(&Value::Missing),
        Token::List => Err(column.expected_instead_of("a list")),
        Token::Object => Err(column.expected_instead_of("an object")),
    };
    if let Err(found) = fitted {
        cursor.skip_rest(&token)?;
        column.put_missing();
        problem.get_or_insert(found);
    }
    Ok(())
}

fn put_items(column: &mut Column, cursor: &mut Cursor<'_>, problem: &mut Option<Problem>) -> Result<(), Broken> {
    let mut first = true;
    while cursor.next_item(&mut first)? {
        match column.items() {
            Some(items) => put(items, cursor, false, problem)?,
            None => cursor.skip()?,
        }
    }
    if let Err(found) = column.close_list() {
        problem.get_or_insert(found);
    }
    Ok(())
}
