//! Values of properties and keys.
//!
//! - [`broad`]: values of every type, those at the ends of their ranges above all; [`misfit`]: those that no column of a type holds.

pub mod broad;
pub mod misfit;

use chrono::{Days, NaiveDate};
use omnigraph::schema::{Property, ScalarType};
use serde_json::{Value, json};

use super::stream::Draw;

/// The key of this number, for a node type whose keys are texts, days or integers.
pub fn key(type_name: &str, key: &Property, number: usize) -> Value {
    match key.ty {
        ScalarType::String => {
            let letter = type_name.chars().next().map_or('k', |first| first.to_ascii_lowercase());
            json!(format!("{letter}{number}"))
        }
        ScalarType::Date => json!(day(2000, number as u64)),
        // What probes the graph at its end takes keys above these.
        _ => json!(number + 1),
    }
}

/// The key of a row that a stranger appends for this operation: one that neither the swarm nor what probes the graph at its end
/// takes.
pub fn strangers_key(key: &Property, operation: u32) -> Value {
    match key.ty {
        ScalarType::String => json!(format!("stranger{operation}")),
        ScalarType::Date => json!(day(2300, operation.into())),
        _ => json!(32_200 + operation),
    }
}

/// So many days after the first one of a year.
fn day(year: i32, days: u64) -> String {
    let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
    first.checked_add_days(Days::new(days)).unwrap_or(first).to_string()
}

/// A value of a property; `serial` has never been given before, so that what has to be unique is.
pub fn of(property: &Property, draw: &mut Draw, serial: u64) -> Value {
    scalar(&property.ty, draw, property.is_unique().then_some(serial))
}

fn scalar(ty: &ScalarType, draw: &mut Draw, unique: Option<u64>) -> Value {
    let number = unique.unwrap_or_else(|| draw.below(100) as u64);
    match ty {
        ScalarType::String => json!(format!("text {number}")),
        ScalarType::I8 | ScalarType::U8 => json!(number % 128),
        ScalarType::I16 | ScalarType::I32 | ScalarType::I64 => json!(number),
        ScalarType::U16 | ScalarType::U32 | ScalarType::U64 => json!(number),
        ScalarType::F32 | ScalarType::F64 => json!(number as f64 + 0.5),
        ScalarType::Bool => json!(number.is_multiple_of(2)),
        ScalarType::Date => json!(format!("20{:02}-{:02}-01", number / 12 % 100, number % 12 + 1)),
        ScalarType::DateTime => json!(format!("20{:02}-{:02}-01T02:03:04Z", number / 12 % 100, number % 12 + 1)),
        ScalarType::Enum(words) => json!(draw.one_of(words)),
        ScalarType::List(item) => {
            let count = draw.below(3);
            Value::Array((0..count).map(|_| scalar(item, draw, None)).collect())
        }
        ScalarType::Vector(length) => Value::Array((0..*length).map(|at| json!(f64::from(at % 7) + 0.5)).collect()),
    }
}

/// Whether the value can be written in SQL and followed by the reference model.
pub fn has_a_literal(ty: &ScalarType) -> bool {
    use ScalarType::{Bool, Enum, I8, I16, I32, I64, String, U8, U16, U32, U64};
    matches!(ty, String | Bool | Enum(_) | I8 | I16 | I32 | I64 | U8 | U16 | U32 | U64)
}

/// Whether it can be counted up.
pub fn is_a_number(ty: &ScalarType) -> bool {
    use ScalarType::{I16, I32, I64, U16, U32, U64};
    matches!(ty, I16 | I32 | I64 | U16 | U32 | U64)
}

/// As SQL writes it.
pub fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Null => "NULL".to_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
