//! How pending rows are kept: as their type's columns, but a vector takes room only where there is one.
//!
//! Arrow gives every row of a `Vector(65536)` its 256 KiB, a missing one too. Kept rows have lists instead, and become
//! vectors again a few rows at a time.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeListArray, ListArray, RecordBatch, UInt64Array, new_null_array,
};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Schema, SchemaRef};
use arrow_select::filter::filter;

use super::PIECE_MAX_BYTES;
use crate::error::{Error, Result};
use crate::value::unpacked_column;

/// The column behind a type's own: the committed row that a pending row takes the place of, missing for a new row.
pub(super) const ORIGIN: &str = "__origin";
/// Set in an origin whose row does not have the identity any more that it was committed with. Addresses never have it:
/// fragment ids are counted from zero.
const MOVED: u64 = 1 << 62;

/// The origins of rows whose identity changed where `moved` says so. Once changed it counts as changed.
pub(super) fn mark_moved(origins: &UInt64Array, moved: &[bool]) -> UInt64Array {
    let marked =
        |(origin, moved): (Option<u64>, &bool)| origin.map(|origin| if *moved { origin | MOVED } else { origin });
    origins.iter().zip(moved).map(marked).collect()
}

pub(super) fn is_moved(origin: u64) -> bool {
    origin & MOVED != 0
}

/// The columns of a type, as its table has them and as pending rows are kept.
#[derive(Debug)]
pub(super) struct Packing {
    table: SchemaRef,
    packed: SchemaRef,
    rows_at_once: usize,
    /// For each column of vectors as many missing ones as are worked on together. Whoever writes them holds them back for
    /// a while, and one column of nothing is enough for all.
    nothing: Vec<OnceLock<ArrayRef>>,
}

impl Packing {
    pub(super) fn new(table: SchemaRef) -> Self {
        let mut fields: Vec<FieldRef> = table.fields().iter().map(packed_field).collect();
        fields.push(Arc::new(Field::new(ORIGIN, DataType::UInt64, true)));
        let widths = table.fields().iter().map(|field| match field.data_type() {
            DataType::FixedSizeList(_, dimension) => *dimension as usize * size_of::<f32>(),
            _ => 0,
        });
        let rows_at_once = (PIECE_MAX_BYTES / widths.sum::<usize>().max(1)).max(1);
        let nothing = vec![OnceLock::new(); table.fields().len()];
        Packing { table, packed: Arc::new(Schema::new(fields)), rows_at_once, nothing }
    }

    /// The columns of the table.
    pub(super) fn table(&self) -> &SchemaRef {
        &self.table
    }

    /// Rows whose vectors fit into memory together, whether they are there or not.
    pub(super) fn rows_at_once(&self) -> usize {
        self.rows_at_once
    }

    /// Ranges of that many of `rows` rows.
    pub(super) fn ranges(&self, rows: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let step = self.rows_at_once;
        (0..rows).step_by(step).map(move |first| first..rows.min(first.saturating_add(step)))
    }

    pub(super) fn pack(&self, rows: &RecordBatch, origin: UInt64Array) -> Result<RecordBatch> {
        let columns = rows.columns().iter().map(|column| match column.as_fixed_size_list_opt() {
            Some(vectors) => packed(vectors).map(|lists| Arc::new(lists) as ArrayRef),
            None => Ok(Arc::clone(column)),
        });
        let columns = columns.chain([Ok(Arc::new(origin) as ArrayRef)]).collect::<Result<Vec<_>, _>>();
        columns.and_then(|columns| RecordBatch::try_new(Arc::clone(&self.packed), columns)).map_err(unexpected)
    }

    /// A column of packed rows as the table has it; `at` counts the table's columns.
    pub(super) fn column(&self, rows: &RecordBatch, at: usize) -> Result<ArrayRef> {
        let column = rows.column(at);
        match self.table.field(at).data_type() {
            ty @ DataType::FixedSizeList(..)
                if column.null_count() == column.len() && column.len() <= self.rows_at_once =>
            {
                let nothing = self.nothing[at].get_or_init(|| new_null_array(ty, self.rows_at_once));
                Ok(nothing.slice(0, column.len()))
            }
            ty => unpacked_column(column, ty).map_err(unexpected),
        }
    }

    /// The rows as the table has them: at most [`rows_at_once`](Self::rows_at_once).
    pub(super) fn unpack(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let columns = (0..self.table.fields().len()).map(|at| self.column(rows, at)).collect::<Result<Vec<_>>>()?;
        RecordBatch::try_new(Arc::clone(&self.table), columns).map_err(unexpected)
    }
}

/// The origins of packed rows.
pub(super) fn origins(rows: &RecordBatch) -> Result<&UInt64Array> {
    let column = rows.columns().last().and_then(|column| column.as_primitive_opt::<UInt64Type>());
    column.ok_or_else(|| Error::internal("pending rows lack their origins"))
}

fn packed_field(field: &FieldRef) -> FieldRef {
    match field.data_type() {
        DataType::FixedSizeList(item, _) => {
            Arc::new(Field::new(field.name(), DataType::List(Arc::clone(item)), field.is_nullable()))
        }
        _ => Arc::clone(field),
    }
}

fn packed(vectors: &FixedSizeListArray) -> Result<ListArray, ArrowError> {
    let DataType::FixedSizeList(item, _) = vectors.data_type() else {
        return Err(ArrowError::SchemaError("a vector is no list of fixed size".into()));
    };
    let dimension = vectors.value_length() as usize;
    let lengths = (0..vectors.len()).map(|row| if vectors.is_valid(row) { dimension } else { 0 });
    let offsets = OffsetBuffer::from_lengths(lengths);
    let there = match vectors.nulls() {
        Some(nulls) if nulls.null_count() > 0 => filter(vectors, &BooleanArray::new(nulls.inner().clone(), None))?,
        _ => Arc::new(vectors.clone()),
    };
    let values = Arc::clone(there.as_fixed_size_list().values());
    // Copied: a column of nothing has one buffer for its numbers and for this.
    let nulls = vectors.nulls().map(|nulls| NullBuffer::from(nulls.iter().collect::<Vec<bool>>()));
    ListArray::try_new(Arc::clone(item), offsets, values, nulls)
}

pub(super) fn unexpected(error: ArrowError) -> Error {
    Error::internal(format!("pending rows: {error}"))
}
