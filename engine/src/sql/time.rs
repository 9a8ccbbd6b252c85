//! Time goes by in microseconds, as in a column of instants: `TIMESTAMP` is one of six digits, and so is `now()`.

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::{Result as PlanResult, ScalarValue};
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::sql::sqlparser::ast::{DataType as SqlType, TimezoneInfo};

pub(super) fn types() -> Arc<dyn TypePlanner> {
    Arc::new(Types)
}

pub(super) fn install(state: &mut SessionState) {
    let now = Now { aliases: vec!["current_timestamp".to_owned()], signature: Signature::nullary(Volatility::Stable) };
    // A session takes every function, and this one in the place of its own.
    let _ = state.register_udf(Arc::new(ScalarUDF::new_from_impl(now)));
}

#[derive(Debug)]
struct Types;

impl TypePlanner for Types {
    fn plan_type_field(&self, ty: &SqlType) -> PlanResult<Option<FieldRef>> {
        let SqlType::Timestamp(None, zone) = ty else { return Ok(None) };
        let zone = match zone {
            TimezoneInfo::None | TimezoneInfo::WithoutTimeZone => None,
            TimezoneInfo::WithTimeZone | TimezoneInfo::Tz => Some("UTC".into()),
        };
        Ok(Some(Arc::new(Field::new("", DataType::Timestamp(TimeUnit::Microsecond, zone), true))))
    }
}

/// The start of the statement.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Now {
    aliases: Vec<String>,
    signature: Signature,
}

impl ScalarUDFImpl for Now {
    fn name(&self) -> &str {
        "now"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> PlanResult<DataType> {
        Ok(DataType::Timestamp(TimeUnit::Microsecond, None))
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> PlanResult<ExprSimplifyResult> {
        Ok(match info.query_execution_start_time() {
            None => ExprSimplifyResult::Original(args),
            Some(now) => {
                let now = ScalarValue::TimestampMicrosecond(Some(now.timestamp_micros()), None);
                ExprSimplifyResult::Simplified(Expr::Literal(now, None))
            }
        })
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> PlanResult<ColumnarValue> {
        Err(datafusion::error::DataFusionError::Internal("the start of a statement is not known".to_owned()))
    }
}
