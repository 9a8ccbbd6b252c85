//! The two zeros of a float are one number, and have other bits. A sum with zero is the positive one.

use arrow_schema::DataType;
use datafusion::common::{DFSchema, Result as PlanResult, ScalarValue};
use datafusion::logical_expr::{Expr, ExprSchemable, Operator};

/// The value with one zero; `ty` is the type of a float.
pub(super) fn one_zero(value: Expr, ty: &DataType) -> PlanResult<Expr> {
    match value {
        Expr::Literal(ScalarValue::Float64(Some(0.0)), metadata) => {
            Ok(Expr::Literal(ScalarValue::Float64(Some(0.0)), metadata))
        }
        Expr::Literal(ScalarValue::Float32(Some(0.0)), metadata) => {
            Ok(Expr::Literal(ScalarValue::Float32(Some(0.0)), metadata))
        }
        Expr::Literal(..) => Ok(value),
        Expr::BinaryExpr(ref sum) if sum.op == Operator::Plus => Ok(value),
        value => Ok(value + Expr::Literal(ScalarValue::new_zero(ty)?, None)),
    }
}

/// The same of each value that is a float.
pub(super) fn one_zero_of(values: Vec<Expr>, schema: &DFSchema) -> PlanResult<Vec<Expr>> {
    let values = values.into_iter().map(|value| match value.get_type(schema) {
        Ok(ty) if ty.is_floating() => one_zero(value, &ty),
        _ => Ok(value),
    });
    values.collect()
}
