//! Comparisons say what is so: values of two types are compared as they are, or not at all.
//!
//! DataFusion gives both sides one type first. An integer beside a float becomes a float, so that neighbours beyond 2⁵³ are one; an
//! instant beside a text becomes nanoseconds, which have no room for the years before 1677 and after 2262; a text beside a number is
//! read as one, row by row. So, before it does, and wherever values are compared:
//!
//! - texts and days beside an instant are read as instants, texts beside a day as days ([`moment`]);
//! - a literal takes the other side's type if it is exactly that; numbers of other types are compared by [`exact`];
//! - a text that is no literal is not compared with a number;
//! - a long text is a view, of which one that stands in many rows is there once;
//! - the two zeros of a float are made one where DataFusion would look at bits ([`zero`]).

mod exact;
mod literal;
mod moment;
mod zero;

use std::sync::Arc;

use arrow_schema::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult};
use datafusion::common::{Column, DFSchema, Result as PlanResult, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::{Case, Cast, InList, InSubquery, ScalarFunction};
use datafusion::logical_expr::{
    Between, BinaryExpr, Expr, ExprSchemable, Join, LogicalPlan, LogicalPlanBuilder, Operator, Subquery, not,
};
use datafusion::optimizer::AnalyzerRule;

use super::rewrite::expressions;
use crate::error::Error;

/// Longer constants become views.
const TEXT_BYTES: usize = 256;

/// Aligns what is compared. It goes before types are given.
#[derive(Debug)]
pub(super) struct Comparison;

impl AnalyzerRule for Comparison {
    fn name(&self) -> &'static str {
        "comparison"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> PlanResult<LogicalPlan> {
        plan.transform_up_with_subqueries(rewrite).data()
    }
}

fn rewrite(plan: LogicalPlan) -> PlanResult<Transformed<LogicalPlan>> {
    if let LogicalPlan::Join(join) = &plan {
        require_alike(join)?;
    }
    let views = !matches!(plan, LogicalPlan::Values(_));
    let rewritten = expressions(plan, |expr, schema| match expr {
        Expr::Literal(ScalarValue::Utf8(Some(text)), metadata) if views && text.len() > TEXT_BYTES => {
            Ok(Transformed::yes(Expr::Literal(ScalarValue::Utf8View(Some(text)), metadata)))
        }
        expr => compared(expr, schema),
    })?;
    match rewritten.transformed {
        true => rewritten.map_data(LogicalPlan::recompute_schema),
        false => Ok(rewritten),
    }
}

/// The columns of USING have no place for a conversion.
fn require_alike(join: &Join) -> PlanResult<()> {
    for (left, right) in &join.on {
        let sides = vec![left.clone(), right.clone()];
        let types = vec![left.get_type(join.left.schema())?, right.get_type(join.right.schema())?];
        let before = sides.clone();
        let Alike { values, exact } = Alike::of(sides, types)?;
        if exact || values != before {
            return Err(invalid(
                format!("a join compares {left} with {right}, which are of other types"),
                "join with ON, and CAST one of them to the type of the other",
            ));
        }
    }
    Ok(())
}

fn compared(expr: Expr, schema: &DFSchema) -> PlanResult<Transformed<Expr>> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(op) => {
            Ok(Transformed::yes(pair(*left, op, *right, schema)?))
        }
        Expr::Between(Between { expr, negated, low, high }) => {
            let Alike { values, exact } = Alike::of_values(vec![*expr, *low, *high], schema)?;
            let [value, low, high] = three(values)?;
            if !exact {
                let between = Between::new(Box::new(value), negated, Box::new(low), Box::new(high));
                return Ok(Transformed::yes(Expr::Between(between)));
            }
            require_simple(&value)?;
            let from = pair(value.clone(), Operator::GtEq, low, schema)?;
            let within = from.and(pair(value, Operator::LtEq, high, schema)?);
            Ok(Transformed::yes(if negated { not(within) } else { within }))
        }
        Expr::InList(InList { expr, list, negated }) => {
            let Alike { mut values, exact } = Alike::of_values([*expr].into_iter().chain(list).collect(), schema)?;
            let items = values.split_off(1);
            let value = one(values)?;
            if !exact {
                return Ok(Transformed::yes(Expr::InList(InList::new(Box::new(value), items, negated))));
            }
            require_simple(&value)?;
            let found = items.into_iter().map(|item| pair(value.clone(), Operator::Eq, item, schema));
            let found = any(found.collect::<PlanResult<_>>()?);
            Ok(Transformed::yes(if negated { not(found) } else { found }))
        }
        Expr::Case(case) => Ok(Transformed::yes(Expr::Case(results(whens(case, schema)?, schema)?))),
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.name() == "nullif" && args.len() == 2 => {
            let Alike { values, exact } = Alike::of_values(args, schema)?;
            if exact {
                return Err(apart());
            }
            let values = zero::one_zero_of(values, schema)?;
            Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction::new_udf(func, values))))
        }
        Expr::ScalarFunction(ScalarFunction { func, args })
            if ["coalesce", "greatest", "ifnull", "least", "nvl"].contains(&func.name()) =>
        {
            let args = moment::alike(args, schema)?;
            Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction::new_udf(func, args))))
        }
        Expr::InSubquery(membership) => Ok(Transformed::yes(Expr::InSubquery(member(membership, schema)?))),
        expr => Ok(Transformed::no(expr)),
    }
}

fn is_comparison(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

fn pair(left: Expr, op: Operator, right: Expr, schema: &DFSchema) -> PlanResult<Expr> {
    let Alike { values, exact } = Alike::of_values(vec![left, right], schema)?;
    let [left, right] = two(values)?;
    Ok(match exact {
        true => exact::comparison(left, op, right),
        false => Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right))),
    })
}

/// `CASE value WHEN …`.
fn whens(case: Case, schema: &DFSchema) -> PlanResult<Case> {
    let Case { expr: Some(value), when_then_expr, else_expr } = case else { return Ok(case) };
    let (whens, thens): (Vec<Expr>, Vec<Box<Expr>>) =
        when_then_expr.into_iter().map(|(when, then)| (*when, then)).unzip();
    let Alike { mut values, exact } = Alike::of_values([*value].into_iter().chain(whens).collect(), schema)?;
    if !exact {
        values = zero::one_zero_of(values, schema)?;
        let whens = values.split_off(1).into_iter().map(Box::new);
        return Ok(Case { expr: Some(Box::new(one(values)?)), when_then_expr: whens.zip(thens).collect(), else_expr });
    }
    let whens = values.split_off(1);
    let value = one(values)?;
    require_simple(&value)?;
    let whens = whens.into_iter().map(|when| pair(value.clone(), Operator::Eq, when, schema).map(Box::new));
    let when_then_expr = whens.collect::<PlanResult<Vec<_>>>()?.into_iter().zip(thens).collect();
    Ok(Case { expr: None, when_then_expr, else_expr })
}

/// What a CASE gives.
fn results(case: Case, schema: &DFSchema) -> PlanResult<Case> {
    let Case { expr, when_then_expr, else_expr } = case;
    let (whens, thens): (Vec<Box<Expr>>, Vec<Expr>) =
        when_then_expr.into_iter().map(|(when, then)| (when, *then)).unzip();
    let count = thens.len();
    let mut given = moment::alike(thens.into_iter().chain(else_expr.map(|expr| *expr)).collect(), schema)?;
    let else_expr = given.split_off(count).pop().map(Box::new);
    Ok(Case { expr, when_then_expr: whens.into_iter().zip(given.into_iter().map(Box::new)).collect(), else_expr })
}

/// `value IN (SELECT …)`.
fn member(membership: InSubquery, schema: &DFSchema) -> PlanResult<InSubquery> {
    let InSubquery { expr, subquery, negated } = membership;
    let Subquery { subquery: rows, outer_ref_columns, spans } = subquery;
    let (qualifier, field) = rows.schema().qualified_field(0);
    let (item, name) = (Expr::Column(Column::from((qualifier, field))), field.name().clone());
    let Ok(ty) = expr.get_type(schema) else {
        let subquery = Subquery { subquery: rows, outer_ref_columns, spans };
        return Ok(InSubquery { expr, subquery, negated });
    };
    let types = vec![ty, field.data_type().clone()];
    let Alike { values, exact } = Alike::of(vec![*expr, item.clone()], types.clone())?;
    if exact {
        return Err(apart());
    }
    let [mut value, mut aligned] = two(values)?;
    if types.iter().all(DataType::is_floating) {
        (value, aligned) = (zero::one_zero(value, &types[0])?, zero::one_zero(aligned, &types[1])?);
    }
    let subquery = match aligned == item {
        true => rows,
        false => Arc::new(LogicalPlanBuilder::from(rows.as_ref().clone()).project([aligned.alias(name)])?.build()?),
    };
    Ok(InSubquery { expr: Box::new(value), subquery: Subquery { subquery, outer_ref_columns, spans }, negated })
}

/// Values that are compared with the first of them.
struct Alike {
    values: Vec<Expr>,
    /// They are numbers that have no type in common.
    exact: bool,
}

impl Alike {
    fn of_values(values: Vec<Expr>, schema: &DFSchema) -> PlanResult<Alike> {
        match values.iter().map(|value| value.get_type(schema)).collect() {
            Ok(types) => Alike::of(values, types),
            // What has no type yet, types are about to refuse.
            Err(_) => Ok(Alike { values, exact: false }),
        }
    }

    fn of(values: Vec<Expr>, types: Vec<DataType>) -> PlanResult<Alike> {
        if let Some(ty) = moment::common(&types) {
            return Ok(Alike { values: moment::read(values, &types, &ty), exact: false });
        }
        let of_rows = |at: &usize| !matches!(values[*at], Expr::Literal(..)) && types[*at] != DataType::Null;
        let first = (0..values.len()).find(of_rows).unwrap_or_default();
        let ty = types[first].clone();
        let literals = values.into_iter().zip(&types).map(|(value, own)| match value {
            Expr::Literal(literal, metadata) => {
                let literal = literal::as_of(&literal, &ty)?.unwrap_or(literal);
                Ok((literal.data_type(), Expr::Literal(literal, metadata)))
            }
            value => Ok((own.clone(), value)),
        });
        let (types, values): (Vec<DataType>, Vec<Expr>) = literals.collect::<PlanResult<Vec<_>>>()?.into_iter().unzip();
        let has = |is: fn(&DataType) -> bool| types.iter().any(is);
        if has(DataType::is_numeric) && has(DataType::is_string) {
            return Err(invalid(
                "a text is compared with a number".to_owned(),
                "CAST one of them to the type of the other",
            ));
        }
        Ok(Alike { values, exact: has(DataType::is_floating) && has(|ty| ty.is_numeric() && !ty.is_floating()) })
    }
}

/// Whether one of them holds, as a tree of little depth.
fn any(mut conditions: Vec<Expr>) -> Expr {
    while conditions.len() > 1 {
        let mut rest = conditions.into_iter();
        conditions = Vec::new();
        while let Some(first) = rest.next() {
            conditions.push(rest.next().into_iter().fold(first, Expr::or));
        }
    }
    conditions.pop().unwrap_or_else(|| datafusion::logical_expr::lit(false))
}

/// Fails for a value that is too much to be worked out several times.
fn require_simple(value: &Expr) -> PlanResult<()> {
    match value {
        Expr::Column(_) | Expr::Literal(..) | Expr::OuterReferenceColumn(..) => Ok(()),
        Expr::Cast(Cast { expr, field: _ }) => require_simple(expr),
        _ => Err(apart()),
    }
}

fn apart() -> DataFusionError {
    invalid(
        "floats are compared with whole numbers or decimals where that is not carried out".to_owned(),
        "CAST one of them to the type of the other",
    )
}

fn invalid(message: String, advice: &'static str) -> DataFusionError {
    DataFusionError::External(Box::new(Error::invalid(message).with_advice(advice)))
}

fn one(values: Vec<Expr>) -> PlanResult<Expr> {
    let [value] = counted(values)?;
    Ok(value)
}

fn two(values: Vec<Expr>) -> PlanResult<[Expr; 2]> {
    counted(values)
}

fn three(values: Vec<Expr>) -> PlanResult<[Expr; 3]> {
    counted(values)
}

/// As many as went in come out.
fn counted<const N: usize>(values: Vec<Expr>) -> PlanResult<[Expr; N]> {
    values.try_into().map_err(|_| DataFusionError::Internal("values of a comparison were lost".to_owned()))
}
