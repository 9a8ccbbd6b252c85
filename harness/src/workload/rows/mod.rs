//! From what the engine reads to rows that compare: a map from column to JSON value.
//!
//! - [`value`]: a value of a column as JSON, exactly, and what somebody who writes JSON means by a value of such a column.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_schema::DataType;
use serde_json::{Map, Value};

mod value;

/// One row: column → value.
pub type Row = BTreeMap<String, Value>;

/// Rows as maps. A null is left out.
///
/// # Errors
/// A column of a type that has no form in JSON.
pub fn rows_of(batches: &[RecordBatch]) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for batch in batches {
        let mut columns = Vec::new();
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let values = value::values(column).map_err(|why| format!("rows cannot be written as json: {why}"))?;
            columns.push((field.name().clone(), values.into_iter()));
        }
        for _ in 0..batch.num_rows() {
            let mut row = Row::new();
            for (name, values) in &mut columns {
                if let Some(value) = values.next().filter(|value| !value.is_null()) {
                    row.insert(name.clone(), value);
                }
            }
            rows.push(row);
        }
    }
    Ok(rows)
}

/// The type of every column.
pub fn types_of(batches: &[RecordBatch]) -> BTreeMap<String, DataType> {
    let fields = batches.first().map(|batch| batch.schema()).into_iter();
    fields
        .flat_map(|schema| {
            schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect::<Vec<_>>()
        })
        .collect()
}

/// What is wanted of rows whose columns have these types, in the form in which such rows are read.
pub fn meant(types: &BTreeMap<String, DataType>, wanted: &Map<String, Value>) -> Map<String, Value> {
    let meant = wanted.iter().map(|(column, wanted)| {
        let value = types.get(column).map_or_else(|| wanted.clone(), |ty| value::meant(ty, wanted));
        (column.clone(), value)
    });
    meant.collect()
}

/// Whether `row` has every value that `wanted` names.
pub fn fits(row: &Row, wanted: &Map<String, Value>) -> bool {
    wanted.iter().all(|(column, value)| match row.get(column) {
        Some(found) => value::is_the_same(found, value),
        None => value.is_null(),
    })
}

/// Matches rows with what is wanted of them, in any order, each once. Returns what is wanted and not there, and what is
/// there and not wanted.
pub fn compare<'a>(rows: &'a [Row], wanted: &'a [Map<String, Value>]) -> (Vec<&'a Map<String, Value>>, Vec<&'a Row>) {
    // Whoever asks for more columns fits fewer rows, so it chooses first.
    let mut order: Vec<&Map<String, Value>> = wanted.iter().collect();
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
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float32Array, Float64Array, Int64Array, StringArray};
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).expect("an object")
    }

    fn row(value: Value) -> Row {
        serde_json::from_value(value).expect("an object")
    }

    fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter(columns).expect("columns of one length")
    }

    /// Whether a row that has this one column is what is wanted.
    fn is_found(column: ArrayRef, wanted: Value) -> bool {
        let batches = [batch(vec![("v", column)])];
        let wanted = meant(&types_of(&batches), &map(json!({"v": wanted})));
        compare(&rows_of(&batches).expect("rows"), &[wanted]).0.is_empty()
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

    #[test]
    fn neighbours_beyond_the_integers_of_a_float_are_told_apart() {
        let big = 9_007_199_254_740_993_i64;
        let column = || Arc::new(Int64Array::from(vec![big])) as ArrayRef;
        assert!(is_found(column(), json!(big)));
        assert!(!is_found(column(), json!(big - 1)), "as floats the two are one");
        assert!(!is_found(column(), json!(9_007_199_254_740_992.0)));
        assert!(is_found(Arc::new(Int64Array::from(vec![big - 1])), json!(9_007_199_254_740_992.0)));
    }

    #[test]
    fn a_float_is_compared_as_what_its_column_is() {
        assert!(is_found(Arc::new(Float32Array::from(vec![0.1])), json!(0.1)));
        assert!(!is_found(Arc::new(Float32Array::from(vec![0.1])), json!(0.100_000_02)));
        let widened = f64::from(0.1_f32);
        assert!(is_found(Arc::new(Float32Array::from(vec![0.1])), json!(widened)));
        assert!(!is_found(Arc::new(Float64Array::from(vec![widened])), json!(0.1)), "0.1 of 32 bits is another number");
        assert!(is_found(Arc::new(Float64Array::from(vec![3.0])), json!(3)));
        assert!(!is_found(Arc::new(Float64Array::from(vec![-0.0])), json!(0.0)));
        assert!(
            !is_found(Arc::new(Float64Array::from(vec![f64::NAN])), Value::Null),
            "what is no number is not missing"
        );
    }

    #[test]
    fn a_text_that_looks_like_a_time_is_a_text() {
        let column = || Arc::new(StringArray::from(vec!["2026-01-02T03:04:05+01:00"])) as ArrayRef;
        assert!(is_found(column(), json!("2026-01-02T03:04:05+01:00")));
        assert!(!is_found(column(), json!("2026-01-02T02:04:05Z")));
    }
}
