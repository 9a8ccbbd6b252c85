//! What is left once types are known: decimals, days, instants, intervals and the minus sign, with kernels that fail where
//! DataFusion's wrap.

use std::sync::{Arc, LazyLock};

use arrow_array::ArrayRef;
use arrow_schema::{ArrowError, DataType};
use datafusion::arrow::compute::kernels::numeric;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult};
use datafusion::common::{DFSchema, Result as PlanResult, ScalarValue};
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, LogicalPlan, Operator, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::physical_expr_common::datum::apply;

use super::{bounded, invalid};
use crate::sql::rewrite::expressions;

/// Functions within functions are looked at again and again while they are planned.
const OPERATORS_MAX: usize = 100;

/// Puts [`Checked`] in the place of operators that would wrap round. Names and types stay.
#[derive(Debug)]
pub(super) struct Rule;

impl AnalyzerRule for Rule {
    fn name(&self) -> &'static str {
        "checked_arithmetic"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> PlanResult<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| expressions(plan, replace)).data()
    }
}

fn replace(expr: Expr, schema: &DFSchema) -> PlanResult<Transformed<Expr>> {
    let (op, args) = match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let types = (left.get_type(schema)?, right.get_type(schema)?);
            let op = match op {
                Operator::Eq if types.0.is_floating() && types.0 == types.1 => {
                    return one_zero(*left, *right, &types.0);
                }
                Operator::Plus if wraps(&types) => Op::Add,
                Operator::Minus if wraps(&types) => Op::Subtract,
                Operator::Multiply if wraps(&types) => Op::Multiply,
                op => return Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }))),
            };
            (op, vec![*left, *right])
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) => {
            return Ok(match bounded::list_function(&func) {
                Some(func) => Transformed::yes(Expr::ScalarFunction(ScalarFunction { func, args })),
                None => Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args })),
            });
        }
        Expr::Negative(inner) if wraps(&(inner.get_type(schema)?, DataType::Null)) => (Op::Negate, vec![*inner]),
        expr => return Ok(Transformed::no(expr)),
    };
    if args.iter().map(levels).max().unwrap_or_default() > OPERATORS_MAX {
        return Err(invalid(format!(
            "more than {OPERATORS_MAX} operators of decimals, days, instants or signs build on one another"
        )));
    }
    Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction::new_udf(op.function(), args))))
}

/// `left = right` where both are worked out of rows: a join looks for equal bits, and the two zeros have others. A sum with zero is the
/// positive one.
fn one_zero(left: Expr, right: Expr, ty: &DataType) -> PlanResult<Transformed<Expr>> {
    let is_one = |side: &Expr| {
        matches!(side, Expr::Literal(..)) || matches!(side, Expr::BinaryExpr(sum) if sum.op == Operator::Plus)
    };
    if is_one(&left) || is_one(&right) {
        return Ok(Transformed::no(left.eq(right)));
    }
    let zero = Expr::Literal(ScalarValue::new_zero(ty)?, None);
    Ok(Transformed::yes((left + zero.clone()).eq(right + zero)))
}

/// How many checked operators build on one another, seen from the outermost.
fn levels(expr: &Expr) -> usize {
    match expr {
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.inner().downcast_ref::<Checked>().is_some() => {
            1 + args.iter().map(levels).max().unwrap_or_default()
        }
        Expr::Cast(Cast { expr, field: _ }) => levels(expr),
        _ => 0,
    }
}

/// Whether an operator of such values can leave what their type holds. Floats go to infinity, and the days between two days
/// always fit.
fn wraps(types: &(DataType, DataType)) -> bool {
    let (left, right) = types;
    let days = matches!(types, (DataType::Date32, DataType::Date32) | (DataType::Date64, DataType::Date64));
    !days && !left.is_floating() && !right.is_floating()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Op {
    Add,
    Subtract,
    Multiply,
    Negate,
}

impl Op {
    fn function(self) -> Arc<ScalarUDF> {
        static FUNCTIONS: LazyLock<[Arc<ScalarUDF>; 4]> = LazyLock::new(|| {
            [Op::Add, Op::Subtract, Op::Multiply, Op::Negate].map(|op| {
                let sides = if op == Op::Negate { 1 } else { 2 };
                let signature = Signature::any(sides, Volatility::Immutable);
                Arc::new(ScalarUDF::new_from_impl(Checked { op, signature }))
            })
        });
        Arc::clone(&FUNCTIONS[self as usize])
    }

    fn operator(self) -> Operator {
        match self {
            Op::Add => Operator::Plus,
            Op::Subtract | Op::Negate => Operator::Minus,
            Op::Multiply => Operator::Multiply,
        }
    }
}

/// One operator, checked.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    op: Op,
    signature: Signature,
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &str {
        match self.op {
            Op::Add => "checked +",
            Op::Subtract => "checked -",
            Op::Multiply => "checked *",
            Op::Negate => "checked minus",
        }
    }

    fn schema_name(&self, args: &[Expr]) -> PlanResult<String> {
        let names: Vec<String> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
        Ok(match names.as_slice() {
            [inner] => format!("(- {inner})"),
            names => names.join(&format!(" {} ", self.op.operator())),
        })
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> PlanResult<DataType> {
        match types {
            [inner] => Ok(inner.clone()),
            [left, right] => BinaryTypeCoercer::new(left, &self.op.operator(), right).get_result_type(),
            _ => Err(invalid("an operator has one or two sides".to_owned())),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> PlanResult<ColumnarValue> {
        let result = match (self.op, args.args.as_slice()) {
            (Op::Add, [left, right]) => apply(left, right, numeric::add),
            (Op::Subtract, [left, right]) => apply(left, right, numeric::sub),
            (Op::Multiply, [left, right]) => apply(left, right, numeric::mul),
            (Op::Negate, [ColumnarValue::Array(inner)]) => Ok(ColumnarValue::Array(numeric::neg(inner)?)),
            (Op::Negate, [ColumnarValue::Scalar(inner)]) => {
                let negated: ArrayRef = numeric::neg(&inner.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&negated, 0)?))
            }
            _ => return Err(invalid("an operator has one or two sides".to_owned())),
        };
        result.and_then(within).map_err(|error| match error {
            datafusion::error::DataFusionError::ArrowError(inner, _) if is_overflow(&inner) => {
                invalid(format!("the result of {} does not fit {}", self.op.operator(), args.return_field.data_type()))
            }
            error => error,
        })
    }
}

fn is_overflow(error: &ArrowError) -> bool {
    matches!(
        error,
        ArrowError::ArithmeticOverflow(_) | ArrowError::ComputeError(_) | ArrowError::InvalidArgumentError(_)
    )
}

/// A decimal has no more digits than its type says.
fn within(value: ColumnarValue) -> PlanResult<ColumnarValue> {
    if let (DataType::Decimal128(digits, _), ColumnarValue::Array(values)) = (value.data_type(), &value) {
        use arrow_array::cast::AsArray;
        values.as_primitive::<arrow_array::types::Decimal128Type>().validate_decimal_precision(digits)?;
    }
    Ok(value)
}
