//! `CAST` where Arrow's would change a value without a word: texts are read as days and instants by the engine's own rules, floats do
//! not become infinite, and days do not wrap round when they become instants. It holds for what SQL casts unasked, too.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, Float32Array, PrimitiveArray};
use arrow_schema::{DataType, TimeUnit};
use datafusion::arrow::compute::cast;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult};
use datafusion::common::{DFSchema, Result as PlanResult, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::logical_expr::expr::{Cast, ScalarFunction, TryCast};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::optimizer::AnalyzerRule;

use super::rewrite::expressions;
use crate::error::Error;
use crate::value::{excerpt, parse_date, parse_timestamp};

/// Microseconds of a day.
const MICROS_OF_DAY: i64 = 86_400_000_000;

pub(super) fn install(state: &mut SessionState) {
    state.add_analyzer_rule(Arc::new(Rule));
}

/// Puts [`Exactly`] in the place of casts. Names and types stay.
#[derive(Debug)]
struct Rule;

impl AnalyzerRule for Rule {
    fn name(&self) -> &'static str {
        "conversion"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> PlanResult<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| expressions(plan, replace)).data()
    }
}

fn replace(expr: Expr, schema: &DFSchema) -> PlanResult<Transformed<Expr>> {
    let (inner, to, or_missing) = match &expr {
        Expr::Cast(Cast { expr, field }) => (expr, field.data_type(), false),
        Expr::TryCast(TryCast { expr, field }) => (expr, field.data_type(), true),
        _ => return Ok(Transformed::no(expr)),
    };
    let from = inner.get_type(schema)?;
    let changes = match (&from, to) {
        (from, DataType::Date32 | DataType::Timestamp(..)) if from.is_string() => true,
        (DataType::Date32, DataType::Timestamp(..)) | (DataType::Float64, DataType::Float32) => true,
        _ => false,
    };
    if !changes {
        return Ok(Transformed::no(expr));
    }
    let function = Exactly { to: to.clone(), or_missing, signature: Signature::any(1, Volatility::Immutable) };
    if let Expr::Literal(literal, _) = inner.as_ref() {
        // A filter with a constant in it is one that a scan can make use of.
        let converted = function.convert(&literal.to_array()?)?;
        return Ok(Transformed::yes(Expr::Literal(ScalarValue::try_from_array(&converted, 0)?, None)));
    }
    let function = Arc::new(ScalarUDF::new_from_impl(function));
    let args = vec![inner.as_ref().clone()];
    Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction::new_udf(function, args))))
}

/// A cast that fails, or gives NULL if it was only tried, where a value would become another.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Exactly {
    to: DataType,
    or_missing: bool,
    signature: Signature,
}

impl ScalarUDFImpl for Exactly {
    fn name(&self) -> &str {
        if self.or_missing { "exact try_cast" } else { "exact cast" }
    }

    fn schema_name(&self, args: &[Expr]) -> PlanResult<String> {
        let names: Vec<String> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
        Ok(names.join(", "))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> PlanResult<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> PlanResult<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(values)] => Ok(ColumnarValue::Array(self.convert(values)?)),
            [ColumnarValue::Scalar(value)] => {
                let converted = self.convert(&value.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&converted, 0)?))
            }
            _ => Err(invalid("a cast is of one value".to_owned())),
        }
    }
}

impl Exactly {
    fn convert(&self, values: &ArrayRef) -> PlanResult<ArrayRef> {
        match (values.data_type(), &self.to) {
            (DataType::Float64, _) => {
                let floats = values.as_primitive::<Float64Type>();
                let narrow =
                    |float: f64| Some(float as f32).filter(|narrow| narrow.is_infinite() == float.is_infinite());
                let floats: Float32Array = self.each(floats.iter(), narrow, |float| format!("{float:e}"))?;
                Ok(Arc::new(floats))
            }
            (DataType::Date32, to) => {
                let days = values.as_primitive::<Date32Type>();
                let micros = |day: i32| i64::from(day).checked_mul(MICROS_OF_DAY);
                self.instants(self.each(days.iter(), micros, |day| format!("day {day} after 1970-01-01"))?, to)
            }
            (from, to) if from.is_string() => {
                let texts = cast(values, &DataType::LargeUtf8)?;
                let texts = texts.as_string::<i64>().iter();
                let shown = excerpt;
                match to {
                    DataType::Date32 => {
                        let days: PrimitiveArray<Date32Type> = self.each(texts, parse_date, shown)?;
                        Ok(Arc::new(days))
                    }
                    to => self.instants(self.each(texts, parse_timestamp, shown)?, to),
                }
            }
            (_, to) => Ok(cast(values, to)?),
        }
    }

    /// Each value by itself.
    fn each<F: Copy, T>(
        &self,
        values: impl Iterator<Item = Option<F>>,
        convert: impl Fn(F) -> Option<T::Native>,
        shown: impl Fn(F) -> String,
    ) -> PlanResult<PrimitiveArray<T>>
    where
        T: arrow_array::types::ArrowPrimitiveType,
    {
        let converted = values.map(|value| match value {
            None => Ok(None),
            Some(value) => match convert(value) {
                None if !self.or_missing => Err(self.misfit(&shown(value))),
                converted => Ok(converted),
            },
        });
        Ok(converted.collect::<PlanResult<Vec<_>>>()?.into_iter().collect())
    }

    /// Microseconds, in the unit and with the zone that are asked for.
    fn instants(&self, micros: PrimitiveArray<TimestampMicrosecondType>, to: &DataType) -> PlanResult<ArrayRef> {
        let DataType::Timestamp(unit, zone) = to else { return Ok(cast(&micros, to)?) };
        let parts = match unit {
            TimeUnit::Second => 1_000_000,
            TimeUnit::Millisecond => 1_000,
            TimeUnit::Microsecond | TimeUnit::Nanosecond => 1,
        };
        let fits = |at: i64| {
            let fits = at % parts == 0 && (*unit != TimeUnit::Nanosecond || at.checked_mul(1_000).is_some());
            fits.then_some(at)
        };
        let micros = self.each(micros.iter(), fits, |at| format!("microsecond {at} after 1970-01-01T00:00:00Z"))?;
        let micros: PrimitiveArray<TimestampMicrosecondType> = micros.with_timezone_opt(zone.clone());
        Ok(cast(&micros, to)?)
    }

    fn misfit(&self, value: &str) -> DataFusionError {
        let expected = match &self.to {
            DataType::Date32 => "a day, written YYYY-MM-DD".to_owned(),
            DataType::Timestamp(unit, _) => {
                format!("an instant, written 2024-02-29T12:30:00.000001Z, that {unit} can say")
            }
            other => format!("a {other}"),
        };
        invalid(format!("{value} is not {expected}"))
    }
}

fn invalid(message: String) -> DataFusionError {
    DataFusionError::External(Box::new(Error::invalid(message)))
}

#[cfg(test)]
mod tests {
    use arrow_array::types::Float32Type;
    use arrow_array::{Date32Array, Float64Array, StringArray};

    use super::*;

    fn exactly(to: DataType, or_missing: bool) -> Exactly {
        Exactly { to, or_missing, signature: Signature::any(1, Volatility::Immutable) }
    }

    #[test]
    fn what_would_become_another_value_is_refused_or_missing_if_it_was_only_tried() {
        let instant = |unit| DataType::Timestamp(unit, Some("UTC".into()));
        let text = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text])) };
        let cases: [(ArrayRef, DataType); 9] = [
            (Arc::new(Float64Array::from(vec![1e39])), DataType::Float32),
            (Arc::new(Date32Array::from(vec![i32::MAX])), instant(TimeUnit::Microsecond)),
            (Arc::new(Date32Array::from(vec![2_932_896])), instant(TimeUnit::Nanosecond)),
            (text("2024-02-29T23:30:00-05:00"), DataType::Date32),
            (text("2024-02-30"), DataType::Date32),
            (text("2024-02-29T00:00:00.0000001Z"), instant(TimeUnit::Microsecond)),
            (text("2024-02-29T00:00:00.000001Z"), instant(TimeUnit::Millisecond)),
            (text("0001-01-01T00:00:00Z"), instant(TimeUnit::Nanosecond)),
            (text("x"), instant(TimeUnit::Microsecond)),
        ];
        for (values, to) in cases {
            exactly(to.clone(), false).convert(&values).expect_err("another value");
            let tried = exactly(to.clone(), true).convert(&values).unwrap();
            assert_eq!((tried.data_type(), tried.null_count()), (&to, 1), "{values:?}");
        }
    }

    #[test]
    fn what_stays_the_same_value_is_given() {
        let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("0001-01-01T00:00:00Z"), None, Some("9999-12-31")]));
        let instants = exactly(micros.clone(), false).convert(&texts).unwrap();
        let first = instants.as_primitive::<TimestampMicrosecondType>();
        assert_eq!((first.value(0), first.is_null(1), instants.data_type()), (-62_135_596_800_000_000, true, &micros));
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![0.1, f64::INFINITY, f64::NAN]));
        let narrow = exactly(DataType::Float32, false).convert(&floats).unwrap();
        let narrow = narrow.as_primitive::<Float32Type>();
        assert!(narrow.value(0) == 0.1 && narrow.value(1).is_infinite() && narrow.value(2).is_nan());
    }
}
