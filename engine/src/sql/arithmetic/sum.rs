//! `sum` and `avg`, of which no part wraps round: whole numbers are added up in 128 bits, decimals in 256, and the result must fit.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray};
use arrow_schema::{DataType, Field, FieldRef};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::common::{Result as PlanResult, ScalarValue};
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::functions_aggregate::average::avg_udaf;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, SetMonotonicity, Signature,
};

use super::invalid;

pub(super) fn install(state: &mut SessionState) {
    for inner in [sum_udaf(), avg_udaf()] {
        let aliases = inner.aliases().to_vec();
        // A session takes every function, and these in the place of its own.
        let _ = state.register_udaf(Arc::new(AggregateUDF::new_from_impl(Total { inner, aliases })));
    }
}

/// DataFusion's function of wider values.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Total {
    inner: Arc<AggregateUDF>,
    aliases: Vec<String>,
}

/// The type in which values or their total are kept.
fn wide(ty: &DataType) -> PlanResult<DataType> {
    match ty {
        DataType::Int64 | DataType::UInt64 => Ok(DataType::Decimal128(38, 0)),
        DataType::Decimal128(_, scale) => Ok(DataType::Decimal256(76, *scale)),
        DataType::Float64 | DataType::Duration(_) => Ok(ty.clone()),
        other => Err(invalid(format!("a sum of {other} is not supported"))),
    }
}

fn converted(values: &ArrayRef, to: &DataType) -> PlanResult<ArrayRef> {
    if values.data_type() == to {
        return Ok(Arc::clone(values));
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(values, to, &options).map_err(|_| invalid(format!("a sum does not fit {to}")))
}

impl AggregateUDFImpl for Total {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> PlanResult<DataType> {
        let total = self.inner.return_type(types)?;
        wide(&total).map(|_| total)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> PlanResult<Box<dyn Accumulator>> {
        Ok(widened(args, |args| self.inner.accumulator(args))?)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> PlanResult<Box<dyn Accumulator>> {
        Ok(widened(args, |args| self.inner.create_sliding_accumulator(args))?)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> PlanResult<Vec<FieldRef>> {
        let (return_field, input_fields) = (wide_field(&args.return_field)?, wide_fields(args.input_fields)?);
        self.inner.state_fields(StateFieldsArgs { return_field, input_fields: &input_fields, ..args })
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> PlanResult<Box<dyn GroupsAccumulator>> {
        Ok(widened(args, |args| self.inner.create_groups_accumulator(args))?)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.inner.inner().set_monotonicity(data_type)
    }
}

/// What adds up in wider types, between the types that are seen.
fn widened<'a, T: ?Sized>(
    args: AccumulatorArgs<'a>,
    make: impl FnOnce(AccumulatorArgs<'_>) -> PlanResult<Box<T>>,
) -> PlanResult<Box<Wide<T>>> {
    let (total, return_field) = (args.return_type().clone(), wide_field(&args.return_field)?);
    let expr_fields = wide_fields(args.expr_fields)?;
    let values = expr_fields.first().map_or(DataType::Null, |field| field.data_type().clone());
    let inner = make(AccumulatorArgs { return_field, expr_fields: &expr_fields, ..args })?;
    Ok(Box::new(Wide { inner, values, total }))
}

fn wide_field(field: &FieldRef) -> PlanResult<FieldRef> {
    Ok(Arc::new(Field::new(field.name(), wide(field.data_type())?, field.is_nullable())))
}

fn wide_fields(fields: &[FieldRef]) -> PlanResult<Vec<FieldRef>> {
    fields.iter().map(wide_field).collect()
}

/// Adds up values of a wider type than they come in, and gives the total.
#[derive(Debug)]
struct Wide<T: ?Sized> {
    inner: Box<T>,
    values: DataType,
    total: DataType,
}

impl<T: ?Sized> Wide<T> {
    fn widen(&self, values: &[ArrayRef]) -> PlanResult<Vec<ArrayRef>> {
        values.iter().map(|values| converted(values, &self.values)).collect()
    }
}

impl Accumulator for Wide<dyn Accumulator> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> PlanResult<()> {
        self.inner.update_batch(&self.widen(values)?)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> PlanResult<()> {
        self.inner.retract_batch(&self.widen(values)?)
    }

    fn supports_retract_batch(&self) -> bool {
        self.inner.supports_retract_batch()
    }

    fn evaluate(&mut self) -> PlanResult<ScalarValue> {
        let sum = converted(&self.inner.evaluate()?.to_array()?, &self.total)?;
        ScalarValue::try_from_array(&sum, 0)
    }

    fn state(&mut self) -> PlanResult<Vec<ScalarValue>> {
        self.inner.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> PlanResult<()> {
        self.inner.merge_batch(states)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.inner.size()
    }
}

impl GroupsAccumulator for Wide<dyn GroupsAccumulator> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> PlanResult<()> {
        self.inner.update_batch(&self.widen(values)?, groups, filter, total)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> PlanResult<ArrayRef> {
        converted(&self.inner.evaluate(emit_to)?, &self.total)
    }

    fn state(&mut self, emit_to: EmitTo) -> PlanResult<Vec<ArrayRef>> {
        self.inner.state(emit_to)
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> PlanResult<()> {
        self.inner.merge_batch(values, groups, filter, total)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> PlanResult<Vec<ArrayRef>> {
        self.inner.convert_to_state(&self.widen(values)?, filter)
    }

    fn supports_convert_to_state(&self) -> bool {
        self.inner.supports_convert_to_state()
    }

    fn size(&self) -> usize {
        self.inner.size()
    }
}
