//! Functions that make a long text of short ones: how long is known before it is made.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array};
use arrow_schema::{DataType, FieldRef};
use datafusion::arrow::compute::cast;
use datafusion::arrow::compute::kernels::length::length;
use datafusion::common::Result as PlanResult;
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

use super::invalid;
use crate::sql::limit::{TEXT_BYTES_MAX, TEXTS_BYTES_MAX};

pub(super) fn install(state: &mut SessionState) {
    for (name, growth) in [
        ("repeat", Growth::Times),
        ("lpad", Growth::To),
        ("rpad", Growth::To),
        ("replace", Growth::Replaced),
        ("regexp_replace", Growth::Replaced),
    ] {
        let Ok(inner) = state.udf(name) else { continue };
        let aliases = inner.aliases().to_vec();
        let bounded = ScalarUDF::new_from_impl(Bounded { inner, aliases, growth });
        // A session takes every function, and this one in the place of its own.
        let _ = state.register_udf(Arc::new(bounded));
    }
}

/// How long the result of a function can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Growth {
    /// The first argument, as often as the second says.
    Times,
    /// As many characters as the second argument says.
    To,
    /// The first argument, with the third in the place of the second.
    Replaced,
}

/// A function that fails before it makes what is too long.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    aliases: Vec<String>,
    growth: Growth,
}

impl Bounded {
    fn check(&self, args: &[ColumnarValue]) -> PlanResult<()> {
        let arrays = ColumnarValue::values_to_arrays(args)?;
        let rows = arrays.first().map_or(0, |first| first.len());
        let numbers = arrays.iter().map(size).collect::<PlanResult<Vec<_>>>()?;
        let mut total = 0_i64;
        for row in 0..rows {
            let at =
                |arg: usize| numbers.get(arg).map_or(0, |sizes| if sizes.is_null(row) { 0 } else { sizes.value(row) });
            let bytes = match self.growth {
                Growth::Times => at(0).saturating_mul(at(1).max(0)),
                Growth::To => at(1).saturating_mul(4),
                // What is put in is counted twice for the parts of the text that it may name.
                Growth::Replaced => {
                    let places = at(0) / at(1).max(1) + 1;
                    let places = if self.inner.name() == "replace" { places } else { at(0) + 1 };
                    at(0).saturating_mul(2).saturating_add(places.saturating_mul(at(2)))
                }
            };
            total = total.saturating_add(bytes.max(0));
            if bytes > TEXT_BYTES_MAX || total > TEXTS_BYTES_MAX {
                return Err(invalid(format!(
                    "{} would make a text of more than {TEXT_BYTES_MAX} bytes, or texts of more than {TEXTS_BYTES_MAX} at once",
                    self.inner.name()
                )));
            }
        }
        Ok(())
    }
}

/// The bytes of texts, the values of numbers.
fn size(values: &ArrayRef) -> PlanResult<Int64Array> {
    let sizes = match values.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => length(values)?,
        _ => Arc::clone(values),
    };
    Ok(cast(&sizes, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn schema_name(&self, args: &[Expr]) -> PlanResult<String> {
        self.inner.inner().schema_name(args)
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> PlanResult<Vec<DataType>> {
        self.inner.inner().coerce_types(types)
    }

    fn return_type(&self, types: &[DataType]) -> PlanResult<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> PlanResult<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> PlanResult<ExprSimplifyResult> {
        // What it would be made of is not bounded, so only what is left as it is may pass.
        match self.inner.simplify(args.clone(), info)? {
            ExprSimplifyResult::Original(args) => Ok(ExprSimplifyResult::Original(args)),
            ExprSimplifyResult::Simplified(_) => Ok(ExprSimplifyResult::Original(args)),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> PlanResult<ColumnarValue> {
        self.check(&args.args)?;
        self.inner.invoke_with_args(args)
    }
}
