//! One SELECT.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Distinct, Expr, GroupByExpr, NamedWindowDefinition, NamedWindowExpr, Select, SelectFlavor,
    SelectItem, SelectItemQualifiedWildcardKind, WildcardAdditionalOptions, visit_expressions,
};

use super::{Reach, Walk, refused, without};
use crate::error::{Error, Result};

impl Walk {
    pub(super) fn select(&mut self, select: &Select) -> Result<Reach> {
        let Select {
            select_token: _,
            optimizer_hints,
            distinct,
            select_modifiers,
            top,
            top_before_distinct: _,
            projection,
            exclude,
            into,
            from,
            lateral_views,
            prewhere,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify,
            window_before_qualify: _,
            value_table_mode,
            flavor,
        } = select;
        without(&[
            (!optimizer_hints.is_empty(), "an optimizer hint"),
            (select_modifiers.is_some(), "a modifier after SELECT"),
            (top.is_some(), "TOP: use LIMIT instead; it"),
            (exclude.is_some(), "EXCLUDE"),
            (into.is_some(), "SELECT INTO"),
            (!lateral_views.is_empty(), "LATERAL VIEW"),
            (prewhere.is_some(), "PREWHERE"),
            (!connect_by.is_empty(), "CONNECT BY"),
            (!cluster_by.is_empty(), "CLUSTER BY"),
            (!distribute_by.is_empty(), "DISTRIBUTE BY"),
            (!sort_by.is_empty(), "SORT BY"),
            (value_table_mode.is_some(), "SELECT AS"),
            (matches!(flavor, SelectFlavor::FromFirst | SelectFlavor::FromFirstNoSelect), "FROM before SELECT"),
        ])?;
        match distinct {
            None | Some(Distinct::All | Distinct::Distinct) => {}
            Some(Distinct::On(expressions)) => self.expressions(expressions)?,
        }
        let mut source = Reach::STORED;
        for table in from {
            source = source.max(self.table_with_joins(table)?);
        }
        if from.is_empty() {
            self.count_tables(1)?;
        }
        let mut reach = source;
        for item in projection {
            let before = self.references;
            self.item(item)?;
            reach = reach.max(source.through(self.references - before)?);
        }
        self.expressions(selection)?;
        self.group_by(group_by)?;
        self.expressions(having)?;
        if let (Some(having), GroupByExpr::Expressions(groups, _)) = (having, group_by)
            && groups.is_empty()
        {
            asks_of_the_group(having)?;
        }
        self.expressions(qualify)?;
        for NamedWindowDefinition(_, window) in named_window {
            match window {
                NamedWindowExpr::NamedWindow(_) => return Err(refused("a window that is named after another")),
                NamedWindowExpr::WindowSpec(window) => self.window(window)?,
            }
        }
        Ok(reach)
    }

    fn item(&mut self, item: &SelectItem) -> Result<()> {
        match item {
            SelectItem::UnnamedExpr(expr) => self.expression(expr),
            SelectItem::ExprWithAlias { expr, alias: _ } => self.expression(expr),
            SelectItem::ExprWithAliases { expr: _, aliases: _ } => Err(refused("several names of one column")),
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(_), options) => wildcard(options),
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(_), _) => {
                Err(refused("an expression before .*"))
            }
            SelectItem::Wildcard(options) => wildcard(options),
        }
    }

    fn group_by(&mut self, group_by: &GroupByExpr) -> Result<()> {
        match group_by {
            GroupByExpr::All(_) => Err(refused("GROUP BY ALL")),
            GroupByExpr::Expressions(expressions, modifiers) => {
                without(&[(!modifiers.is_empty(), "WITH ROLLUP, CUBE, TOTALS or GROUPING SETS after GROUP BY")])?;
                for expression in expressions {
                    match expression {
                        Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => {
                            self.expressions(sets.iter().flatten())?;
                        }
                        expression => self.expression(expression)?,
                    }
                }
                Ok(())
            }
        }
    }
}

pub(super) fn wildcard(options: &WildcardAdditionalOptions) -> Result<()> {
    let WildcardAdditionalOptions {
        wildcard_token: _,
        opt_ilike,
        opt_exclude,
        opt_except,
        opt_replace,
        opt_rename,
        opt_alias,
    } = options;
    without(&[
        (opt_ilike.is_some(), "* ILIKE"),
        (opt_exclude.is_some(), "* EXCLUDE"),
        (opt_except.is_some(), "* EXCEPT"),
        (opt_replace.is_some(), "* REPLACE"),
        (opt_rename.is_some(), "* RENAME"),
        (opt_alias.is_some(), "an alias of *"),
    ])
}

/// Refuses a condition of `HAVING` that asks nothing of the one group that there is without `GROUP BY`: DataFusion asks it of the rows
/// below, and then the group is there all the same.
fn asks_of_the_group(having: &Expr) -> Result<()> {
    match having {
        Expr::Nested(inner) => asks_of_the_group(inner),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            asks_of_the_group(left)?;
            asks_of_the_group(right)
        }
        condition => {
            let asks = visit_expressions(condition, |part| match part {
                Expr::Function(_) | Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            });
            match asks {
                ControlFlow::Break(()) => Ok(()),
                ControlFlow::Continue(()) => {
                    Err(Error::invalid("a condition of HAVING without GROUP BY asks nothing of the group")
                        .with_advice("write it in WHERE of a query around this one"))
                }
            }
        }
    }
}
