//! A value of a column as JSON, exactly: integers as integers, floats bit for bit, days and instants as text.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_json::ArrayWriter;
use arrow_schema::{DataType, TimeUnit};
use chrono::{DateTime, Days, NaiveDate, SecondsFormat, Utc};
use serde_json::Value;

/// Every value of a column.
///
/// # Errors
/// The column is of a type that has no form in JSON.
pub(super) fn values(column: &ArrayRef) -> Result<Vec<Value>, String> {
    let values = match column.data_type() {
        DataType::Int8 => primitives::<Int8Type>(column, |value| value.into()),
        DataType::Int16 => primitives::<Int16Type>(column, |value| value.into()),
        DataType::Int32 => primitives::<Int32Type>(column, |value| value.into()),
        DataType::Int64 => primitives::<Int64Type>(column, |value| value.into()),
        DataType::UInt8 => primitives::<UInt8Type>(column, |value| value.into()),
        DataType::UInt16 => primitives::<UInt16Type>(column, |value| value.into()),
        DataType::UInt32 => primitives::<UInt32Type>(column, |value| value.into()),
        DataType::UInt64 => primitives::<UInt64Type>(column, |value| value.into()),
        DataType::Float32 => primitives::<Float32Type>(column, single),
        DataType::Float64 => primitives::<Float64Type>(column, double),
        DataType::Date32 => primitives::<Date32Type>(column, day),
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if &**zone == "UTC" => {
            primitives::<TimestampMicrosecondType>(column, instant)
        }
        DataType::Boolean => column.as_boolean().iter().map(Value::from).collect(),
        DataType::Utf8 => column.as_string::<i32>().iter().map(Value::from).collect(),
        DataType::LargeUtf8 => column.as_string::<i64>().iter().map(Value::from).collect(),
        DataType::Utf8View => column.as_string_view().iter().map(Value::from).collect(),
        DataType::List(_) => column.as_list::<i32>().iter().map(list).collect::<Result<_, _>>()?,
        DataType::LargeList(_) => column.as_list::<i64>().iter().map(list).collect::<Result<_, _>>()?,
        DataType::FixedSizeList(..) => column.as_fixed_size_list().iter().map(list).collect::<Result<_, _>>()?,
        DataType::Null => vec![Value::Null; column.len()],
        _ => others(column)?,
    };
    Ok(values)
}

fn primitives<T: ArrowPrimitiveType>(column: &ArrayRef, json: impl Fn(T::Native) -> Value) -> Vec<Value> {
    column.as_primitive::<T>().iter().map(|value| value.map_or(Value::Null, &json)).collect()
}

fn list(items: Option<ArrayRef>) -> Result<Value, String> {
    items.map_or(Ok(Value::Null), |items| values(&items).map(Value::Array))
}

/// What is no number has no form in JSON; a text says so, and is no number either.
fn double(value: f64) -> Value {
    serde_json::Number::from_f64(value).map_or_else(|| Value::String(value.to_string()), Value::Number)
}

/// The shortest number that is nearest to this one among those of 32 bits, so that it reads as it was written.
fn single(value: f32) -> Value {
    double(value.to_string().parse().unwrap_or_else(|_| f64::from(value)))
}

fn day(days: i32) -> Value {
    let shift = Days::new(u64::from(days.unsigned_abs()));
    let epoch = DateTime::<Utc>::UNIX_EPOCH.date_naive();
    let day = if days < 0 { epoch.checked_sub_days(shift) } else { epoch.checked_add_days(shift) };
    Value::String(day.map_or_else(|| format!("day {days}"), |day: NaiveDate| day.to_string()))
}

fn instant(micros: i64) -> Value {
    let instant = DateTime::<Utc>::from_timestamp_micros(micros);
    Value::String(instant.map_or_else(|| format!("microsecond {micros}"), text_of))
}

fn text_of(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Types that no property has, as Arrow writes them.
fn others(column: &ArrayRef) -> Result<Vec<Value>, String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let batch = RecordBatch::try_from_iter_with_nullable([("v", Arc::clone(column), true)]);
    let batch = batch.map_err(|error| told(&error))?;
    let mut writer = ArrayWriter::new(Vec::new());
    writer.write_batches(&[&batch]).map_err(|error| told(&error))?;
    writer.finish().map_err(|error| told(&error))?;
    let bytes = writer.into_inner();
    let rows: Vec<serde_json::Map<String, Value>> = match bytes.is_empty() {
        true => Vec::new(),
        false => crate::json::read(&bytes).map_err(|error| told(&error))?,
    };
    Ok(rows.into_iter().map(|mut row| row.remove("v").unwrap_or_default()).collect())
}

/// What somebody who writes a value down means by it in a column of this type, in the form that [`values`] gives.
pub(super) fn meant(ty: &DataType, wanted: &Value) -> Value {
    let meant = match (ty, wanted) {
        (DataType::Float32, Value::Number(number)) => number.as_f64().map(|number| single(number as f32)),
        (DataType::Float64, Value::Number(number)) => number.as_f64().filter(|_| is_exact(number)).map(double),
        (DataType::Timestamp(..), Value::String(text)) => {
            DateTime::parse_from_rfc3339(text).ok().map(|instant| Value::String(text_of(instant.to_utc())))
        }
        (DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _), Value::Array(items)) => {
            Some(items.iter().map(|wanted| meant(item.data_type(), wanted)).collect())
        }
        _ => None,
    };
    meant.unwrap_or_else(|| wanted.clone())
}

/// Whether a float can be this number.
fn is_exact(number: &serde_json::Number) -> bool {
    match (whole(number), number.as_f64()) {
        (Some(whole), Some(float)) => float as i128 == whole,
        _ => true,
    }
}

/// The integer that a number is; none for one with a fraction, and for negative zero.
fn whole(number: &serde_json::Number) -> Option<i128> {
    let integer = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    let is_whole =
        |float: &f64| float.fract() == 0.0 && float.abs() < 1e30 && !(*float == 0.0 && float.is_sign_negative());
    integer.or_else(|| number.as_f64().filter(is_whole).map(|float| float as i128))
}

/// Whether two values are the same: an integer and a float are if they are the same number, two floats if they are the same
/// bits, and nothing is compared through a float that is none.
pub(super) fn is_the_same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => match (whole(left), whole(right)) {
            (Some(left), Some(right)) => left == right,
            (None, None) => left.as_f64().map(f64::to_bits) == right.as_f64().map(f64::to_bits),
            _ => false,
        },
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_the_same(left, right))
        }
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{Date32Array, ListArray, TimestampMicrosecondArray, UInt64Array};
    use serde_json::json;

    use super::*;

    #[test]
    fn the_ends_of_every_range_have_a_form() {
        let instants = TimestampMicrosecondArray::from(vec![Some(-62_135_596_800_000_000), Some(1), None]);
        let instants: ArrayRef = Arc::new(instants.with_timezone("UTC"));
        let wanted = vec![json!("0001-01-01T00:00:00Z"), json!("1970-01-01T00:00:00.000001Z"), Value::Null];
        assert_eq!(values(&instants), Ok(wanted));
        let days: ArrayRef = Arc::new(Date32Array::from(vec![-719_162, 2_932_896, i32::MAX]));
        assert_eq!(values(&days), Ok(vec![json!("0001-01-01"), json!("9999-12-31"), json!("day 2147483647")]));
        let unsigned: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX]));
        assert_eq!(values(&unsigned), Ok(vec![json!(u64::MAX)]));
    }

    #[test]
    fn an_item_of_a_list_is_read_as_what_it_is() {
        let lists = ListArray::from_iter_primitive::<Float32Type, _, _>([
            Some(vec![Some(0.1), None, Some(f32::MAX)]),
            None,
            Some(vec![]),
        ]);
        let lists: ArrayRef = Arc::new(lists);
        let max: f64 = f32::MAX.to_string().parse().expect("a number");
        assert_eq!(values(&lists), Ok(vec![json!([0.1, null, max]), Value::Null, json!([])]));
        assert_eq!(meant(lists.data_type(), &json!([0.1, f64::from(0.1_f32)])), json!([0.1, 0.1]));
    }

    #[test]
    fn an_instant_is_one_in_whatever_zone_it_is_written() {
        let ty = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        assert_eq!(meant(&ty, &json!("2026-01-02T03:04:05.000+01:00")), json!("2026-01-02T02:04:05Z"));
        assert_eq!(meant(&DataType::Utf8, &json!("2026-01-02T03:04:05+01:00")), json!("2026-01-02T03:04:05+01:00"));
    }
}
