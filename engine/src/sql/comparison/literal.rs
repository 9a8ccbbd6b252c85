//! A literal beside values of another type: it is exactly one of theirs, or stays what it is.

use arrow_schema::DataType;
use datafusion::common::{Result as PlanResult, ScalarValue};

use super::invalid;
use crate::value::excerpt;

/// Digits that any decimal number may have that a float is printed as again.
const FLOAT_DIGITS: usize = f64::DIGITS as usize;
/// The least I64. As a float it is also what the numbers below it become, which no integer type holds.
const LEAST: f64 = i64::MIN as f64;

/// The literal as a number that compares with values of that type as it is meant; `None` when it is best left.
pub(super) fn as_of(literal: &ScalarValue, ty: &DataType) -> PlanResult<Option<ScalarValue>> {
    if let Some(text) = literal.try_as_str().flatten()
        && ty.is_numeric()
    {
        let number = written(text, ty);
        return number.map(Some).ok_or_else(|| {
            invalid(
                format!("the text {} is compared with a number of type {ty}", excerpt(text)),
                "write the number without quotes",
            )
        });
    }
    Ok(match (literal, ty) {
        (ScalarValue::Int64(Some(value)), ty) if ty.is_floating() => float(i128::from(*value)),
        (ScalarValue::UInt64(Some(value)), ty) if ty.is_floating() => float(i128::from(*value)),
        (ScalarValue::Float64(Some(value)), DataType::Decimal128(..)) => Some(decimal(*value)?),
        (ScalarValue::Float64(Some(value)), ty) if ty.is_integer() => {
            if *value == LEAST {
                return Err(invalid(
                    format!("whether an integer is {LEAST} cannot be said of a number that is read as a float"),
                    "write it without a point, and within the range of I64",
                ));
            }
            // Larger ones are no number of any integer type, and stay floats.
            (value.fract() == 0.0 && value.abs() < 2.0 * LEAST.abs()).then(|| whole(*value as i128))
        }
        _ => None,
    })
}

fn float(value: i128) -> Option<ScalarValue> {
    (value as f64 as i128 == value).then_some(ScalarValue::Float64(Some(value as f64)))
}

fn whole(value: i128) -> ScalarValue {
    match (i64::try_from(value), u64::try_from(value)) {
        (Ok(value), _) => ScalarValue::Int64(Some(value)),
        (_, Ok(value)) => ScalarValue::UInt64(Some(value)),
        _ => ScalarValue::Decimal128(Some(value), 38, 0),
    }
}

/// The number of a text.
fn written(text: &str, ty: &DataType) -> Option<ScalarValue> {
    match ty {
        DataType::Float32 => {
            text.parse().ok().filter(|float: &f32| float.is_finite()).map(|float| ScalarValue::Float32(Some(float)))
        }
        DataType::Float64 => {
            text.parse().ok().filter(|float: &f64| float.is_finite()).map(|float| ScalarValue::Float64(Some(float)))
        }
        ty if ty.is_integer() => {
            text.parse().ok().filter(|value: &i128| value.unsigned_abs() < 10_u128.pow(38)).map(whole)
        }
        _ => None,
    }
}

/// The decimal that the literal of a float was written as, as far as that can be known.
fn decimal(float: f64) -> PlanResult<ScalarValue> {
    let text = float.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digits = format!("{whole}{fraction}");
    let scale =
        i8::try_from(fraction.len()).ok().filter(|_| digits.trim_start_matches(['-', '0']).len() <= FLOAT_DIGITS);
    match (scale.filter(|scale| *scale <= 37), digits.parse()) {
        (Some(scale), Ok(value)) => Ok(ScalarValue::Decimal128(Some(value), 38, scale)),
        _ => Err(invalid(
            format!("{float} is read as a float, and compared with a decimal"),
            "write CAST('…' AS DECIMAL(38, …)) with its digits",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_exactly_a_number_of_the_other_type_or_is_left() {
        let float = |value: f64| ScalarValue::Float64(Some(value));
        let text = |value: &str| ScalarValue::Utf8(Some(value.to_owned()));
        for (literal, ty, expected) in [
            (float(5.0), DataType::Int8, Some(ScalarValue::Int64(Some(5)))),
            (float(18_446_744_073_709_551_615.0), DataType::UInt64, None),
            (float(9_223_372_036_854_775_808.0), DataType::Int64, Some(ScalarValue::UInt64(Some(1 << 63)))),
            (float(0.5), DataType::Int64, None),
            (ScalarValue::Int64(Some(9_007_199_254_740_993)), DataType::Float64, None),
            (ScalarValue::Int64(Some(9_007_199_254_740_992)), DataType::Float32, Some(float(9_007_199_254_740_992.0))),
            (float(0.1), DataType::Decimal128(9, 2), Some(ScalarValue::Decimal128(Some(1), 38, 1))),
            (float(-1.25), DataType::Decimal128(9, 2), Some(ScalarValue::Decimal128(Some(-125), 38, 2))),
            (text("-7"), DataType::UInt8, Some(ScalarValue::Int64(Some(-7)))),
            (text("0.1"), DataType::Float32, Some(ScalarValue::Float32(Some(0.1)))),
        ] {
            assert_eq!(as_of(&literal, &ty).unwrap(), expected, "{literal:?} beside {ty}");
        }
        for (literal, ty) in [
            (float(LEAST), DataType::Int64),
            (float(1e300), DataType::Decimal128(38, 0)),
            (float(0.123_456_789_012_345_67), DataType::Decimal128(38, 20)),
            (text("1.0"), DataType::Int64),
            (text("inf"), DataType::Float64),
            (text("1"), DataType::Decimal128(9, 2)),
        ] {
            as_of(&literal, &ty).expect_err("no such number");
        }
    }
}
