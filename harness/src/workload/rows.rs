//! From what the engine reads to rows that compare: a map from column to JSON value.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_json::ArrayWriter;
use serde_json::Value;

/// One row: column → value.
pub type Row = BTreeMap<String, Value>;

/// Rows as maps. A null is left out.
///
/// # Errors
/// A column of a type that has no form in JSON.
pub fn rows_of(batches: &[RecordBatch]) -> Result<Vec<Row>, String> {
    let mut writer = ArrayWriter::new(Vec::new());
    let batches: Vec<&RecordBatch> = batches.iter().filter(|batch| batch.num_rows() > 0).collect();
    if batches.is_empty() {
        return Ok(Vec::new());
    }
    let unreadable = |error: &dyn std::fmt::Display| format!("rows cannot be written as json: {error}");
    writer.write_batches(&batches).map_err(|error| unreadable(&error))?;
    writer.finish().map_err(|error| unreadable(&error))?;
    serde_json::from_slice(&writer.into_inner()).map_err(|error| unreadable(&error))
}

/// Whether `row` has every value that `wanted` names. Numbers compare by value, not by their type.
pub fn fits(row: &Row, wanted: &serde_json::Map<String, Value>) -> bool {
    wanted.iter().all(|(column, value)| match row.get(column) {
        Some(found) => same(found, value),
        None => value.is_null(),
    })
}

/// Whether two values mean the same.
pub fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left == right || left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        _ => left == right,
    }
}

/// Matches rows with what is wanted of them, in any order, each once. Returns what is wanted and not there, and what is
/// there and not wanted.
pub fn compare<'a>(
    rows: &'a [Row],
    wanted: &'a [serde_json::Map<String, Value>],
) -> (Vec<&'a serde_json::Map<String, Value>>, Vec<&'a Row>) {
    // Whoever asks for more columns fits fewer rows, so it chooses first.
    let mut order: Vec<&serde_json::Map<String, Value>> = wanted.iter().collect();
    order.sort_by_key(|wanted| std::cmp::Reverse(wanted.len()));
    let mut left: Vec<&Row> = rows.iter().collect();
    let mut missing = Vec::new();
    for wanted in order {
        match left.iter().position(|row| fits(row, wanted)) {
            Some(index) => {
                left.remove(index);
            }
            None => missing.push(wanted),
        }
    }
    (missing, left)
}

/// A row as one line.
pub fn line(row: &impl serde::Serialize) -> String {
    serde_json::to_string(row).unwrap_or_else(|error| format!("unprintable row: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> serde_json::Map<String, Value> {
        serde_json::from_value(value).expect("an object")
    }

    fn row(value: Value) -> Row {
        serde_json::from_value(value).expect("an object")
    }

    #[test]
    fn rows_match_in_any_order_and_each_once() {
        let rows = [row(json!({"name": "a", "age": 1})), row(json!({"name": "b"})), row(json!({"name": "b"}))];
        let wanted = [map(json!({"name": "b"})), map(json!({"name": "a", "age": 1.0}))];
        let (missing, left) = compare(&rows, &wanted);
        assert!(missing.is_empty());
        assert_eq!(left, [&rows[2]]);
    }

    #[test]
    fn a_null_is_an_absent_column() {
        assert!(fits(&row(json!({"name": "a"})), &map(json!({"name": "a", "age": null}))));
        assert!(!fits(&row(json!({"name": "a", "age": 1})), &map(json!({"age": null}))));
    }
}
