//! Functions that make much of little: how much is known before it is made. The texts that they give are views, of which one that
//! stands in many rows is there once.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array};
use arrow_schema::{DataType, FieldRef};
use datafusion::arrow::compute::cast;
use datafusion::arrow::compute::kernels::length::length;
use datafusion::common::Result as PlanResult;
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

use super::invalid;
use crate::sql::limit::{TEXT_BYTES_MAX, TEXTS_BYTES_MAX};

/// Bytes that an item of a list takes at most when it is written out, a text apart.
const ITEM_BYTES: i64 = 32;

pub(super) fn install(state: &mut SessionState) {
    for (name, growth) in [
        ("array_to_string", Growth::Delimited),
        ("concat", Growth::Sum),
        ("concat_ws", Growth::Separated),
        ("lpad", Growth::To),
        ("overlay", Growth::Sum),
        ("regexp_replace", Growth::Replaced),
        ("repeat", Growth::Times),
        ("replace", Growth::Replaced),
        ("rpad", Growth::To),
        ("string_to_array", Growth::Split),
    ] {
        let Ok(inner) = state.udf(name) else { continue };
        // A session takes every function, and this one in the place of its own.
        let _ = state.register_udf(bounded(inner, growth));
    }
}

/// The function in bounds, if it makes a list of several values and is not bounded yet: `[…]` and `||` are planned without a look at
/// what is installed.
pub(super) fn list_function(function: &Arc<ScalarUDF>) -> Option<Arc<ScalarUDF>> {
    let is_plain = function.inner().downcast_ref::<Bounded>().is_none();
    let makes_lists = ["array_append", "array_concat", "array_prepend", "array_union", "make_array"];
    (is_plain && makes_lists.contains(&function.name())).then(|| bounded(Arc::clone(function), Growth::Sum))
}

fn bounded(inner: Arc<ScalarUDF>, growth: Growth) -> Arc<ScalarUDF> {
    let aliases = inner.aliases().to_vec();
    Arc::new(ScalarUDF::new_from_impl(Bounded { inner, aliases, growth }))
}

/// How much the result of a function can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Growth {
    /// The first argument, as often as the second says.
    Times,
    /// As many characters as the second argument says.
    To,
    /// The first argument, with the third in the place of the second.
    Replaced,
    /// All arguments together.
    Sum,
    /// All arguments together, with the first between them.
    Separated,
    /// The items of the first argument, with the second between them.
    Delimited,
    /// The parts of the first argument between the second.
    Split,
}

/// A function that fails before it makes too much.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    aliases: Vec<String>,
    growth: Growth,
}

impl Bounded {
    fn check(&self, args: &[ColumnarValue], rows: usize) -> PlanResult<()> {
        let sizes = args.iter().map(Sizes::of).collect::<PlanResult<Vec<_>>>()?;
        let mut total = 0_i64;
        for row in 0..rows {
            let bytes = |arg: usize| sizes.get(arg).map_or(0, |sizes| sizes.bytes(row));
            let number = |arg: usize| sizes.get(arg).map_or(0, |sizes| sizes.number(row).max(0));
            let all = || (0..sizes.len()).map(bytes).fold(0, i64::saturating_add);
            let (made, most) = match self.growth {
                Growth::Times => (bytes(0).saturating_mul(number(1)), TEXT_BYTES_MAX),
                Growth::To => (number(1).saturating_mul(4), TEXT_BYTES_MAX),
                // What is put in is counted twice for the parts of the text that it may name.
                Growth::Replaced => {
                    let places = bytes(0) / bytes(1).max(1) + 1;
                    let places = if self.inner.name() == "replace" { places } else { bytes(0) + 1 };
                    (bytes(0).saturating_mul(2).saturating_add(places.saturating_mul(bytes(2))), TEXT_BYTES_MAX)
                }
                Growth::Sum => (all(), TEXT_BYTES_MAX),
                Growth::Separated => {
                    (all().saturating_add(bytes(0).saturating_mul(sizes.len() as i64)), TEXT_BYTES_MAX)
                }
                Growth::Delimited => {
                    let items = sizes.first().map_or(0, |sizes| sizes.items(row));
                    let item = ITEM_BYTES + bytes(1) + bytes(2);
                    (bytes(0).saturating_add(items.saturating_mul(item)), TEXT_BYTES_MAX)
                }
                // A part is addressed by a view.
                Growth::Split => (bytes(0).saturating_mul(size_of::<u128>() as i64), TEXTS_BYTES_MAX),
            };
            total = total.saturating_add(made);
            if made > most || total > TEXTS_BYTES_MAX {
                return Err(too_much(self.inner.name()));
            }
        }
        Ok(())
    }
}

/// The error of what would make too much.
pub(super) fn too_much(name: &str) -> datafusion::error::DataFusionError {
    invalid(format!(
        "{name} would make a value of more than {TEXT_BYTES_MAX} bytes, or values of more than {TEXTS_BYTES_MAX} at once"
    ))
}

/// How large the values of an argument are; a constant is one value for all rows.
pub(super) struct Sizes {
    is_constant: bool,
    /// What numbers are, and how many bytes others have.
    values: Int64Array,
    is_number: bool,
    /// How many items lists have.
    items: Option<Int64Array>,
}

impl Sizes {
    pub(super) fn of(arg: &ColumnarValue) -> PlanResult<Sizes> {
        let (values, is_constant) = match arg {
            ColumnarValue::Array(values) => (Arc::clone(values), false),
            ColumnarValue::Scalar(value) => (value.to_array()?, true),
        };
        let number = |values: &ArrayRef| -> PlanResult<Int64Array> {
            Ok(cast(values, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
        };
        let (values, is_number, items) = match values.data_type() {
            ty if ty.is_string() => (number(&length(&values)?)?, false, None),
            ty if ty.is_integer() => (number(&values)?, true, None),
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
                let items = number(&length(&values)?)?;
                let count: i64 = items.iter().flatten().sum();
                let bytes = i64::try_from(values.to_data().get_slice_memory_size()?).unwrap_or(i64::MAX);
                // About as much for each item.
                let each = if count == 0 { 0 } else { bytes / count + 1 };
                (items.unary(|items| i64::saturating_mul(items, each)), false, Some(items))
            }
            _ => (Int64Array::from_value(ITEM_BYTES, values.len()), false, None),
        };
        Ok(Sizes { is_constant, values, is_number, items })
    }

    fn at(&self, values: &Int64Array, row: usize) -> i64 {
        let row = if self.is_constant { 0 } else { row };
        if values.is_null(row) { 0 } else { values.value(row) }
    }

    pub(super) fn bytes(&self, row: usize) -> i64 {
        if self.is_number { ITEM_BYTES } else { self.at(&self.values, row) }
    }

    fn number(&self, row: usize) -> i64 {
        if self.is_number { self.at(&self.values, row) } else { 0 }
    }

    fn items(&self, row: usize) -> i64 {
        self.items.as_ref().map_or(0, |items| self.at(items, row))
    }
}

/// Texts as views.
fn viewed(ty: DataType) -> DataType {
    match ty {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        ty => ty,
    }
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
        self.inner.return_type(types).map(viewed)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> PlanResult<FieldRef> {
        let field = self.inner.return_field_from_args(args)?;
        let ty = viewed(field.data_type().clone());
        Ok(Arc::new(field.as_ref().clone().with_data_type(ty)))
    }

    // Not `simplify`: what it would be made of is not bounded.

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> PlanResult<ColumnarValue> {
        let is_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        self.check(&args.args, if is_constant { 1 } else { args.number_rows })?;
        let to = args.return_field.data_type().clone();
        // Which of the types of text it makes is its own affair.
        let types: Vec<DataType> = args.args.iter().map(ColumnarValue::data_type).collect();
        let return_field = match self.inner.return_type(&types) {
            Ok(ty) => Arc::new(args.return_field.as_ref().clone().with_data_type(ty)),
            Err(_) => Arc::clone(&args.return_field),
        };
        let made = self.inner.invoke_with_args(ScalarFunctionArgs { return_field, ..args })?;
        if made.data_type() == to { Ok(made) } else { made.cast_to(&to, None) }
    }
}
