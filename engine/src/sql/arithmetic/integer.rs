//! Whole numbers: computed exactly, in U64 when one side is a U64, and in I64 otherwise.

use std::sync::{Arc, LazyLock};

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
        let Some(function) = Op::of(&expr.op).map(Op::function) else { return Ok(PlannerResult::Original(expr)) };
        let types = (expr.left.get_type(schema)?, expr.right.get_type(schema)?);
        let whole = |ty: &DataType| ty.is_integer() || *ty == DataType::Null;
        if !whole(&types.0) || !whole(&types.1) || types == (DataType::Null, DataType::Null) {
            return Ok(PlannerResult::Original(expr));
        }
        let RawBinaryExpr { op: _, left, right } = expr;
        Ok(PlannerResult::Planned(Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![left, right]))))
    }
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

    fn function(self) -> Arc<ScalarUDF> {
        static FUNCTIONS: LazyLock<[Arc<ScalarUDF>; 5]> = LazyLock::new(|| {
            [Op::Add, Op::Subtract, Op::Multiply, Op::Divide, Op::Remainder].map(|op| {
                let signature = Signature::user_defined(Volatility::Immutable);
                Arc::new(ScalarUDF::new_from_impl(Integer { op, signature }))
            })
        });
        Arc::clone(&FUNCTIONS[self as usize])
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
            // 64 bits by 64 bits: never more than 128.
            Op::Multiply => Some(left * right),
            Op::Divide => left.checked_div(right),
            Op::Remainder => left.checked_rem(right),
        }
    }
}

/// One operator of whole numbers.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Integer {
    op: Op,
    signature: Signature,
}

impl ScalarUDFImpl for Integer {
    fn name(&self) -> &str {
        self.op.sign()
    }

    fn schema_name(&self, args: &[Expr]) -> PlanResult<String> {
        let names: Vec<String> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
        Ok(names.join(&format!(" {} ", self.op.sign())))
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
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [left, right] = arrays.as_slice() else { return Err(invalid("an operator has two sides".to_owned())) };
        let result = self.compute(left, right)?;
        match scalar {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)),
            false => Ok(ColumnarValue::Array(result)),
        }
    }
}

impl Integer {
    fn compute(&self, left: &ArrayRef, right: &ArrayRef) -> PlanResult<ArrayRef> {
        if left.data_type() == right.data_type()
            && let Ok(result) = self.op.compute(left, right)
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
            true => narrow::<UInt64Type>(self.op, results, "U64"),
            false => narrow::<Int64Type>(self.op, results, "I64"),
        }
    }

    fn one(&self, left: i128, right: i128) -> PlanResult<(i128, i128, i128)> {
        let result = self.op.exact(left, right);
        let result =
            result.ok_or_else(|| invalid(format!("{left} {} {right} is a division by zero", self.op.sign())))?;
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
        Some((result, left, right)) => T::Native::try_from(result)
            .map(Some)
            .map_err(|_| invalid(format!("{left} {} {right} is {result}: it does not fit {name}", op.sign()))),
    });
    let fitted: PrimitiveArray<T> = fitted.collect::<PlanResult<Vec<_>>>()?.into_iter().collect();
    Ok(Arc::new(fitted))
}
