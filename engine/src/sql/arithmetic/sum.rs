//! `sum`, of which no part wraps round: whole numbers are added up in 128 bits, decimals in 256, and the result must fit.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray};
use arrow_schema::{DataType, Field, FieldRef};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::common::{Result as PlanResult, ScalarValue};
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, SetMonotonicity, Signature,
};

use super::invalid;

pub(super) fn install(state: &mut SessionState) {
    // A session takes every function, and this one in the place of its own.
    let _ = state.register_udaf(Arc::new(AggregateUDF::new_from_impl(Sum { inner: sum_udaf() })));
}

/// DataFusion's sum of wider values.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Sum {
    inner: Arc<AggregateUDF>,
}

/// The type in which values are added up whose sum is of that type.
fn wide(sum: &DataType) -> PlanResult<DataType> {
    match sum {
        DataType::Int64 | DataType::UInt64 => Ok(DataType::Decimal128(38, 0)),
        DataType::Decimal128(_, scale) => Ok(DataType::Decimal256(76, *scale)),
        DataType::Float64 => Ok(DataType::Float64),
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

impl AggregateUDFImpl for Sum {
    fn name(&self) -> &str {
        "sum"
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> PlanResult<DataType> {
        let sum = self.inner.return_type(types)?;
        wide(&sum).map(|_| sum)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> PlanResult<Box<dyn Accumulator>> {
        self.widened(args, |args| self.inner.accumulator(args))
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> PlanResult<Box<dyn Accumulator>> {
        self.widened(args, |args| self.inner.create_sliding_accumulator(args))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> PlanResult<Vec<FieldRef>> {
        let return_field = widened(&args.return_field)?;
        self.inner.state_fields(StateFieldsArgs { return_field, ..args })
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> PlanResult<Box<dyn GroupsAccumulator>> {
        let (sum, return_field) = (args.return_type().clone(), widened(&args.return_field)?);
        let wide = return_field.data_type().clone();
        let inner = self.inner.create_groups_accumulator(AccumulatorArgs { return_field, ..args })?;
        Ok(Box::new(WideGroups { inner, wide, sum }))
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

impl Sum {
    fn widened<'a>(
        &self,
        args: AccumulatorArgs<'a>,
        make: impl FnOnce(AccumulatorArgs<'a>) -> PlanResult<Box<dyn Accumulator>>,
    ) -> PlanResult<Box<dyn Accumulator>> {
        let (sum, return_field) = (args.return_type().clone(), widened(&args.return_field)?);
        let wide = return_field.data_type().clone();
        let inner = make(AccumulatorArgs { return_field, ..args })?;
        Ok(Box::new(Wide { inner, wide, sum }))
    }
}

fn widened(field: &FieldRef) -> PlanResult<FieldRef> {
    Ok(Arc::new(Field::new(field.name(), wide(field.data_type())?, field.is_nullable())))
}

/// Adds up in a wider type than it gives.
#[derive(Debug)]
struct Wide {
    inner: Box<dyn Accumulator>,
    wide: DataType,
    sum: DataType,
}

impl Wide {
    fn widen(&self, values: &[ArrayRef]) -> PlanResult<Vec<ArrayRef>> {
        values.iter().map(|values| converted(values, &self.wide)).collect()
    }
}

impl Accumulator for Wide {
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
        let sum = converted(&self.inner.evaluate()?.to_array()?, &self.sum)?;
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

/// The same for many groups at once.
struct WideGroups {
    inner: Box<dyn GroupsAccumulator>,
    wide: DataType,
    sum: DataType,
}

impl WideGroups {
    fn widen(&self, values: &[ArrayRef]) -> PlanResult<Vec<ArrayRef>> {
        values.iter().map(|values| converted(values, &self.wide)).collect()
    }
}

impl GroupsAccumulator for WideGroups {
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
        converted(&self.inner.evaluate(emit_to)?, &self.sum)
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
