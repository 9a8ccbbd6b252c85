//! Values as the tests know them: how they are written in JSON and in SQL, and how they are read out of a column, bit for bit.

use std::fmt::Write as _;

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use chrono::{DateTime, Days, NaiveDate};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Missing,
    Bool(bool),
    Integer(i128),
    /// By its bits, like the next: a negative zero is another value.
    Single(u32),
    Double(u64),
    Text(String),
    /// Days since 1970-01-01.
    Day(i32),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Instant(i64),
    List(Vec<Value>),
}

impl Value {
    pub fn json(&self) -> String {
        match self {
            Value::Missing => "null".to_owned(),
            Value::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
            Value::Day(_) | Value::Instant(_) => format!("\"{}\"", self.plain()),
            Value::List(items) => format!("[{}]", items.iter().map(Value::json).collect::<Vec<_>>().join(",")),
            Value::Bool(_) | Value::Integer(_) | Value::Single(_) | Value::Double(_) => self.plain(),
        }
    }

    pub fn sql(&self) -> String {
        match self {
            Value::Missing => "NULL".to_owned(),
            Value::Text(_) | Value::Day(_) | Value::Instant(_) => format!("'{}'", self.plain().replace('\'', "''")),
            Value::List(items) => format!("[{}]", items.iter().map(Value::sql).collect::<Vec<_>>().join(", ")),
            Value::Bool(_) | Value::Integer(_) | Value::Single(_) | Value::Double(_) => self.plain(),
        }
    }

    fn plain(&self) -> String {
        match self {
            Value::Bool(value) => value.to_string(),
            Value::Integer(value) => value.to_string(),
            Value::Single(bits) => format!("{:?}", f32::from_bits(*bits)),
            Value::Double(bits) => format!("{:?}", f64::from_bits(*bits)),
            Value::Text(text) => text.clone(),
            Value::Day(days) => {
                let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a day");
                let by = Days::new(days.unsigned_abs().into());
                let day = if *days < 0 { epoch.checked_sub_days(by) } else { epoch.checked_add_days(by) };
                day.expect("a day of the calendar").to_string()
            }
            Value::Instant(micros) => {
                let at = DateTime::from_timestamp_micros(*micros).expect("an instant of the calendar");
                at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
            }
            Value::Missing | Value::List(_) => unreachable!("not plain"),
        }
    }
}

/// The rows of a result that is held in batches.
pub fn rows(batches: &[RecordBatch]) -> Vec<Vec<Value>> {
    let row = |batch: &RecordBatch, row| batch.columns().iter().map(|column| at(column.as_ref(), row)).collect();
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |at| row(batch, at))).collect()
}

fn at(column: &dyn Array, row: usize) -> Value {
    fn integer<T: ArrowPrimitiveType<Native: Into<i128>>>(column: &dyn Array, row: usize) -> Value {
        Value::Integer(column.as_primitive::<T>().value(row).into())
    }
    if column.is_null(row) {
        return Value::Missing;
    }
    match column.data_type() {
        DataType::Null => Value::Missing,
        DataType::Boolean => Value::Bool(column.as_boolean().value(row)),
        DataType::Int8 => integer::<Int8Type>(column, row),
        DataType::Int16 => integer::<Int16Type>(column, row),
        DataType::Int32 => integer::<Int32Type>(column, row),
        DataType::Int64 => integer::<Int64Type>(column, row),
        DataType::UInt8 => integer::<UInt8Type>(column, row),
        DataType::UInt16 => integer::<UInt16Type>(column, row),
        DataType::UInt32 => integer::<UInt32Type>(column, row),
        DataType::UInt64 => integer::<UInt64Type>(column, row),
        DataType::Decimal128(_, 0) => Value::Integer(column.as_primitive::<Decimal128Type>().value(row)),
        DataType::Float32 => Value::Single(column.as_primitive::<Float32Type>().value(row).to_bits()),
        DataType::Float64 => Value::Double(column.as_primitive::<Float64Type>().value(row).to_bits()),
        DataType::Utf8 => Value::Text(column.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => Value::Text(column.as_string::<i64>().value(row).to_owned()),
        DataType::Utf8View => Value::Text(column.as_string_view().value(row).to_owned()),
        DataType::Date32 => Value::Day(column.as_primitive::<Date32Type>().value(row)),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Value::Instant(column.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::List(_) => items(column.as_list::<i32>().value(row).as_ref()),
        DataType::FixedSizeList(..) => items(column.as_fixed_size_list().value(row).as_ref()),
        other => panic!("no column of a graph is a {other}"),
    }
}

fn items(array: &dyn Array) -> Value {
    Value::List((0..array.len()).map(|row| at(array, row)).collect())
}

/// `{"type": …, "data": {…}}`, a line a row.
pub fn lines(ty: &str, names: &[String], rows: &[Vec<Value>]) -> String {
    let mut lines = String::new();
    for row in rows {
        let members: Vec<String> =
            names.iter().zip(row).map(|(name, value)| format!("\"{name}\":{}", value.json())).collect();
        let _ = writeln!(lines, "{{\"type\":\"{ty}\",\"data\":{{{}}}}}", members.join(","));
    }
    lines
}

/// `INSERT INTO … VALUES …`.
pub fn insert(ty: &str, names: &[String], rows: &[Vec<Value>]) -> String {
    let row = |row: &Vec<Value>| format!("({})", row.iter().map(Value::sql).collect::<Vec<_>>().join(", "));
    let rows: Vec<String> = rows.iter().map(row).collect();
    format!("INSERT INTO {ty} ({}) VALUES {}", names.join(", "), rows.join(", "))
}
