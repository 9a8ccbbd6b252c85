//! A float compared with a whole number or a decimal, by what they are: neither has a type that holds the other.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type};
use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_schema::DataType;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::i256;
use datafusion::common::{Result as PlanResult, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::apart;

/// `left op right`, one of them a float.
pub(super) fn comparison(left: Expr, op: Operator, right: Expr) -> Expr {
    let function = Exact { op, signature: Signature::any(2, Volatility::Immutable) };
    let function = Arc::new(ScalarUDF::new_from_impl(function));
    Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![left, right]))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Exact {
    op: Operator,
    signature: Signature,
}

impl ScalarUDFImpl for Exact {
    fn name(&self) -> &str {
        match self.op {
            Operator::Eq => "exact =",
            Operator::NotEq => "exact <>",
            Operator::Lt => "exact <",
            Operator::LtEq => "exact <=",
            Operator::Gt => "exact >",
            Operator::GtEq => "exact >=",
            Operator::IsDistinctFrom => "exact is distinct from",
            _ => "exact is not distinct from",
        }
    }

    fn schema_name(&self, args: &[Expr]) -> PlanResult<String> {
        let names: Vec<String> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
        Ok(names.join(&format!(" {} ", self.op)))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> PlanResult<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> PlanResult<ColumnarValue> {
        let scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { args.number_rows };
        let sides = args.args.iter().map(|arg| arg.to_array(rows)).collect::<PlanResult<Vec<_>>>()?;
        let [left, right] = sides.as_slice() else { return Err(apart()) };
        let answers: BooleanArray = match left.data_type().is_floating() {
            true => self.answers(right, left, Ordering::reverse)?,
            false => self.answers(left, right, |ordering| ordering)?,
        };
        match scalar {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&answers, 0)?)),
            false => Ok(ColumnarValue::Array(Arc::new(answers))),
        }
    }
}

impl Exact {
    fn answers(
        &self,
        numbers: &ArrayRef,
        floats: &ArrayRef,
        turn: fn(Ordering) -> Ordering,
    ) -> PlanResult<BooleanArray> {
        let numbers = match numbers.data_type() {
            DataType::Decimal128(..) | DataType::Null => Arc::clone(numbers),
            ty if ty.is_integer() => cast(numbers, &DataType::Decimal128(38, 0))?,
            _ => return Err(apart()),
        };
        let numbers = if *numbers.data_type() == DataType::Null {
            cast(&numbers, &DataType::Decimal128(38, 0))?
        } else {
            numbers
        };
        let floats = cast(floats, &DataType::Float64)?;
        let (numbers, floats) = (numbers.as_primitive::<Decimal128Type>(), floats.as_primitive::<Float64Type>());
        let scale = i32::from(numbers.scale());
        Ok(numbers.iter().zip(floats).map(|pair| self.answer(pair, scale, turn)).collect())
    }

    fn answer(&self, pair: (Option<i128>, Option<f64>), scale: i32, turn: fn(Ordering) -> Ordering) -> Option<bool> {
        let is_distinct = match pair {
            (Some(number), Some(float)) => {
                let ordering = turn(order(number, scale, float));
                match self.op {
                    Operator::Lt => return Some(ordering.is_lt()),
                    Operator::LtEq => return Some(ordering.is_le()),
                    Operator::Gt => return Some(ordering.is_gt()),
                    Operator::GtEq => return Some(ordering.is_ge()),
                    _ => ordering.is_ne(),
                }
            }
            (None, None) => false,
            _ => true,
        };
        match self.op {
            Operator::IsDistinctFrom => Some(is_distinct),
            Operator::IsNotDistinctFrom => Some(!is_distinct),
            _ if pair.0.is_none() || pair.1.is_none() => None,
            Operator::NotEq => Some(is_distinct),
            _ => Some(!is_distinct),
        }
    }
}

/// How `number`/10^`scale` compares with a float. What is no number is above all numbers.
fn order(number: i128, scale: i32, float: f64) -> Ordering {
    if float.is_nan() || float == f64::INFINITY {
        return Ordering::Less;
    }
    if float == f64::NEG_INFINITY {
        return Ordering::Greater;
    }
    let signs = number.signum().cmp(&if float == 0.0 { 0 } else { float.signum() as i128 });
    if signs.is_ne() || number == 0 {
        return signs;
    }
    let (mantissa, exponent) = parts(float.abs());
    let left = scaled(number.unsigned_abs(), -scale, -exponent);
    let right = scaled(u128::from(mantissa), scale, exponent);
    let sizes = match (left, right) {
        (Some(left), Some(right)) => left.cmp(&right),
        // What has no room in 256 bits is larger than what has.
        (None, _) => Ordering::Greater,
        (_, None) => Ordering::Less,
    };
    if number < 0 { sizes.reverse() } else { sizes }
}

/// A positive float as a whole number times a power of two.
fn parts(float: f64) -> (u64, i32) {
    let bits = float.to_bits();
    let (fraction, biased) = (bits & ((1 << 52) - 1), (bits >> 52) as i32);
    match biased {
        0 => (fraction, -1_074),
        biased => (fraction | 1 << 52, biased - 1_075),
    }
}

/// `value` times those powers of ten and of two, each only if it is positive; `None` when it has no room.
fn scaled(value: u128, tens: i32, twos: i32) -> Option<i256> {
    let mut scaled = i256::from_parts(value, 0);
    for _ in 0..tens.max(0) {
        scaled = scaled.checked_mul(i256::from_i128(10))?;
    }
    for _ in 0..twos.max(0) {
        scaled = scaled.checked_mul(i256::from_i128(2))?;
    }
    Some(scaled)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_ordered_by_what_they_are() {
        use Ordering::{Equal, Greater, Less};
        for (number, scale, float, expected) in [
            (9_007_199_254_740_993, 0, 9_007_199_254_740_992.0, Greater),
            (9_007_199_254_740_992, 0, 9_007_199_254_740_992.0, Equal),
            (-9_007_199_254_740_993, 0, -9_007_199_254_740_992.0, Less),
            (1, 1, 0.1, Less),
            (5, 1, 0.5, Equal),
            (500, 3, 0.5, Equal),
            (5, -1, 50.0, Equal),
            (0, 0, -0.0, Equal),
            (0, 0, 5e-324, Less),
            (1, 38, 5e-324, Greater),
            (i128::MAX, 0, 1e300, Less),
            (-1, 0, -1e300, Greater),
            (i64::MAX.into(), 0, 9_223_372_036_854_775_808.0, Less),
            (1, 0, f64::NAN, Less),
            (1, 0, f64::INFINITY, Less),
            (1, 0, f64::NEG_INFINITY, Greater),
        ] {
            assert_eq!(order(number, scale, float), expected, "{number} / 10^{scale} beside {float}");
        }
    }

    proptest! {
        #[test]
        fn what_a_float_holds_compares_as_a_float(number in -(1_i64 << 53)..=1 << 53, float: f64) {
            prop_assume!(!float.is_nan());
            prop_assert_eq!(Some(order(number.into(), 0, float)), (number as f64).partial_cmp(&float));
        }
    }
}
