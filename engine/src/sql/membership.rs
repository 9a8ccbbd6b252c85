//! `IN (SELECT …)` as SQL means it where values are missing.
//!
//! DataFusion makes joins of `IN` that know true and false alone. That is right where an unknown outcome counts as false:
//! a condition of WHERE or HAVING, reached through AND and OR. `NOT IN`, and `IN` anywhere else, become conditions with
//! EXISTS, which is never unknown.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema, ExprSchema, Result as PlanResult, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable, Filter, LogicalPlan, LogicalPlanBuilder, Operator, Subquery, lit, not, when,
};
use datafusion::optimizer::AnalyzerRule;

use crate::error::Error;

pub(super) fn install(state: &mut SessionState) {
    state.add_analyzer_rule(Arc::new(Membership));
}

#[derive(Debug)]
struct Membership;

impl AnalyzerRule for Membership {
    fn name(&self) -> &'static str {
        "membership"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> PlanResult<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| match plan {
            LogicalPlan::Filter(Filter { predicate, input, .. }) if has_membership(&predicate) => {
                let predicate = condition(predicate, input.schema())?;
                Ok(Transformed::yes(LogicalPlan::Filter(Filter::try_new(predicate, input)?)))
            }
            LogicalPlan::Filter(_) => Ok(Transformed::no(plan)),
            plan => elsewhere(plan),
        })
        .data()
    }
}

fn has_membership(expr: &Expr) -> bool {
    expr.exists(|expr| Ok(matches!(expr, Expr::InSubquery(_)))).unwrap_or(true)
}

/// No join can be made of these.
fn elsewhere(plan: LogicalPlan) -> PlanResult<Transformed<LogicalPlan>> {
    let names = NamePreserver::new(&plan);
    plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let found = expr.exists(|expr| Ok(matches!(expr, Expr::InSubquery(_) | Expr::Exists(_))))?;
        if found {
            let error = Error::invalid("IN (SELECT …) and EXISTS stand in WHERE and in HAVING")
                .with_advice("elsewhere use a scalar subquery that counts, as in (SELECT count(*) FROM …) > 0");
            return Err(DataFusionError::External(Box::new(error)));
        }
        Ok(Transformed::no(name.restore(expr)))
    })
}

/// A condition for which unknown counts as false.
fn condition(expr: Expr, schema: &DFSchema) -> PlanResult<Expr> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right }) => {
            let (left, right) = (condition(*left, schema)?, condition(*right, schema)?);
            Ok(Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right))))
        }
        Expr::Not(inner) => match *inner {
            Expr::InSubquery(mut inner) => {
                inner.negated = !inner.negated;
                condition(Expr::InSubquery(inner), schema)
            }
            inner => exact(not(inner), schema),
        },
        Expr::InSubquery(InSubquery { expr, subquery, negated: true }) => Parts::of(*expr, &subquery, schema)?.absent(),
        Expr::InSubquery(_) => Ok(expr),
        expr => exact(expr, schema),
    }
}

/// An expression of which true, false and unknown are told apart.
fn exact(expr: Expr, schema: &DFSchema) -> PlanResult<Expr> {
    expr.transform_up(|expr| match expr {
        Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
            Ok(Transformed::yes(Parts::of(*expr, &subquery, schema)?.known(!negated)?))
        }
        expr => Ok(Transformed::no(expr)),
    })
    .data()
}

/// What `value IN (rows)` is made of.
struct Parts {
    /// One of the rows is the value.
    found: Expr,
    /// The value is not found, and may be one that is missing; `None` when nothing can be missing.
    unknown: Option<Expr>,
}

impl Parts {
    fn of(value: Expr, subquery: &Subquery, schema: &DFSchema) -> PlanResult<Parts> {
        let rows = subquery.subquery.as_ref();
        let (qualifier, field) = rows.schema().qualified_field(0);
        let item = Expr::Column(Column::from((qualifier, field)));
        let outer = value.clone().transform_up(|expr| match expr {
            Expr::Column(column) => {
                let field = Arc::clone(schema.field_from_column(&column)?);
                Ok(Transformed::yes(Expr::OuterReferenceColumn(field, column)))
            }
            Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_) => {
                let error = Error::invalid("a subquery before NOT IN (SELECT …) is not supported")
                    .with_advice("use NOT EXISTS");
                Err(DataFusionError::External(Box::new(error)))
            }
            expr => Ok(Transformed::no(expr)),
        });
        let found = exists(rows, Some(outer.data()?.eq(item.clone())))?;
        let missing_item = match field.is_nullable() {
            true => Some(exists(rows, Some(item.is_null()))?),
            false => None,
        };
        let missing_value = match value.nullable(schema)? {
            true => Some(value.is_null().and(exists(rows, None)?)),
            false => None,
        };
        Ok(Parts { found, unknown: missing_item.into_iter().chain(missing_value).reduce(Expr::or) })
    }

    /// Whether the value certainly is none of the rows.
    fn absent(self) -> PlanResult<Expr> {
        let possible = [self.found].into_iter().chain(self.unknown).map(negated);
        Ok(possible.reduce(Expr::and).unwrap_or_else(|| lit(true)))
    }

    /// `outcome` when found, unknown when that cannot be said, else the opposite.
    fn known(self, outcome: bool) -> PlanResult<Expr> {
        let Some(unknown) = self.unknown else {
            return Ok(if outcome { self.found } else { negated(self.found) });
        };
        when(self.found, lit(outcome)).when(unknown, lit(ScalarValue::Boolean(None))).otherwise(lit(!outcome))
    }
}

/// The opposite of what is never unknown, with NOT where DataFusion makes an anti join of it.
fn negated(expr: Expr) -> Expr {
    match expr {
        Expr::Exists(Exists { subquery, negated }) => Expr::Exists(Exists { subquery, negated: !negated }),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => negated(*left).or(negated(*right)),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => negated(*left).and(negated(*right)),
        Expr::IsNull(inner) => Expr::IsNotNull(inner),
        expr => not(expr),
    }
}

/// Whether there is a row of which that holds.
fn exists(rows: &LogicalPlan, condition: Option<Expr>) -> PlanResult<Expr> {
    let mut rows = LogicalPlanBuilder::from(rows.clone());
    if let Some(condition) = condition {
        rows = rows.filter(condition)?;
    }
    let plan = rows.build()?;
    let outer_ref_columns = plan.all_out_ref_exprs();
    let plan = match outer_ref_columns.is_empty() {
        // One row says as much as all of them.
        true => LogicalPlanBuilder::from(plan).limit(0, Some(1))?.build()?,
        false => plan,
    };
    let subquery = Subquery { subquery: Arc::new(plan), outer_ref_columns, spans: Default::default() };
    Ok(Expr::Exists(Exists { subquery, negated: false }))
}
