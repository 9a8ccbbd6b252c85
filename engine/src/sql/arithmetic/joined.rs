//! `||` of texts. A chain is one function of many texts: how long the result is, is known before it is made.

use std::sync::Arc;

use arrow_array::builder::StringViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use datafusion::common::{DFSchema, Result as PlanResult, ScalarValue};
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::bounded::{Sizes, too_much};
use crate::sql::limit::{TEXT_BYTES_MAX, TEXTS_BYTES_MAX};

pub(super) fn install(state: &mut SessionState) {
    // A session takes every planner.
    let _ = state.register_expr_planner(Arc::new(Planner));
}

/// Plans `||` of a text and something as [`Joined`].
#[derive(Debug)]
struct Planner;

impl ExprPlanner for Planner {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> PlanResult<PlannerResult<RawBinaryExpr>> {
        if expr.op != BinaryOperator::StringConcat {
            return Ok(PlannerResult::Original(expr));
        }
        let types = [type_of(&expr.left, schema)?, type_of(&expr.right, schema)?];
        let is_plain = |ty: &DataType| !ty.is_nested() && !ty.is_binary();
        if !types.iter().all(is_plain) || !types.iter().any(DataType::is_string) {
            return Ok(PlannerResult::Original(expr));
        }
        let RawBinaryExpr { op: _, left, right } = expr;
        let mut args = match left {
            Expr::ScalarFunction(ScalarFunction { func, args }) if is_joined(&func) => args,
            left => vec![left],
        };
        args.push(right);
        let joined = Joined { signature: Signature::user_defined(Volatility::Immutable) };
        let function = Arc::new(ScalarUDF::new_from_impl(joined));
        Ok(PlannerResult::Planned(Expr::ScalarFunction(ScalarFunction::new_udf(function, args))))
    }
}

fn is_joined(function: &ScalarUDF) -> bool {
    function.inner().downcast_ref::<Joined>().is_some()
}

/// The type of an expression, without a look at the names of a long chain.
fn type_of(expr: &Expr, schema: &DFSchema) -> PlanResult<DataType> {
    match expr {
        Expr::ScalarFunction(ScalarFunction { func, .. }) if is_joined(func) => Ok(DataType::Utf8View),
        expr => expr.get_type(schema),
    }
}

/// Texts, one behind the other; missing when one of them is.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Joined {
    signature: Signature,
}

impl ScalarUDFImpl for Joined {
    fn name(&self) -> &str {
        "||"
    }

    fn schema_name(&self, args: &[Expr]) -> PlanResult<String> {
        let names: Vec<String> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
        Ok(names.join(" || "))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> PlanResult<Vec<DataType>> {
        Ok(vec![DataType::Utf8View; types.len()])
    }

    fn return_type(&self, _: &[DataType]) -> PlanResult<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> PlanResult<ColumnarValue> {
        let is_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let sizes = args.args.iter().map(Sizes::of).collect::<PlanResult<Vec<_>>>()?;
        let mut total = 0_i64;
        for row in 0..rows {
            let bytes = sizes.iter().map(|sizes| sizes.bytes(row)).fold(0, i64::saturating_add);
            total = total.saturating_add(bytes);
            if bytes > TEXT_BYTES_MAX || total > TEXTS_BYTES_MAX {
                return Err(too_much(self.name()));
            }
        }
        let texts = args.args.iter().map(|arg| arg.to_array(1.max(if is_scalar(arg) { 1 } else { rows })));
        let texts = texts.collect::<PlanResult<Vec<_>>>()?;
        let mut joined = StringViewBuilder::with_capacity(rows);
        let mut text = String::new();
        for row in 0..rows {
            text.clear();
            let parts =
                texts.iter().zip(&args.args).map(|(texts, arg)| part(texts, if is_scalar(arg) { 0 } else { row }));
            let is_whole = parts.into_iter().try_for_each(|part| part.map(|part| text.push_str(part))).is_some();
            joined.append_option(is_whole.then_some(text.as_str()));
        }
        let joined: ArrayRef = Arc::new(joined.finish());
        match is_constant {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&joined, 0)?)),
            false => Ok(ColumnarValue::Array(joined)),
        }
    }
}

fn is_scalar(arg: &ColumnarValue) -> bool {
    matches!(arg, ColumnarValue::Scalar(_))
}

fn part(texts: &ArrayRef, row: usize) -> Option<&str> {
    let texts = texts.as_string_view_opt()?;
    texts.is_valid(row).then(|| texts.value(row))
}
