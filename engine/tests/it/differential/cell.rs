//! Answers of two engines in one form, so that they can be compared exactly.

use std::fmt;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;

/// What an expression gives, if it gives something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Int,
    Real,
    Text,
    Bool,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Int, Kind::Real, Kind::Text, Kind::Bool];
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    /// By its bits.
    Real(u64),
    Text(String),
}

impl Cell {
    pub fn real(value: f64) -> Cell {
        Cell::Real(value.to_bits())
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Null => f.write_str("NULL"),
            Cell::Bool(value) => write!(f, "{value}"),
            Cell::Int(value) => write!(f, "{value}"),
            Cell::Real(bits) => write!(f, "{:?}", f64::from_bits(*bits)),
            Cell::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
        }
    }
}

pub type Row = Vec<Cell>;

/// One row a line, or that there is none.
pub fn shown(rows: &[Row]) -> String {
    let line = |row: &Row| format!("    {}", row.iter().map(Cell::to_string).collect::<Vec<_>>().join(" | "));
    match rows {
        [] => "    no row".to_owned(),
        rows => rows.iter().map(line).collect::<Vec<_>>().join("\n"),
    }
}

/// The rows of Arrow batches; the error is a column that is not of the kind that was asked for.
pub fn of_batches(batches: &[RecordBatch], kinds: &[Kind]) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for batch in batches {
        if batch.num_columns() != kinds.len() {
            return Err(format!("{} columns, not {}", batch.num_columns(), kinds.len()));
        }
        let columns = batch.columns().iter().zip(kinds).map(|(column, kind)| cells(column, *kind));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        rows.extend((0..batch.num_rows()).map(|row| columns.iter().map(|cells| cells[row].clone()).collect()));
    }
    Ok(rows)
}

fn cells(column: &ArrayRef, kind: Kind) -> Result<Vec<Cell>, String> {
    let ty = column.data_type();
    let widened = |to: DataType| arrow_cast::cast(column, &to).map_err(|e| e.to_string());
    // A missing value says nothing about its kind.
    let missing = vec![Cell::Null; column.len()];
    let found: Vec<Option<Cell>> = match (kind, ty) {
        (_, DataType::Null) => return Ok(missing),
        (Kind::Int, ty) if ty.is_integer() => {
            let wide = widened(DataType::Int64)?;
            if wide.null_count() != column.logical_null_count() {
                return Err(format!("a {ty} that is no 64-bit integer"));
            }
            wide.as_primitive::<Int64Type>().iter().map(|value| value.map(Cell::Int)).collect()
        }
        (Kind::Real, DataType::Float32 | DataType::Float64) => {
            widened(DataType::Float64)?.as_primitive::<Float64Type>().iter().map(|v| v.map(Cell::real)).collect()
        }
        (Kind::Bool, DataType::Boolean) => column.as_boolean().iter().map(|v| v.map(Cell::Bool)).collect(),
        (Kind::Text, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => {
            let text = widened(DataType::Utf8)?;
            text.as_string::<i32>().iter().map(|value| value.map(|text| Cell::Text(text.to_owned()))).collect()
        }
        (kind, ty) => return Err(format!("a column of {ty}, where {kind:?} was expected")),
    };
    Ok(found.into_iter().map(|cell| cell.unwrap_or(Cell::Null)).collect())
}
