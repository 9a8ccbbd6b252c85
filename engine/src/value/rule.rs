//! The rules: which value fits which type. There are no others; every door asks these.
//!
//! Nothing is rounded, cut off, wrapped, saturated or moved. The one thing that is taken as near as can be is the *text* of
//! a fraction for a float, because that is what such a text means. A number that SQL has worked out is no text.

use arrow_schema::{DataType, TimeUnit};

use super::calendar::{DAYS, MICROS, parse_date, parse_instant};
use super::cell::{Instant, Value};
use super::number;
use crate::schema::ScalarType;

/// Above these, floats skip whole numbers: one that comes out of SQL may stand for a neighbour that was rounded to it.
const SINGLE_WHOLE_MAX: f32 = 16_777_216.0;
const DOUBLE_WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

pub(super) fn integer(value: &Value<'_>) -> Option<i128> {
    match value {
        Value::Integer(value) => Some(*value),
        // The plain spelling is by far the most frequent one, and the standard library's is the fastest way.
        Value::Written(text) => text.parse::<i64>().map_or_else(|_| number::whole(text), |value| Some(value.into())),
        Value::Decimal(text) => number::whole(text),
        Value::Single(value) => (value.fract() == 0.0 && value.abs() < SINGLE_WHOLE_MAX).then_some(*value as i128),
        Value::Double(value) => (value.fract() == 0.0 && value.abs() < DOUBLE_WHOLE_MAX).then_some(*value as i128),
        _ => None,
    }
}

pub(super) fn double(value: &Value<'_>) -> Option<f64> {
    let float = match value {
        Value::Double(value) => *value,
        Value::Single(value) => f64::from(*value),
        Value::Integer(value) => exact(*value as f64, &value.to_string())?,
        Value::Decimal(text) => exact(text.parse().ok()?, text)?,
        Value::Written(text) => written(text.parse().ok()?, text, f64::DIGITS)?,
        _ => return None,
    };
    float.is_finite().then_some(float)
}

pub(super) fn single(value: &Value<'_>) -> Option<f32> {
    let float = match value {
        Value::Single(value) => *value,
        Value::Double(value) if f64::from(*value as f32) == *value => *value as f32,
        Value::Integer(value) => exact(*value as f32, &value.to_string())?,
        Value::Decimal(text) => exact(text.parse().ok()?, text)?,
        // Read as what it becomes: by way of a wider float it would be rounded twice.
        Value::Written(text) => written(text.parse().ok()?, text, f32::DIGITS)?,
        _ => return None,
    };
    float.is_finite().then_some(float)
}

/// The float, if it is exactly the number in the text.
fn exact<F: Copy + Into<f64>>(float: F, text: &str) -> Option<F> {
    number::is_exactly(text, float.into()).then_some(float)
}

/// The float next to the number in the text. A whole number is meant exactly, and what is not zero must not become it.
/// `digits`: a whole number of no more is always exactly a float.
fn written<F: Copy + Into<f64>>(float: F, text: &str, digits: u32) -> Option<F> {
    if number::is_plain(text) {
        return if text.len() <= digits as usize { Some(float) } else { exact(float, text) };
    }
    (float.into() != 0.0 || !number::is_nonzero(text)).then_some(float)
}

pub(super) fn date(value: &Value<'_>) -> Option<i32> {
    match value {
        Value::Text(text) => parse_date(text),
        Value::Day(days) if DAYS.contains(days) => i32::try_from(*days).ok(),
        _ => None,
    }
}

pub(super) fn instant(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Text(text) => parse_instant(text),
        Value::Instant(Instant { seconds, nanos, .. }) if nanos.is_multiple_of(1_000) => {
            let micros = seconds.checked_mul(1_000_000)?.checked_add(i64::from(nanos / 1_000))?;
            MICROS.contains(&micros).then_some(micros)
        }
        _ => None,
    }
}

/// Whether a text is a word of the type, or the type takes every text.
pub(super) fn text(ty: &ScalarType, text: &str) -> bool {
    match ty {
        ScalarType::Enum(words) => words.iter().any(|word| word == text),
        ScalarType::String => true,
        _ => false,
    }
}

/// Whether a value fits a type, lists apart.
pub(super) fn fits(ty: &ScalarType, value: &Value<'_>) -> bool {
    fn within<T: TryFrom<i128>>(value: &Value<'_>) -> bool {
        integer(value).is_some_and(|integer| T::try_from(integer).is_ok())
    }
    match ty {
        ScalarType::String | ScalarType::Enum(_) => matches!(value, Value::Text(given) if text(ty, given)),
        ScalarType::Bool => matches!(value, Value::Bool(_)),
        ScalarType::I8 => within::<i8>(value),
        ScalarType::I16 => within::<i16>(value),
        ScalarType::I32 => within::<i32>(value),
        ScalarType::I64 => within::<i64>(value),
        ScalarType::U8 => within::<u8>(value),
        ScalarType::U16 => within::<u16>(value),
        ScalarType::U32 => within::<u32>(value),
        ScalarType::U64 => within::<u64>(value),
        ScalarType::F32 => single(value).is_some(),
        ScalarType::F64 => double(value).is_some(),
        ScalarType::Date => date(value).is_some(),
        ScalarType::DateTime => instant(value).is_some(),
        ScalarType::List(_) | ScalarType::Vector(_) => false,
    }
}

/// Whether values of an Arrow type can fit at all, so that SQL of a wrong type is refused even where it gives no rows.
pub(super) fn takes(ty: &ScalarType, given: &DataType) -> bool {
    use DataType::*;
    let given = match given {
        Dictionary(_, values) => values.as_ref(),
        RunEndEncoded(_, values) => values.data_type(),
        other => other,
    };
    let is_number = given.is_numeric();
    let is_text = matches!(given, Utf8 | LargeUtf8 | Utf8View);
    match ty {
        _ if *given == Null => true,
        ScalarType::String | ScalarType::Enum(_) => is_text,
        ScalarType::Bool => *given == Boolean,
        ScalarType::Date => is_text || matches!(given, Date32 | Date64),
        ScalarType::DateTime => is_text || matches!(given, Timestamp(..)),
        ScalarType::List(_) | ScalarType::Vector(_) => {
            let (List(item) | LargeList(item) | ListView(item) | LargeListView(item) | FixedSizeList(item, _)) = given
            else {
                return false;
            };
            match ty {
                ScalarType::List(ty) => takes(ty, item.data_type()),
                _ => takes(&ScalarType::F32, item.data_type()),
            }
        }
        _ => is_number,
    }
}

/// What a value of this type looks like.
pub(crate) fn expectation(ty: &ScalarType) -> String {
    match ty {
        ScalarType::String => "a text".to_owned(),
        ScalarType::I8 => format!("an integer from {} to {}", i8::MIN, i8::MAX),
        ScalarType::I16 => format!("an integer from {} to {}", i16::MIN, i16::MAX),
        ScalarType::I32 => format!("an integer from {} to {}", i32::MIN, i32::MAX),
        ScalarType::I64 => format!("an integer from {} to {}", i64::MIN, i64::MAX),
        ScalarType::U8 => format!("an integer from 0 to {}", u8::MAX),
        ScalarType::U16 => format!("an integer from 0 to {}", u16::MAX),
        ScalarType::U32 => format!("an integer from 0 to {}", u32::MAX),
        ScalarType::U64 => format!("an integer from 0 to {}", u64::MAX),
        ScalarType::F32 => "a number that 32 bits can hold".to_owned(),
        ScalarType::F64 => "a number that 64 bits can hold".to_owned(),
        ScalarType::Bool => "true or false".to_owned(),
        ScalarType::Date => "a date such as \"2024-02-29\"".to_owned(),
        ScalarType::DateTime => "an instant such as \"2024-02-29T12:30:00Z\", to the microsecond".to_owned(),
        ScalarType::Enum(words) => format!("one of {}", shorten(&words.join(", "), 200)),
        ScalarType::List(item) => format!("a list, each item {}", expectation(item)),
        ScalarType::Vector(dimension) => format!("a list of {dimension} numbers"),
    }
}

/// How SQL makes what fits out of what does not, where there is a plain way.
pub(super) fn advice(ty: &ScalarType, given: &DataType) -> Option<&'static str> {
    use DataType::*;
    let given = match given {
        List(item) | LargeList(item) | ListView(item) | LargeListView(item) | FixedSizeList(item, _) => {
            item.data_type()
        }
        other => other,
    };
    let ty = match ty {
        ScalarType::List(item) => item.as_ref(),
        ScalarType::Vector(_) => &ScalarType::F32,
        other => other,
    };
    Some(match (ty, given) {
        (ScalarType::String, Boolean) => "CAST(… AS VARCHAR) gives its text",
        (ScalarType::String, number) if number.is_numeric() => "CAST(… AS VARCHAR) gives its text",
        (ScalarType::F32, number) if number.is_numeric() => "CAST(… AS FLOAT) gives the number that is next to it",
        (ScalarType::F64, number) if number.is_numeric() => "CAST(… AS DOUBLE) gives the number that is next to it",
        (ScalarType::Date, Timestamp(..)) => "CAST(… AS DATE) gives its day in UTC",
        (ScalarType::DateTime, Date32 | Date64) => "CAST(… AS TIMESTAMP) gives its midnight in UTC",
        (ScalarType::DateTime, Timestamp(TimeUnit::Nanosecond, _)) => {
            "date_trunc('microsecond', …) cuts off what is finer"
        }
        (ty, Float16 | Float32 | Float64 | Decimal32(..) | Decimal64(..) | Decimal128(..) | Decimal256(..))
            if takes(ty, &Int64) =>
        {
            "round(…) and CAST(… AS BIGINT) give a whole number"
        }
        _ => return None,
    })
}

pub(super) fn shorten(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
