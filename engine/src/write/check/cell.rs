//! The bytes of one value of a column, whatever its type: what is hashed and what an error shows.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, BooleanArray, PrimitiveArray, StringArray};
use arrow_schema::{DataType, TimeUnit};
use chrono::{DateTime, Days, NaiveDate};

use crate::error::{Error, Result};
use crate::schema::ScalarType;

/// A column whose values rows can be addressed by.
pub(super) enum Cells<'a> {
    Text(&'a StringArray),
    Bool(&'a BooleanArray),
    I8(&'a PrimitiveArray<Int8Type>),
    I16(&'a PrimitiveArray<Int16Type>),
    I32(&'a PrimitiveArray<Int32Type>),
    I64(&'a PrimitiveArray<Int64Type>),
    U8(&'a PrimitiveArray<UInt8Type>),
    U16(&'a PrimitiveArray<UInt16Type>),
    U32(&'a PrimitiveArray<UInt32Type>),
    U64(&'a PrimitiveArray<UInt64Type>),
    Date(&'a PrimitiveArray<Date32Type>),
    Instant(&'a PrimitiveArray<TimestampMicrosecondType>),
}

/// One value: text as it is, everything else as eight bytes.
pub(super) enum Cell<'a> {
    Text(&'a str),
    Word([u8; 8]),
}

impl<'a> Cells<'a> {
    pub(super) fn of(array: &'a dyn Array) -> Result<Self> {
        Ok(match array.data_type() {
            DataType::Utf8 => Cells::Text(array.as_string()),
            DataType::Boolean => Cells::Bool(array.as_boolean()),
            DataType::Int8 => Cells::I8(array.as_primitive()),
            DataType::Int16 => Cells::I16(array.as_primitive()),
            DataType::Int32 => Cells::I32(array.as_primitive()),
            DataType::Int64 => Cells::I64(array.as_primitive()),
            DataType::UInt8 => Cells::U8(array.as_primitive()),
            DataType::UInt16 => Cells::U16(array.as_primitive()),
            DataType::UInt32 => Cells::U32(array.as_primitive()),
            DataType::UInt64 => Cells::U64(array.as_primitive()),
            DataType::Date32 => Cells::Date(array.as_primitive()),
            DataType::Timestamp(TimeUnit::Microsecond, _) => Cells::Instant(array.as_primitive()),
            other => return Err(Error::internal(format!("rows cannot be addressed by a column of type {other}"))),
        })
    }

    /// The value of a row; `None` where it is missing.
    pub(super) fn get(&self, row: usize) -> Option<Cell<'a>> {
        fn signed<'a>(valid: bool, value: impl FnOnce() -> i64) -> Option<Cell<'a>> {
            valid.then(|| Cell::Word(value().to_le_bytes()))
        }
        match self {
            Cells::Text(a) => a.is_valid(row).then(|| Cell::Text(a.value(row))),
            Cells::Bool(a) => signed(a.is_valid(row), || i64::from(a.value(row))),
            Cells::I8(a) => signed(a.is_valid(row), || i64::from(a.value(row))),
            Cells::I16(a) => signed(a.is_valid(row), || i64::from(a.value(row))),
            Cells::I32(a) => signed(a.is_valid(row), || i64::from(a.value(row))),
            Cells::I64(a) => signed(a.is_valid(row), || a.value(row)),
            Cells::U8(a) => signed(a.is_valid(row), || i64::from(a.value(row))),
            Cells::U16(a) => signed(a.is_valid(row), || i64::from(a.value(row))),
            Cells::U32(a) => signed(a.is_valid(row), || i64::from(a.value(row))),
            Cells::U64(a) => a.is_valid(row).then(|| Cell::Word(a.value(row).to_le_bytes())),
            Cells::Date(a) => signed(a.is_valid(row), || i64::from(a.value(row))),
            Cells::Instant(a) => signed(a.is_valid(row), || a.value(row)),
        }
    }
}

impl Cell<'_> {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Cell::Text(text) => text.as_bytes(),
            Cell::Word(word) => word,
        }
    }
}

/// Shows the first bytes of a value as a person wrote it.
pub(super) fn show(ty: &ScalarType, bytes: &[u8], whole: bool) -> String {
    let word = || Some(i64::from_le_bytes(bytes.try_into().ok()?));
    let shown = match ty {
        ScalarType::U64 => bytes.try_into().ok().map(|bytes| u64::from_le_bytes(bytes).to_string()),
        ScalarType::Bool => word().map(|word| (word != 0).to_string()),
        ScalarType::Date => word().and_then(show_date),
        ScalarType::DateTime => {
            word().and_then(DateTime::from_timestamp_micros).map(|at| at.format("%Y-%m-%dT%H:%M:%S%.fZ").to_string())
        }
        ScalarType::String | ScalarType::Enum(_) => None,
        _ => word().map(|word| word.to_string()),
    };
    match shown {
        Some(shown) => shown,
        // A cut may go through a character; what is left of it is not shown.
        None if whole => String::from_utf8_lossy(bytes).into_owned(),
        None => format!("{}…", String::from_utf8_lossy(bytes).trim_end_matches('\u{fffd}')),
    }
}

fn show_date(days: i64) -> Option<String> {
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1)?;
    let distance = Days::new(days.unsigned_abs());
    let date = if days < 0 { epoch.checked_sub_days(distance) } else { epoch.checked_add_days(distance) };
    date.map(|date| date.to_string())
}
