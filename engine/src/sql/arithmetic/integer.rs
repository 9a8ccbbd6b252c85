//! Whole numbers: computed exactly, in U64 when one side is a U64, and in I64 otherwise.

use std::fmt::Write;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Decimal128Type, Int64Type, UInt64Type};
use arrow_array::{ArrayRef, Datum, PrimitiveArray};
use arrow_schema::{ArrowError, DataType};
use datafusion::arrow::compute::cast;
use datafusion::arrow::compute::kernels::numeric;
use datafusion::common::{DFSchema, Result as PlanResult, ScalarValue};
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::invalid;

/// Wide enough for every sum, difference and product of two 64-bit numbers.
const WIDE: DataType = DataType::Decimal128(38, 0);

pub(super) fn install(state: &mut SessionState) {
    // A session takes every planner.
    let _ = state.register_expr_planner(Arc::new(Planner));
}

/// Plans operators of whole numbers as [`Integer`].
#[derive(Debug)]
struct Planner;

impl ExprPlanner for Planner {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> PlanResult<PlannerResult<RawBinaryExpr>> {
        let Some(op) = Op::of(&expr.op) else { return Ok(PlannerResult::Original(expr)) };
        let types = (type_of(&expr.left, schema)?, type_of(&expr.right, schema)?);
        let whole = |ty: &DataType| ty.is_integer() || *ty == DataType::Null;
        if !whole(&types.0) || !whole(&types.1) || types == (DataType::Null, DataType::Null) {
            return Ok(PlannerResult::Original(expr));
        }
        let RawBinaryExpr { op: _, left, right } = expr;
        // A chain is one function of many numbers: functions within functions would be looked at again and again.
        let (mut ops, mut args) = match left {
            Expr::ScalarFunction(ScalarFunction { func, args }) => match func.inner().downcast_ref::<Integer>() {
                Some(chain) => (chain.ops.clone(), args),
                None => (Vec::new(), vec![Expr::ScalarFunction(ScalarFunction { func, args })]),
            },
            left => (Vec::new(), vec![left]),
        };
        ops.push(op);
        args.push(right);
        let function = Arc::new(ScalarUDF::new_from_impl(Integer::new(ops)));
        Ok(PlannerResult::Planned(Expr::ScalarFunction(ScalarFunction::new_udf(function, args))))
    }
}

/// The type of an expression, without a look at the names of a long chain.
fn type_of(expr: &Expr, schema: &DFSchema) -> PlanResult<DataType> {
    if let Expr::ScalarFunction(ScalarFunction { func, args }) = expr
        && func.inner().downcast_ref::<Integer>().is_some()
    {
        let types = args.iter().map(|arg| type_of(arg, schema)).collect::<PlanResult<Vec<_>>>()?;
        return Ok(if types.contains(&DataType::UInt64) { DataType::UInt64 } else { DataType::Int64 });
    }
    expr.get_type(schema)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Op {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Op {
    fn of(op: &BinaryOperator) -> Option<Op> {
        match op {
            BinaryOperator::Plus => Some(Op::Add),
            BinaryOperator::Minus => Some(Op::Subtract),
            BinaryOperator::Multiply => Some(Op::Multiply),
            BinaryOperator::Divide => Some(Op::Divide),
            BinaryOperator::Modulo => Some(Op::Remainder),
            _ => None,
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Op::Add => "+",
            Op::Subtract => "-",
            Op::Multiply => "*",
            Op::Divide => "/",
            Op::Remainder => "%",
        }
    }

    fn compute(self, left: &dyn Datum, right: &dyn Datum) -> Result<ArrayRef, ArrowError> {
        match self {
            Op::Add => numeric::add(left, right),
            Op::Subtract => numeric::sub(left, right),
            Op::Multiply => numeric::mul(left, right),
            Op::Divide => numeric::div(left, right),
            Op::Remainder => numeric::rem(left, right),
        }
    }

    /// `None` when a number is divided by zero.
    fn exact(self, left: i128, right: i128) -> Option<i128> {
        match self {
            Op::Add => Some(left + right),
            Op::Subtract => Some(left - right),
            // Two U64 may need one bit more than there are; what has the largest value of all fits nothing either.
            Op::Multiply => Some(left.saturating_mul(right)),
            Op::Divide => left.checked_div(right),
            Op::Remainder => left.checked_rem(right),
        }
    }
}

/// Operators of whole numbers, from left to right.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Integer {
    ops: Vec<Op>,
    signature: Signature,
}

impl Integer {
    fn new(ops: Vec<Op>) -> Self {
        Integer { ops, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Integer {
    fn name(&self) -> &str {
        "whole numbers"
    }

    fn schema_name(&self, args: &[Expr]) -> PlanResult<String> {
        let mut name = String::new();
        let signs = [None].into_iter().chain(self.ops.iter().map(Some));
        for (arg, op) in args.iter().zip(signs) {
            if let Some(op) = op {
                write!(name, " {} ", op.sign())?;
            }
            write!(name, "{}", arg.schema_name())?;
        }
        Ok(name)
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> PlanResult<Vec<DataType>> {
        // Narrow numbers are widened; a U64 and an I64 meet in 128 bits, inside.
        let wide = |ty: &DataType| if *ty == DataType::UInt64 { DataType::UInt64 } else { DataType::Int64 };
        Ok(types.iter().map(wide).collect())
    }

    fn return_type(&self, types: &[DataType]) -> PlanResult<DataType> {
        Ok(if types.contains(&DataType::UInt64) { DataType::UInt64 } else { DataType::Int64 })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> PlanResult<ColumnarValue> {
        let scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let mut numbers = args.args.iter().map(|arg| match scalar {
            true => arg.to_array(1),
            false => arg.to_array(args.number_rows),
        });
        let mut result = numbers.next().unwrap_or_else(|| Err(invalid("an operator has two sides".to_owned())))?;
        for (op, number) in self.ops.iter().zip(numbers) {
            result = op.checked(&result, &number?)?;
        }
        match scalar {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)),
            false => Ok(ColumnarValue::Array(result)),
        }
    }
}

impl Op {
    fn checked(self, left: &ArrayRef, right: &ArrayRef) -> PlanResult<ArrayRef> {
        if left.data_type() == right.data_type()
            && let Ok(result) = self.compute(left, right)
        {
            return Ok(result);
        }
        // Of mixed types, or something does not fit: each pair by itself, so that the error can tell which.
        let unsigned = [left, right].iter().any(|side| *side.data_type() == DataType::UInt64);
        let (left, right) = (wide(left)?, wide(right)?);
        let pairs = left.iter().zip(right.iter());
        let results = pairs.map(|pair| match pair {
            (Some(left), Some(right)) => self.one(left, right).map(Some),
            _ => Ok(None),
        });
        match unsigned {
            true => narrow::<UInt64Type>(self, results, "U64"),
            false => narrow::<Int64Type>(self, results, "I64"),
        }
    }

    fn one(self, left: i128, right: i128) -> PlanResult<(i128, i128, i128)> {
        let result = self.exact(left, right);
        let result = result.ok_or_else(|| invalid(format!("{left} {} {right} is a division by zero", self.sign())))?;
        Ok((result, left, right))
    }
}

fn wide(numbers: &ArrayRef) -> PlanResult<PrimitiveArray<Decimal128Type>> {
    Ok(cast(numbers, &WIDE)?.as_primitive::<Decimal128Type>().clone())
}

fn narrow<T>(
    op: Op,
    results: impl Iterator<Item = PlanResult<Option<(i128, i128, i128)>>>,
    name: &str,
) -> PlanResult<ArrayRef>
where
    T: ArrowPrimitiveType,
    T::Native: TryFrom<i128>,
{
    let fitted = results.map(|result| match result? {
        None => Ok(None),
        Some((result, left, right)) => T::Native::try_from(result).map(Some).map_err(|_| {
            let is = if result == i128::MAX { String::new() } else { format!(" is {result}: it") };
            invalid(format!("{left} {} {right}{is} does not fit {name}", op.sign()))
        }),
    });
    let fitted: PrimitiveArray<T> = fitted.collect::<PlanResult<Vec<_>>>()?.into_iter().collect();
    Ok(Arc::new(fitted))
}
