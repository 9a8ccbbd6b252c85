//! One value of one row as a text, for the forms that have cells.

use arrow_array::RecordBatch;
use arrow_schema::DataType;
use omnigraph::value::each_value;

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
pub fn rows(batch: &RecordBatch) -> Vec<Vec<Cell>> {
    let mut rows = vec![Vec::with_capacity(batch.num_columns()); batch.num_rows()];
    for column in batch.columns() {
        let mut next = rows.iter_mut();
        each_value(column, |json| {
            if let Some(row) = next.next() {
                row.push(cell(json));
            }
        });
    }
    rows
}

fn cell(json: &[u8]) -> Cell {
    match json {
        b"null" => Cell::Missing,
        [b'"', ..] => match serde_json::from_slice::<String>(json) {
            Ok(text) => Cell::Text(text),
            Err(_) => Cell::Bare(String::from_utf8_lossy(json).into_owned()),
        },
        _ => Cell::Bare(String::from_utf8_lossy(json).into_owned()),
    }
}

/// Whether values of this type stand to the right of their column.
pub fn is_number(ty: &DataType) -> bool {
    ty.is_numeric()
}
