//! Vectors that take up room only where there is one.
//!
//! In its table a missing vector is as long as any other, a quarter of a megabyte at the largest dimension. While rows are
//! gathered, their vectors are therefore lists: *packed*. They are unpacked a few rows at a time, on their way out.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float32Type;
use arrow_array::{Array, ArrayRef, FixedSizeListArray, Float32Array, RecordBatch, new_null_array};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::arrow::buffer::ScalarBuffer;

use crate::schema::ScalarType;

/// Bytes of vectors that are unpacked together, unless one row alone has more.
const SLICE_BYTES: usize = 8 << 20;

/// The field of a list's items, or of a packed vector's.
pub(super) fn packed_field(ty: &ScalarType) -> FieldRef {
    let item = match ty {
        ScalarType::List(item) => item.arrow_type(),
        _ => DataType::Float32,
    };
    Arc::new(Field::new("item", item, false))
}

/// The columns of a table, with their vectors packed.
pub(crate) fn packed_schema(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::FixedSizeList(..) => {
            let list = DataType::List(packed_field(&ScalarType::Vector(0)));
            Arc::new(field.as_ref().clone().with_data_type(list))
        }
        _ => Arc::clone(field),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The rows of a packed batch as their table has them, a few at a time: at most some megabytes of vectors are there at
/// once, and rows that have none share one column of nothing.
pub(crate) fn unpacked(
    schema: SchemaRef,
    packed: RecordBatch,
) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> {
    let row_bytes: usize = schema.fields().iter().map(|field| dimension(field.data_type()) * size_of::<f32>()).sum();
    let rows_at_once = match row_bytes {
        0 => packed.num_rows().max(1),
        bytes => (SLICE_BYTES / bytes).max(1),
    };
    let mut nothing: Vec<Option<ArrayRef>> = vec![None; schema.fields().len()];
    (0..packed.num_rows()).step_by(rows_at_once).map(move |first| {
        let slice = packed.slice(first, rows_at_once.min(packed.num_rows() - first));
        let columns = slice.columns().iter().zip(schema.fields()).zip(&mut nothing);
        let columns = columns.map(|((column, field), nothing)| match dimension(field.data_type()) {
            0 => Ok(Arc::clone(column)),
            _ if column.data_type() == field.data_type() => Ok(Arc::clone(column)),
            _ if column.null_count() == column.len() => {
                let whole = nothing.get_or_insert_with(|| new_null_array(field.data_type(), column.len()));
                Ok(whole.slice(0, column.len()))
            }
            _ => unpacked_column(column, field.data_type()),
        });
        let columns = columns.collect::<Result<Vec<_>, ArrowError>>()?;
        RecordBatch::try_new(Arc::clone(&schema), columns)
    })
}

/// How many numbers a vector has; 0: it is none.
fn dimension(ty: &DataType) -> usize {
    match ty {
        DataType::FixedSizeList(_, dimension) => usize::try_from(*dimension).unwrap_or(0),
        _ => 0,
    }
}

/// A packed column as its table has it. Anything but a list that is to be a vector stays what it is.
pub(crate) fn unpacked_column(column: &ArrayRef, ty: &DataType) -> Result<ArrayRef, ArrowError> {
    let (DataType::FixedSizeList(field, size), Some(lists)) = (ty, column.as_list_opt::<i32>()) else {
        return Ok(Arc::clone(column));
    };
    let numbers = lists.values().as_primitive::<Float32Type>();
    let mut all: Vec<f32> = Vec::with_capacity(lists.len() * dimension(ty));
    for row in 0..lists.len() {
        match lists.is_valid(row) {
            // A vector of another length fails below.
            true => all
                .extend_from_slice(&numbers.values()[lists.offsets()[row] as usize..lists.offsets()[row + 1] as usize]),
            // What is missing is filled up with what nobody sees.
            false => all.resize(all.len() + dimension(ty), 0.0),
        }
    }
    let items = Arc::new(Float32Array::new(ScalarBuffer::from(all), None));
    Ok(Arc::new(FixedSizeListArray::try_new(Arc::clone(field), *size, items, lists.nulls().cloned())?))
}
