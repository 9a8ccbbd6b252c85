//! Queries: common table expressions, set operations, order and limits.

use std::collections::HashMap;

use datafusion::sql::sqlparser::ast::{
    Cte, Expr, LimitClause, Offset, OffsetRows, OrderBy, OrderByExpr, OrderByKind, OrderByOptions, Parens, Query,
    SetExpr, SetOperator, SetQuantifier, Values, With,
};

use super::{Common, Reach, Walk, refused, without};
use crate::error::{Error, Result};
use crate::sql::limit::WITH_NESTING_MAX;

impl Walk {
    pub(super) fn query(&mut self, query: &Query) -> Result<Reach> {
        let Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        without(&[
            (fetch.is_some(), "FETCH: use LIMIT instead; it"),
            (!locks.is_empty(), "FOR UPDATE or FOR SHARE"),
            (for_clause.is_some(), "FOR XML or FOR JSON"),
            (settings.is_some(), "SETTINGS"),
            (format_clause.is_some(), "FORMAT"),
            (!pipe_operators.is_empty(), "the pipe operator |>"),
        ])?;
        self.deeper(|walk| {
            walk.scopes.push(HashMap::new());
            if let Some(with) = with {
                walk.with(with)?;
            }
            let reach = walk.body(body)?;
            if let Some(order_by) = order_by {
                walk.order_by(order_by)?;
            }
            if let Some(limit) = limit_clause {
                walk.limit(limit)?;
            }
            walk.scopes.pop();
            Ok(reach)
        })
    }

    fn with(&mut self, with: &With) -> Result<()> {
        let With { with_token: _, recursive, cte_tables } = with;
        self.withs += 1;
        if self.withs > WITH_NESTING_MAX {
            return Err(Error::invalid(format!("WITH nests more than {WITH_NESTING_MAX} levels deep")));
        }
        for table in cte_tables {
            let Cte { alias, query, from, materialized, closing_paren_token: _ } = table;
            without(&[
                (from.is_some(), "FROM after a common table expression"),
                (materialized.is_some(), "MATERIALIZED"),
            ])?;
            let name = self.alias(alias)?;
            if *recursive {
                // What it made so far is held as a table.
                self.see(name, Common { tables: 1, reach: Reach::STORED });
            }
            // It is planned anew wherever it is named, and costs nothing where it is not.
            let before = self.tables;
            let reach = self.query(query)?;
            let common = Common { tables: self.tables - before, reach };
            self.tables = before;
            self.see(name, common);
        }
        self.withs -= 1;
        Ok(())
    }

    fn see(&mut self, name: &str, common: Common) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), common);
        }
    }

    fn body(&mut self, body: &SetExpr) -> Result<Reach> {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::Query(query) => self.query(query),
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                set_operation(*op, *set_quantifier)?;
                self.deeper(|walk| Ok(walk.body(left)?.max(walk.body(right)?)))
            }
            SetExpr::Values(values) => {
                let Values { explicit_row, value_keyword, rows } = values;
                without(&[(*explicit_row, "VALUES ROW"), (*value_keyword, "VALUE instead of VALUES")])?;
                self.count_tables(1)?;
                for Parens { opening_token: _, content, closing_token: _ } in rows {
                    self.expressions(content)?;
                }
                Ok(Reach::STORED)
            }
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Err(refused("a statement that changes rows, within a query"))
            }
            SetExpr::Table(_) => Err(refused("TABLE: use SELECT * FROM instead; it")),
        }
    }

    fn order_by(&mut self, order_by: &OrderBy) -> Result<()> {
        let OrderBy { kind, interpolate } = order_by;
        without(&[(interpolate.is_some(), "INTERPOLATE")])?;
        match kind {
            OrderByKind::All(_) => Err(refused("ORDER BY ALL")),
            OrderByKind::Expressions(expressions) => self.order(expressions),
        }
    }

    pub(super) fn order(&mut self, order: &[OrderByExpr]) -> Result<()> {
        for OrderByExpr { expr, options, with_fill } in order {
            let OrderByOptions { asc: _, nulls_first: _ } = options;
            without(&[(with_fill.is_some(), "WITH FILL")])?;
            self.expression(expr)?;
        }
        Ok(())
    }

    fn limit(&mut self, limit: &LimitClause) -> Result<()> {
        match limit {
            LimitClause::LimitOffset { limit, offset, limit_by } => {
                without(&[(!limit_by.is_empty(), "LIMIT BY")])?;
                let offset: Option<&Expr> = offset.as_ref().map(|Offset { value, rows }| match rows {
                    OffsetRows::None | OffsetRows::Row | OffsetRows::Rows => value,
                });
                self.expressions(limit.iter().chain(offset))
            }
            LimitClause::OffsetCommaLimit { offset: _, limit: _ } => {
                Err(refused("LIMIT with a comma: use LIMIT and OFFSET instead; it"))
            }
        }
    }
}

fn set_operation(op: SetOperator, quantifier: SetQuantifier) -> Result<()> {
    match (op, quantifier) {
        (SetOperator::Union, SetQuantifier::All | SetQuantifier::Distinct | SetQuantifier::None)
        | (SetOperator::Except | SetOperator::Intersect, SetQuantifier::Distinct | SetQuantifier::None) => Ok(()),
        // DataFusion carries these out as joins that count rows wrongly.
        (SetOperator::Except | SetOperator::Intersect, SetQuantifier::All) => Err(refused(format_args!("{op} ALL"))),
        (_, SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName) => {
            Err(refused(format_args!("{op} BY NAME")))
        }
        (SetOperator::Minus, _) => Err(refused("MINUS: use EXCEPT instead; it")),
    }
}
