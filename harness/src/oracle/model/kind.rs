//! What a column is, and which values it holds.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::{Number, Value};

use super::write::Refusal;
use crate::oracle::facts::{SchemaFacts, TypeFacts, TypeKind};

/// What a column is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// One of these words.
    Words(Vec<String>),
    /// Integers from the one to the other.
    Whole(i128, i128),
    /// Floats of 32 bits.
    Single,
    /// Floats of 64 bits.
    Double,
    /// True or false.
    Flag,
    /// Days.
    Day,
    /// Instants, to the microsecond.
    Instant,
    /// Any number of items.
    List(Box<Kind>),
    /// So many floats of 32 bits.
    Vector(usize),
}

impl FromStr for Kind {
    type Err = ();

    /// As the schema language writes it.
    fn from_str(text: &str) -> Result<Self, ()> {
        let inside = |open: &str, close: char| text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
        if let Some(words) = inside("enum(", ')') {
            return Ok(Kind::Words(words.split(',').map(|word| word.trim().to_owned()).collect()));
        }
        if let Some(item) = inside("[", ']') {
            return Ok(Kind::List(Box::new(item.parse()?)));
        }
        if let Some(length) = inside("Vector(", ')') {
            return Ok(Kind::Vector(length.trim().parse().map_err(|_| ())?));
        }
        Ok(match text {
            "String" => Kind::Text,
            "I8" => Kind::Whole(i8::MIN.into(), i8::MAX.into()),
            "I16" => Kind::Whole(i16::MIN.into(), i16::MAX.into()),
            "I32" => Kind::Whole(i32::MIN.into(), i32::MAX.into()),
            "I64" => Kind::Whole(i64::MIN.into(), i64::MAX.into()),
            "U8" => Kind::Whole(0, u8::MAX.into()),
            "U16" => Kind::Whole(0, u16::MAX.into()),
            "U32" => Kind::Whole(0, u32::MAX.into()),
            "U64" => Kind::Whole(0, u64::MAX.into()),
            "F32" => Kind::Single,
            "F64" => Kind::Double,
            "Bool" => Kind::Flag,
            "Date" => Kind::Day,
            "DateTime" => Kind::Instant,
            _ => return Err(()),
        })
    }
}

/// What a column of a type is; an end of an edge is what the key there is.
pub fn kind_of(schema: &SchemaFacts, facts: &TypeFacts, column: &str) -> Option<Kind> {
    let property = match (&facts.kind, column) {
        (TypeKind::Edge { from: node, .. }, "src") | (TypeKind::Edge { to: node, .. }, "dst") => {
            let node = schema.types.get(node)?;
            let TypeKind::Node { key } = &node.kind else { return None };
            node.properties.get(key)?
        }
        _ => facts.properties.get(column)?,
    };
    property.value.parse().ok()
}

impl Kind {
    /// The value in the one form in which values of this kind are compared; the value itself where the column cannot hold it.
    pub fn seen(&self, value: &Value) -> Value {
        self.taken(value).unwrap_or_else(|_| value.clone())
    }

    /// What the column holds when somebody writes this value into it: a row of a load, or a literal.
    ///
    /// # Errors
    /// The column cannot hold it, or it is open whether it can.
    pub fn taken(&self, value: &Value) -> Result<Value, Refusal> {
        let misfit = || Refusal::Forbidden(format!("{value} does not fit"));
        match (self, value) {
            (_, Value::Null) => Ok(Value::Null),
            (Kind::Text, Value::String(_)) | (Kind::Flag, Value::Bool(_)) => Ok(value.clone()),
            (Kind::Words(words), Value::String(word)) if words.contains(word) => Ok(value.clone()),
            (Kind::Whole(least, most), Value::Number(number)) => {
                let whole = whole(number).ok_or_else(|| match number.as_f64() {
                    Some(0.0) => Refusal::NotModelled("negative zero as an integer".to_owned()),
                    _ => misfit(),
                })?;
                if (*least..=*most).contains(&whole) { integer(whole) } else { Err(misfit()) }
            }
            (Kind::Double, Value::Number(number)) => {
                let float = number.as_f64().filter(|float| keeps(number, *float)).ok_or_else(misfit)?;
                double(float)
            }
            (Kind::Single, Value::Number(number)) => {
                let float = number.as_f64().map(|float| float as f32).filter(|float| keeps(number, f64::from(*float)));
                single(float.ok_or_else(misfit)?)
            }
            (Kind::Day, Value::String(text)) => Ok(day(text).ok_or_else(misfit)?.to_string().into()),
            (Kind::Instant, Value::String(text)) => {
                let is_whole = |instant: &DateTime<Utc>| instant.timestamp_subsec_nanos().is_multiple_of(1_000);
                Ok(text_of(instant(text).filter(is_whole).ok_or_else(misfit)?).into())
            }
            (Kind::List(item), Value::Array(items)) => items_of(item, items).ok_or_else(misfit)?,
            (Kind::Vector(length), Value::Array(items)) if items.len() == *length => {
                items_of(&Kind::Single, items).ok_or_else(misfit)?
            }
            _ => Err(misfit()),
        }
    }
}

/// The items, each as its kind has it; none where one is missing.
fn items_of(item: &Kind, items: &[Value]) -> Option<Result<Value, Refusal>> {
    let is_whole = items.iter().all(|value| !value.is_null());
    is_whole.then(|| items.iter().map(|value| item.taken(value)).collect())
}

/// An integer is either kept or changed; a number with a fraction or an exponent means what is nearest.
fn keeps(number: &Number, float: f64) -> bool {
    number.is_f64() || whole(number).is_some_and(|whole| float as i128 == whole)
}

/// The integer that a number is; none where it has a fraction, and for negative zero.
fn whole(number: &Number) -> Option<i128> {
    let integer = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    let is_whole = |float: &f64| float.fract() == 0.0 && float.abs() < 1e30 && float.to_bits() != (-0.0_f64).to_bits();
    integer.or_else(|| number.as_f64().filter(is_whole).map(|float| float as i128))
}

/// As JSON.
pub fn integer(whole: i128) -> Result<Value, Refusal> {
    let number = i64::try_from(whole).map(Number::from).or_else(|_| u64::try_from(whole).map(Number::from));
    number.map(Value::Number).map_err(|_| Refusal::Forbidden(format!("{whole} is out of every range")))
}

/// As JSON.
pub fn double(float: f64) -> Result<Value, Refusal> {
    Number::from_f64(float).map(Value::Number).ok_or_else(|| Refusal::Forbidden(format!("{float} is no number")))
}

/// As JSON: the shortest number that is nearest to it among those of 32 bits, which is how such columns are read.
pub fn single(float: f32) -> Result<Value, Refusal> {
    double(float.to_string().parse().unwrap_or(f64::NAN))
}

/// Exactly `YYYY-MM-DD`.
pub fn day(text: &str) -> Option<NaiveDate> {
    let is_form = text.len() == 10 && text.is_ascii() && text.as_bytes()[0].is_ascii_digit();
    is_form.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten()
}

/// An instant with its zone. A leap second is none: there is no other number for it than that of the second after it.
pub fn instant(text: &str) -> Option<DateTime<Utc>> {
    let instant = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    (instant.timestamp_subsec_nanos() < 1_000_000_000).then_some(instant)
}

/// As instants are read.
pub fn text_of(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn taken(kind: &str, value: Value) -> Option<Value> {
        kind.parse::<Kind>().expect("a kind").taken(&value).ok()
    }

    #[test]
    fn integers_are_kept_or_refused() {
        for (kind, value) in [
            ("I64", json!(i64::MIN)),
            ("U64", json!(u64::MAX)),
            ("I64", json!(9_007_199_254_740_993_i64)),
            ("F64", json!(9_007_199_254_740_992_i64)),
        ] {
            assert!(taken(kind, value.clone()).is_some(), "{kind} {value}");
        }
        assert_ne!(taken("I64", json!(9_007_199_254_740_993_i64)), taken("I64", json!(9_007_199_254_740_992_i64)));
        assert_eq!(taken("I32", json!(3.0)), Some(json!(3)));
        for (kind, value) in [
            ("I8", json!(128)),
            ("U8", json!(-1)),
            ("I64", json!(u64::MAX)),
            ("I32", json!(2.9)),
            ("I32", json!("3")),
            ("F64", json!(9_007_199_254_740_993_i64)),
            ("F32", json!(16_777_217)),
        ] {
            assert_eq!(taken(kind, value.clone()), None, "{kind} {value}");
        }
    }

    #[test]
    fn a_float_of_32_bits_is_another_than_one_of_64() {
        assert_eq!(taken("F32", json!(0.1)), taken("F32", json!(f64::from(0.1_f32))));
        assert_ne!(taken("F64", json!(0.1)), taken("F64", json!(f64::from(0.1_f32))));
        assert_eq!(taken("F64", json!(3)).map(|value| value.to_string()), Some("3.0".to_owned()));
        assert_eq!(taken("F64", json!(-0.0)).map(|value| value.to_string()), Some("-0.0".to_owned()));
        assert_eq!(taken("F32", json!(1e300)), None);
    }

    #[test]
    fn a_day_is_a_day_and_a_text_is_a_text_whatever_they_look_like() {
        assert_eq!(taken("Date", json!("2024-02-29")), Some(json!("2024-02-29")));
        for other in ["2024-02-29T23:30:00-05:00", "2023-02-29", "2024-2-9", "2024-02-29 ", "24-02-29"] {
            assert_eq!(taken("Date", json!(other)), None, "{other}");
        }
        let time = "2026-01-02T03:04:05+01:00";
        assert_eq!(taken("String", json!(time)), Some(json!(time)));
        assert_eq!(taken("DateTime", json!(time)), Some(json!("2026-01-02T02:04:05Z")));
        assert_eq!(taken("DateTime", json!("2026-01-02T02:04:05.000001Z")), Some(json!("2026-01-02T02:04:05.000001Z")));
    }

    #[test]
    fn lists_and_vectors_are_taken_item_by_item() {
        assert_eq!(taken("[I32]", json!([1, 2.0])), Some(json!([1, 2])));
        assert_eq!(taken("[I32]", json!([1.5, 2.9])), None);
        assert_eq!(taken("[I32]", json!([1, null])), None);
        assert_eq!(taken("[String]", json!([])), Some(json!([])));
        assert_eq!(taken("Vector(2)", json!([1, 0.1])).map(|value| value.to_string()), Some("[1.0,0.1]".to_owned()));
        assert_eq!(taken("Vector(2)", json!([1.0])), None);
        assert_eq!(taken("enum(low, high)", json!("mid")), None);
    }
}
