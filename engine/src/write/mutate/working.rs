//! A table as the statements so far have left it: committed rows without those that are removed, and pending rows.

use std::sync::Arc;

use arrow_array::{Array, BooleanArray, RecordBatch, UInt64Array};
use arrow_schema::SchemaRef;
use arrow_select::filter::filter_record_batch;
use datafusion::catalog::TableProvider;
use roaring::RoaringTreemap;

use super::pack::{Packing, is_moved, origins, unexpected};
use super::pile::{Budget, PENDING, Pile};
use super::view::View;
use crate::error::{Error, Result};
use crate::sql::table_provider;
use crate::table::Table;

pub(super) struct Working {
    pub(super) ty: usize,
    pub(super) table: Table,
    /// Addresses of committed rows that are taken away.
    removed: Arc<RoaringTreemap>,
    pending: Pile,
    /// Whether rows were inserted, which nobody has compared with others yet.
    is_unchecked: bool,
}

/// The rows that one statement takes away. They stay where they are until it has seen all that it looks at.
#[derive(Default)]
pub(super) struct Taken {
    committed: RoaringTreemap,
    pending: RoaringTreemap,
}

impl Taken {
    /// Adds rows by the names that a view gave them.
    pub(super) fn add(&mut self, rows: &UInt64Array) -> Result<()> {
        for row in rows.values() {
            let is_new = match row & PENDING {
                0 => self.committed.insert(*row),
                _ => self.pending.insert(row & !PENDING),
            };
            if !is_new {
                return Err(Error::internal("a statement was given a row twice"));
            }
        }
        Ok(())
    }
}

/// Pending rows that are left at the end, as they are kept; those that are new apart from those that replace.
pub(super) struct Left {
    /// In the columns of the table, but for its vectors.
    pub(super) rows: RecordBatch,
    pub(super) statement: u64,
    pub(super) kind: Leftover,
}

/// What pending rows are to committed ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leftover {
    /// Rows that were not there before.
    New,
    /// Rows with the identity of the rows that they take the place of.
    Updated,
    /// Rows that have, or had in between, another identity than the rows that they take the place of.
    Moved,
}

impl Working {
    pub(super) fn new(ty: usize, table: Table, schema: SchemaRef, budget: Arc<Budget>) -> Self {
        let pending = Pile::new(Arc::new(Packing::new(schema)), budget);
        Working { ty, table, removed: Arc::default(), pending, is_unchecked: false }
    }

    pub(super) fn packing(&self) -> &Arc<Packing> {
        self.pending.packing()
    }

    pub(super) fn is_changed(&self) -> bool {
        !self.removed.is_empty() || self.pending.alive() > 0
    }

    /// Whether two rows may have one identity for now.
    pub(super) fn is_unchecked(&self) -> bool {
        self.is_unchecked
    }

    pub(super) fn removed(&self) -> &RoaringTreemap {
        &self.removed
    }

    pub(super) fn pending_rows(&self) -> u64 {
        self.pending.alive()
    }

    /// Adds new rows.
    pub(super) fn insert(&mut self, rows: &RecordBatch, statement: u64) -> Result<()> {
        self.is_unchecked = true;
        self.pending.push(rows, UInt64Array::new_null(rows.num_rows()), statement)
    }

    /// Adds rows that take the place of others, with the origins of those.
    pub(super) fn replace(&mut self, rows: &RecordBatch, origin: UInt64Array, statement: u64) -> Result<()> {
        self.pending.push(rows, origin, statement)
    }

    pub(super) fn take(&mut self, taken: Taken) {
        self.pending.bury(&taken.pending);
        if !taken.committed.is_empty() {
            *Arc::make_mut(&mut self.removed) |= taken.committed;
        }
    }

    /// Every pending row that is left, piece by piece.
    pub(super) fn left(&self) -> impl Iterator<Item = Result<Left>> + use<> {
        self.pending.frozen().into_pieces().flat_map(|(piece, dead)| {
            let parts = piece.read().and_then(|rows| {
                let numbers = piece.first..piece.first + piece.rows;
                let alive: Vec<bool> = numbers.map(|number| !dead.contains(number)).collect();
                parts(&rows, &alive, piece.statement)
            });
            match parts {
                Ok(parts) => parts.into_iter().map(Ok).collect::<Vec<_>>(),
                Err(error) => vec![Err(error)],
            }
        })
    }

    /// The table as it is now, for SQL; with the columns that name rows where rows are to be changed.
    pub(super) fn view(&self, with_row: bool) -> Arc<dyn TableProvider> {
        let is_as_committed = self.removed.is_empty() && self.pending.is_untouched();
        if is_as_committed && !with_row && !self.table.is_empty() {
            return table_provider(self.table.dataset(), false);
        }
        let committed = (!self.table.is_empty()).then(|| table_provider(self.table.dataset(), true));
        Arc::new(View::new(committed, Arc::clone(&self.removed), self.pending.frozen(), with_row))
    }
}

fn parts(rows: &RecordBatch, alive: &[bool], statement: u64) -> Result<Vec<Left>> {
    let origins = origins(rows)?;
    let kind_of = |row: usize| match origins.is_valid(row).then(|| is_moved(origins.value(row))) {
        None => Leftover::New,
        Some(false) => Leftover::Updated,
        Some(true) => Leftover::Moved,
    };
    let mut parts = Vec::new();
    for kind in [Leftover::New, Leftover::Updated, Leftover::Moved] {
        let keep: BooleanArray =
            alive.iter().enumerate().map(|(row, alive)| Some(*alive && kind_of(row) == kind)).collect();
        if keep.has_true() {
            let rows =
                if keep.has_false() { filter_record_batch(rows, &keep).map_err(unexpected)? } else { rows.clone() };
            parts.push(Left { rows, statement, kind });
        }
    }
    Ok(parts)
}
