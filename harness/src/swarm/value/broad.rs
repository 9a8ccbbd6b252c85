//! Values of every type. Every other one stands at an end of its range, or is one that careless readers and writers change.

use omnigraph::schema::ScalarType;
use serde_json::{Value, json};

use super::super::stream::Draw;

/// How often a value is one of those that are easily changed.
const AT_AN_END: f64 = 0.5;
/// The integers around those from which on not every one is a float of 64 bits.
const EXACT_MAX: i64 = 1 << 53;

/// How a value comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// As a line of JSON.
    Json,
    /// As a literal of SQL.
    Sql,
}

/// A value of a type; a unique one if there is a number that no other has.
pub fn of(ty: &ScalarType, door: Door, draw: &mut Draw, unique: Option<u64>) -> Value {
    if let Some(serial) = unique {
        return unique_of(ty, serial);
    }
    let is_at_an_end = draw.chance(AT_AN_END);
    let mut one = |ends: Vec<Value>, other: Value| match is_at_an_end {
        true => draw.one_of(&ends).cloned().unwrap_or(other),
        false => other,
    };
    match ty {
        ScalarType::String => {
            let number = one((0..100).map(Value::from).collect(), Value::Null);
            let texts = texts();
            match number.as_u64() {
                Some(number) => json!(texts[number as usize % texts.len()]),
                None => json!(format!("text {}", draw.below(100))),
            }
        }
        ScalarType::I8 => one(ends(i8::MIN.into(), i8::MAX.into()), json!(7)),
        ScalarType::I16 => one(ends(i16::MIN.into(), i16::MAX.into()), json!(700)),
        ScalarType::I32 => one(ends(i32::MIN.into(), i32::MAX.into()), json!(70_000)),
        ScalarType::I64 => {
            let mut all = ends(i64::MIN, i64::MAX);
            all.extend([EXACT_MAX - 1, EXACT_MAX, EXACT_MAX + 1, -EXACT_MAX - 1].map(Value::from));
            one(all, json!(7_000))
        }
        ScalarType::U8 => one(unsigned_ends(u8::MAX.into()), json!(7)),
        ScalarType::U16 => one(unsigned_ends(u16::MAX.into()), json!(700)),
        ScalarType::U32 => one(unsigned_ends(u32::MAX.into()), json!(70_000)),
        ScalarType::U64 => {
            let mut all = unsigned_ends(u64::MAX);
            all.extend([1 << 63, EXACT_MAX as u64 + 1, i64::MAX as u64].map(Value::from));
            one(all, json!(7_000))
        }
        ScalarType::F32 => one(singles().map(narrow).to_vec(), json!(2.5)),
        ScalarType::F64 => one(doubles().map(Value::from).to_vec(), json!(2.5)),
        ScalarType::Bool => json!(is_at_an_end),
        ScalarType::Date => one(days().map(Value::from).to_vec(), json!("2024-05-06")),
        ScalarType::DateTime => one(instants().map(Value::from).to_vec(), json!("2024-05-06T07:08:09Z")),
        ScalarType::Enum(words) => json!(draw.one_of(words)),
        ScalarType::List(item) => {
            let count = if is_at_an_end { draw.below(2) } else { draw.between(1, 3) };
            (0..count).map(|_| self::item(item, door, draw)).collect()
        }
        ScalarType::Vector(length) => (0..*length).map(|_| item(&ScalarType::F32, door, draw)).collect(),
    }
}

/// An item. Whether a negative zero is one in SQL is open, and two columns of floats are compared; an item never is.
fn item(ty: &ScalarType, door: Door, draw: &mut Draw) -> Value {
    let is_float = matches!(ty, ScalarType::F32 | ScalarType::F64);
    if is_float && door == Door::Json && draw.chance(0.1) { json!(-0.0) } else { of(ty, door, draw, None) }
}

fn ends(least: i64, most: i64) -> Vec<Value> {
    [least, least + 1, -1, 0, 1, most - 1, most].map(Value::from).to_vec()
}

fn unsigned_ends(most: u64) -> Vec<Value> {
    [0, 1, most - 1, most].map(Value::from).to_vec()
}

/// As it is written: the shortest number that means it.
fn narrow(float: f32) -> Value {
    json!(float.to_string().parse::<f64>().unwrap_or_default())
}

fn singles() -> [f32; 9] {
    [0.0, 0.1, -0.1, f32::MAX, f32::MIN, f32::MIN_POSITIVE, f32::from_bits(1), 16_777_216.0, 1.0 / 3.0]
}

fn doubles() -> [f64; 11] {
    let (least, third) = (f64::from_bits(1), 1.0 / 3.0);
    [0.0, 0.1, 0.1 + 0.2, -third, f64::MAX, f64::MIN, f64::MIN_POSITIVE, least, -least, 1e16, 9_007_199_254_740_992.0]
}

fn days() -> [&'static str; 7] {
    ["0001-01-01", "9999-12-31", "1970-01-01", "1969-12-31", "2024-02-29", "1582-10-10", "1900-02-28"]
}

fn instants() -> [&'static str; 7] {
    [
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "1970-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999999Z",
        "2024-02-29T12:34:56.000001Z",
        "2024-02-29T23:30:00.5-05:00",
        "2038-01-19T03:14:08+14:00",
    ]
}

/// Texts that mean something to somebody on their way, and one that is long.
fn texts() -> Vec<String> {
    let short = [
        "",
        " ",
        "'",
        "it''s",
        "\"",
        "\\",
        "\\n",
        "a\nb",
        "a\tb",
        "é",
        "e\u{301}",
        "日本語",
        "🦀",
        "2026-01-02T03:04:05+01:00",
        "NULL",
        "null",
        "1e3",
        "007",
        "-- x",
        "; x",
        "%_",
        "[1]",
        "{}",
        "a\u{1}b",
    ];
    short.iter().map(|text| (*text).to_owned()).chain(["long ".repeat(400)]).collect()
}

/// As far as types can tell: neighbours that are one as floats come next to one another.
fn unique_of(ty: &ScalarType, serial: u64) -> Value {
    match ty {
        ScalarType::String => json!(format!("text {serial}")),
        ScalarType::U64 => json!(u64::MAX - serial),
        ScalarType::I64 => json!(EXACT_MAX + serial as i64),
        ScalarType::DateTime => json!(format!("2024-05-06T07:08:09.{serial:06}Z")),
        _ => json!(serial),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::super::stream::{Consumer, Streams};
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn both_ends_of_every_range_are_drawn() {
        for (ty, wanted) in [
            (ScalarType::I64, vec![json!(i64::MIN), json!(i64::MAX), json!(EXACT_MAX + 1)]),
            (ScalarType::U64, vec![json!(0), json!(u64::MAX), json!(1_u64 << 63)]),
            (ScalarType::F64, vec![json!(5e-324), json!(f64::MAX), json!(0.1)]),
            (ScalarType::Date, vec![json!("0001-01-01"), json!("9999-12-31")]),
            (ScalarType::DateTime, vec![json!("1969-12-31T23:59:59.999999Z")]),
            (ScalarType::String, vec![json!(""), json!("'"), json!("🦀")]),
            (ScalarType::List(Box::new(ScalarType::Bool)), vec![json!([]), json!([true])]),
        ] {
            let mut draw = Streams::new(Seed(1)).of(Consumer::Rows, 1);
            let drawn: BTreeSet<String> = (0..600).map(|_| of(&ty, Door::Json, &mut draw, None).to_string()).collect();
            for value in wanted {
                assert!(drawn.contains(&value.to_string()), "{value} of {ty}");
            }
        }
    }

    #[test]
    fn a_value_of_32_bits_is_written_as_short_as_it_can_be() {
        assert_eq!(narrow(0.1).to_string(), "0.1");
        assert!(singles().iter().all(|float| narrow(*float).as_f64().map(|wide| wide as f32) == Some(*float)));
    }
}
