//! One value of one row as a text, for the forms that have cells.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_json::writer::{EncoderOptions, make_encoder};
use arrow_schema::DataType;

use crate::cli::failure::Failure;

/// A value, written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// There is none.
    Missing,
    /// A text, as it is.
    Text(String),
    /// Anything else: what JSON writes.
    Bare(String),
}

/// The rows of a batch, cell by cell.
pub fn rows(batch: &RecordBatch) -> Result<Vec<Vec<Cell>>, Failure> {
    let options = EncoderOptions::default();
    let schema = batch.schema();
    let mut rows = vec![Vec::with_capacity(batch.num_columns()); batch.num_rows()];
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        let mut encoder =
            make_encoder(field, Arc::as_ref(column), &options).map_err(|error| super::of_form("cells", error))?;
        for (at, row) in rows.iter_mut().enumerate() {
            if encoder.is_null(at) {
                row.push(Cell::Missing);
                continue;
            }
            let mut json = Vec::new();
            encoder.encode(at, &mut json);
            row.push(cell(json));
        }
    }
    Ok(rows)
}

fn cell(json: Vec<u8>) -> Cell {
    match serde_json::from_slice::<String>(&json) {
        Ok(text) => Cell::Text(text),
        Err(_) => Cell::Bare(String::from_utf8_lossy(&json).into_owned()),
    }
}

/// Whether values of this type stand to the right of their column.
pub fn is_number(ty: &DataType) -> bool {
    ty.is_numeric()
}
