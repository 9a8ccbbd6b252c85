//! Where an expression of an `UPDATE` or `INSERT` failed: in which column, and in which row.
//!
//! SQL says of an overflow what was added to what, and not where. So once a statement has failed, each of its expressions is
//! worked out by itself, and then for half as many rows, and half of those. Only who fails pays for that.

use std::collections::BTreeSet;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Parens, Query, Select, SelectItem, SetExpr, Statement as SqlStatement, Value, Values,
};
use futures::TryStreamExt;

use super::execute::{Mutation, column_named, hidden, numbers, select, statement_of};
use super::statement::Target;
use super::view::ROW;
use crate::error::{Error, ErrorKind, Result};
use crate::sql::{parse, refused};

/// Rows among which one is looked for; where there are more, only the column is named.
const ROWS_MAX: usize = 1 << 20;

/// The expressions of an `UPDATE`, and what it reads.
pub(super) struct Assigned<'a> {
    pub(super) ty: usize,
    pub(super) type_name: &'a str,
    pub(super) target: &'a Target,
    pub(super) values: Vec<(String, Expr)>,
    pub(super) selection: Option<Expr>,
    pub(super) tables: BTreeSet<String>,
}

/// The query of an `INSERT`, and the columns that it gives values to.
pub(super) struct Sourced<'a> {
    pub(super) type_name: &'a str,
    pub(super) columns: &'a [String],
    pub(super) source: Query,
    pub(super) tables: BTreeSet<String>,
}

impl Mutation<'_> {
    /// The error of an `INSERT` whose query could not be worked out, with the place where that is so. Of a query that sorts, joins
    /// others or takes a part of its rows, nobody can say which row of the result it was.
    pub(super) async fn placed_source(&mut self, sourced: &Sourced<'_>, error: Error) -> Error {
        if error.kind() != ErrorKind::Invalid {
            return error;
        }
        let found = match sourced.source.body.as_ref() {
            SetExpr::Select(select) if is_plain(&sourced.source, select) => self.first_selected(sourced, select).await,
            SetExpr::Values(values) => self.first_of_values(sourced, values).await,
            _ => None,
        };
        match found {
            Some((column, Some(row), failed)) => {
                failed.context(format_args!("{}.{column} in row {row}", sourced.type_name))
            }
            Some((column, None, failed)) => failed.context(format_args!("{}.{column}", sourced.type_name)),
            None => error,
        }
    }

    /// The first column that cannot be worked out, and the first row of it.
    async fn first_selected(
        &mut self,
        sourced: &Sourced<'_>,
        select: &Select,
    ) -> Option<(String, Option<usize>, Error)> {
        for (item, column) in select.projection.iter().zip(sourced.columns) {
            let (SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, alias: _ }) = item else {
                return None;
            };
            let Err(failed) = self.work_out_selected(sourced, select, value.clone()).await else { continue };
            if self.work_out_selected(sourced, select, numbered(value, 0, 0)?).await.is_err() {
                // It fails without any row.
                return Some((column.clone(), None, failed));
            }
            // Twice as many rows until it fails, then half of those.
            let (mut first, mut end, mut found) = (1, 1, None);
            while end <= ROWS_MAX {
                match self.work_out_selected(sourced, select, numbered(value, first, end)?).await {
                    Ok(()) => (first, end) = (end + 1, end * 2),
                    Err(failed) => {
                        found = Some(failed);
                        break;
                    }
                }
            }
            let Some(mut found) = found else { return Some((column.clone(), None, failed)) };
            while first < end {
                let middle = first + (end - first) / 2;
                match self.work_out_selected(sourced, select, numbered(value, first, middle)?).await {
                    Ok(()) => first = middle + 1,
                    Err(failed) => (end, found) = (middle, failed),
                }
            }
            return Some((column.clone(), Some(first), found));
        }
        None
    }

    async fn work_out_selected(&mut self, sourced: &Sourced<'_>, select: &Select, value: Expr) -> Result<()> {
        let mut select = select.clone();
        select.projection = vec![SelectItem::UnnamedExpr(value)];
        self.work_out_source(sourced, SetExpr::Select(Box::new(select))).await
    }

    /// The first row of VALUES that cannot be worked out, and the first cell of it.
    async fn first_of_values(
        &mut self,
        sourced: &Sourced<'_>,
        values: &Values,
    ) -> Option<(String, Option<usize>, Error)> {
        let of = |rows: &[Parens<Vec<Expr>>]| SetExpr::Values(Values { rows: rows.to_vec(), ..values.clone() });
        let (mut first, mut end) = (0, values.rows.len());
        while end - first > 1 {
            let middle = first + (end - first) / 2;
            match self.work_out_source(sourced, of(&values.rows[first..middle])).await {
                Ok(()) => first = middle,
                Err(_) => end = middle,
            }
        }
        let row = values.rows.get(first)?;
        for (cell, column) in row.content.iter().zip(sourced.columns) {
            let cell = Parens { content: vec![cell.clone()], ..row.clone() };
            if let Err(failed) = self.work_out_source(sourced, of(&[cell])).await {
                return Some((column.clone(), Some(first + 1), failed));
            }
        }
        None
    }

    async fn work_out_source(&mut self, sourced: &Sourced<'_>, body: SetExpr) -> Result<()> {
        let query = Query { body: Box::new(body), ..sourced.source.clone() };
        let batches = self.run(statement_of(Box::new(query)), sourced.tables.clone(), None).await?;
        batches.try_for_each(|_| std::future::ready(Ok(()))).await.map_err(refused)
    }

    /// The error of a statement that could not be worked out, with the place where that is so.
    pub(super) async fn placed(&mut self, assigned: &Assigned<'_>, error: Error) -> Error {
        if error.kind() != ErrorKind::Invalid {
            return error;
        }
        let rows = self.rows_of(assigned).await.ok().filter(|rows| rows.len() <= ROWS_MAX);
        for (column, value) in &assigned.values {
            let Err(failed) = self.work_out(assigned, value, None).await else { continue };
            let place = format!("{}.{column}", assigned.type_name);
            let Some(rows) = &rows else { return failed.context(place) };
            return match self.first_of(assigned, value, rows).await {
                Some((row, failed)) => failed.context(format_args!("{place} in row {}", row + 1)),
                None => failed.context(place),
            };
        }
        error
    }

    /// The first of the rows for which `value` cannot be worked out.
    async fn first_of(&mut self, assigned: &Assigned<'_>, value: &Expr, rows: &[u64]) -> Option<(usize, Error)> {
        let (mut first, mut end, mut found) = (0, rows.len(), None);
        while first < end {
            let middle = first + (end - first).div_ceil(2);
            match self.work_out(assigned, value, Some((rows[first], rows[middle - 1]))).await {
                Ok(()) => first = middle,
                Err(failed) if middle - first == 1 => return Some((first, failed)),
                Err(failed) => (end, found) = (middle, Some(failed)),
            }
        }
        found.map(|failed| (first, failed))
    }

    /// The names of the rows that the statement changes, in their order.
    async fn rows_of(&mut self, assigned: &Assigned<'_>) -> Result<Vec<u64>> {
        let query = select(assigned.target, vec![hidden(ROW)], assigned.selection.clone())?;
        let mut batches = self.run(query, assigned.tables.clone(), Some(assigned.ty)).await?;
        let mut rows = Vec::new();
        while let Some(batch) = batches.try_next().await.map_err(refused)? {
            rows.extend(numbers(&batch, ROW)?.values());
            if rows.len() > ROWS_MAX {
                break;
            }
        }
        rows.sort_unstable();
        Ok(rows)
    }

    /// Works `value` out for the rows whose names stand between two, these included, or for all.
    async fn work_out(&mut self, assigned: &Assigned<'_>, value: &Expr, rows: Option<(u64, u64)>) -> Result<()> {
        let within = rows.map(|(first, last)| {
            let bound = |name: u64| Box::new(Expr::value(Value::Number(name.to_string(), false)));
            Expr::Between { expr: Box::new(column_named(ROW)), negated: false, low: bound(first), high: bound(last) }
        });
        let conditions = [within, assigned.selection.clone()].into_iter().flatten();
        let both = |left, right| Expr::BinaryOp {
            left: Box::new(Expr::Nested(Box::new(left))),
            op: BinaryOperator::And,
            right: Box::new(Expr::Nested(Box::new(right))),
        };
        let projection = vec![SelectItem::UnnamedExpr(value.clone())];
        let query = select(assigned.target, projection, conditions.reduce(both))?;
        let batches = self.run(query, assigned.tables.clone(), Some(assigned.ty)).await?;
        batches.try_for_each(|_| std::future::ready(Ok(()))).await.map_err(refused)
    }
}

/// Whether the rows of a query are those of its SELECT, in their order.
fn is_plain(source: &Query, select: &Select) -> bool {
    source.order_by.is_none() && source.limit_clause.is_none() && select.distinct.is_none() && select.qualify.is_none()
}

/// `value` in the rows with these numbers, counted from 1.
fn numbered(value: &Expr, first: usize, last: usize) -> Option<Expr> {
    let sql = format!("SELECT CASE WHEN row_number() OVER () BETWEEN {first} AND {last} THEN NULL END");
    let Statement::Statement(statement) = parse(&sql).ok()?.pop()? else { return None };
    let SqlStatement::Query(query) = *statement else { return None };
    let SetExpr::Select(select) = *query.body else { return None };
    let Some(SelectItem::UnnamedExpr(mut case)) = select.projection.into_iter().next() else { return None };
    let Expr::Case { conditions, .. } = &mut case else { return None };
    conditions.first_mut()?.result = value.clone();
    Some(case)
}
