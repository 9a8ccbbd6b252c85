//! Where an expression of an `UPDATE` failed: in which column, and in which row.
//!
//! SQL says of an overflow what was added to what, and not where. So once a statement has failed, each of its expressions is
//! worked out by itself, and then for half as many rows, and half of those. Only who fails pays for that.

use std::collections::BTreeSet;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, SelectItem, Value};
use futures::TryStreamExt;

use super::execute::{Mutation, column_named, hidden, numbers, select};
use super::statement::Target;
use super::view::ROW;
use crate::error::{Error, ErrorKind, Result};
use crate::sql::refused;

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

impl Mutation<'_> {
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
