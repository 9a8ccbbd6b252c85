//! A table as the statements so far have left it: committed rows without those that are removed, and pending rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::filter::filter_record_batch;
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::common::Column;
use datafusion::logical_expr::Expr;
use datafusion::prelude::{DataFrame, SessionContext, lit};

use crate::error::{Error, Result};
use crate::query::refused;
use crate::sql::table_provider;
use crate::table::Table;

/// The column that names a row of a view: an address, or a pending row's number with [`PENDING`] set.
pub(super) const ROW: &str = "__row";
/// Set in the name of a pending row. Addresses never have it: fragment ids are counted from zero.
const PENDING: u64 = 1 << 63;

pub(super) struct Working {
    pub(super) ty: usize,
    pub(super) table: Table,
    schema: SchemaRef,
    /// Addresses of committed rows that are taken away.
    pub(super) removed: BTreeSet<u64>,
    pending: Vec<Pending>,
    pending_rows: u64,
}

/// Rows that one statement made.
struct Pending {
    batch: RecordBatch,
    /// The number of its first row.
    first: u64,
    alive: Vec<bool>,
    /// The committed row that each takes the place of.
    origin: Vec<Option<u64>>,
    statement: u64,
}

/// Pending rows that are left at the end.
pub(super) struct Left {
    pub(super) batch: RecordBatch,
    pub(super) statement: u64,
    /// Whether they take the place of committed rows.
    pub(super) updated: bool,
}

impl Working {
    pub(super) fn new(ty: usize, table: Table, schema: SchemaRef) -> Self {
        Working { ty, table, schema, removed: BTreeSet::new(), pending: Vec::new(), pending_rows: 0 }
    }

    pub(super) fn is_changed(&self) -> bool {
        !self.removed.is_empty() || self.pending.iter().any(|pending| pending.alive.contains(&true))
    }

    /// Adds rows; `origin` gives for each the committed row that it takes the place of.
    pub(super) fn push(&mut self, batch: RecordBatch, origin: Vec<Option<u64>>, statement: u64) {
        let rows = batch.num_rows();
        let pending = Pending { batch, first: self.pending_rows, alive: vec![true; rows], origin, statement };
        self.pending.push(pending);
        self.pending_rows += rows as u64;
    }

    /// Takes the row of that name away. Gives the committed row that it was, or took the place of.
    pub(super) fn take(&mut self, row: u64) -> Option<u64> {
        if row & PENDING == 0 {
            self.removed.insert(row);
            return Some(row);
        }
        let number = row & !PENDING;
        let at = self.pending.partition_point(|pending| pending.first + pending.alive.len() as u64 <= number);
        let pending = self.pending.get_mut(at)?;
        let within = (number - pending.first) as usize;
        pending.alive[within] = false;
        pending.origin[within]
    }

    /// The pending rows that are left, those that are new apart from those that replace.
    pub(super) fn left(&self) -> Result<Vec<Left>> {
        let mut left = Vec::new();
        for pending in &self.pending {
            for updated in [false, true] {
                let keep = pending.alive.iter().zip(&pending.origin);
                let keep: BooleanArray =
                    keep.map(|(alive, origin)| Some(*alive && origin.is_some() == updated)).collect();
                if keep.true_count() > 0 {
                    let batch = filter_record_batch(&pending.batch, &keep).map_err(unexpected)?;
                    left.push(Left { batch, statement: pending.statement, updated });
                }
            }
        }
        Ok(left)
    }

    /// The table as it is now, for SQL; with the column [`ROW`] where rows are to be changed.
    pub(super) fn view(&self, context: &SessionContext, with_row: bool) -> Result<Arc<dyn TableProvider>> {
        let pending = self.pending_table(with_row)?;
        let Some(committed) = self.committed(context, with_row)? else { return Ok(Arc::new(pending)) };
        if self.pending_rows == 0 {
            return Ok(committed.into_view());
        }
        let pending = context.read_table(Arc::new(pending)).map_err(refused)?;
        Ok(committed.union(pending).map_err(refused)?.into_view())
    }

    /// The committed rows that are not removed; `None` when there is none at all.
    fn committed(&self, context: &SessionContext, with_row: bool) -> Result<Option<DataFrame>> {
        if self.table.is_empty() {
            return Ok(None);
        }
        let addressed = with_row || !self.removed.is_empty();
        let provider = table_provider(self.table.dataset(), addressed);
        let mut rows = context.read_table(provider).map_err(refused)?;
        let address = Expr::Column(Column::from_name("_rowaddr"));
        if !self.removed.is_empty() {
            let removed = self.removed.iter().map(|address| lit(*address)).collect();
            rows = rows.filter(address.clone().in_list(removed, true)).map_err(refused)?;
        }
        let columns = self.schema.fields().iter().map(|field| Expr::Column(Column::from_name(field.name())));
        let row = with_row.then(|| address.alias(ROW));
        rows.select(columns.chain(row).collect::<Vec<_>>()).map(Some).map_err(refused)
    }

    fn pending_table(&self, with_row: bool) -> Result<MemTable> {
        let mut fields = self.schema.fields().to_vec();
        if with_row {
            fields.push(Arc::new(Field::new(ROW, DataType::UInt64, true)));
        }
        let schema = Arc::new(Schema::new(fields));
        let mut batches = Vec::new();
        for pending in self.pending.iter().filter(|pending| pending.alive.contains(&true)) {
            let mut columns = pending.batch.columns().to_vec();
            if with_row {
                let names = (0..pending.alive.len() as u64).map(|within| PENDING | (pending.first + within));
                columns.push(Arc::new(UInt64Array::from_iter_values(names)) as ArrayRef);
            }
            let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(unexpected)?;
            let alive = BooleanArray::from(pending.alive.clone());
            batches.push(filter_record_batch(&batch, &alive).map_err(unexpected)?);
        }
        MemTable::try_new(schema, vec![batches]).map_err(refused)
    }
}

fn unexpected(error: arrow_schema::ArrowError) -> Error {
    Error::internal(format!("pending rows: {error}"))
}
