//! Lines → rows in the columns of their types.
//!
//! ```json
//! {"type": "Person", "data": {"name": "alice", "age": 30}}
//! {"type": "WorksAt", "from": "alice", "to": "acme", "data": {"since": "2021-05-01"}}
//! ```
//!
//! A line is read once, straight into Arrow builders, as long as `type` stands before what depends on it; what stands
//! before it is read again. Pieces of the input know nothing of each other, so that several can be decoded at the same
//! time.

use std::io::BufRead;
use std::sync::Arc;

use arrow_array::RecordBatch;

use super::json::Broken;
use super::line::Row;
use super::source::{LINE_BYTES_MAX, overlong};
use crate::error::{Error, Result};
use crate::schema::{Catalog, TypeDef};
use crate::value::{Column, expectation, packed_schema};
use crate::write::check::{Mistakes, Origin};

/// Rows of one type that are handed on together.
const BATCH_ROWS: usize = 8_192;
/// Bytes of rows at which a part of a piece ends. Short lines can make wide rows, most of them missing values.
const PART_BYTES: usize = 16 << 20;
/// Bytes that a byte of a line can become: `1,` is an item of eight.
const BYTES_OF_BYTE_MAX: usize = 4;

/// Rows of one type, and the line that each came from, from 1.
pub(super) struct TypedBatch {
    pub(super) ty: usize,
    pub(super) batch: RecordBatch,
    pub(super) lines: Vec<u64>,
}

/// What a piece of the input comes to.
pub(super) struct Decoded {
    /// By type in the order of the catalog, full ones first; none where there is a mistake.
    pub(super) batches: Vec<TypedBatch>,
    pub(super) mistakes: Mistakes,
    /// Lines that were decoded, and how long they are in bytes. A part of a piece may be enough at once.
    pub(super) lines: u64,
    pub(super) bytes: usize,
}

/// Decodes whole lines, until they are as many as should be held at once. Vectors are packed.
///
/// # Errors
/// Only when the engine is at fault. Mistakes of the input are collected.
pub(super) fn decode(catalog: &Arc<Catalog>, piece: &[u8]) -> Result<Decoded> {
    let tables = catalog.types().iter().map(|_| None).collect();
    let mut decoder = Decoder {
        catalog: Arc::clone(catalog),
        tables,
        mistakes: Mistakes::new(Origin::Line),
        line: 0,
        last_type: None,
        full: Vec::new(),
        held_bytes: 0,
    };
    let bytes = decoder.feed(piece)?;
    for ty in 0..decoder.tables.len() {
        decoder.take(ty)?;
    }
    Ok(Decoded { batches: decoder.full, mistakes: decoder.mistakes, lines: decoder.line, bytes })
}

pub(super) struct Decoder {
    pub(super) catalog: Arc<Catalog>,
    pub(super) tables: Vec<Option<Box<TableRows>>>,
    pub(super) mistakes: Mistakes,
    pub(super) line: u64,
    /// The type of the line before: lines of a type tend to stand together.
    pub(super) last_type: Option<usize>,
    full: Vec<TypedBatch>,
    /// About how much memory the rows take up.
    held_bytes: usize,
}

impl Decoder {
    /// Says how many bytes it has taken.
    fn feed(&mut self, piece: &[u8]) -> Result<usize> {
        let mut rest = piece;
        while !rest.is_empty() && !self.mistakes.is_full() && self.held_bytes < PART_BYTES {
            let before = rest;
            // The standard library's line search is compiled with optimisation, ours may not be.
            let length = BufRead::skip_until(&mut rest, b'\n').unwrap_or(before.len());
            let line = &before[..length];
            self.line += 1;
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if line.trim_ascii_end().len() > LINE_BYTES_MAX {
                self.mistakes.push(self.line, overlong());
                continue;
            }
            let Ok(text) = std::str::from_utf8(line) else {
                self.mistakes.push(self.line, "not UTF-8");
                continue;
            };
            let ty = self.decode_line(text);
            let Some((ty, rows)) = ty.and_then(|ty| Some((ty, self.tables[ty].as_ref()?))) else { continue };
            self.held_bytes += rows.row_bytes + BYTES_OF_BYTE_MAX * line.len();
            if rows.lines.len() >= BATCH_ROWS {
                self.take(ty)?;
            }
        }
        Ok(piece.len() - rest.len())
    }

    /// Hands on the rows that a type has now.
    fn take(&mut self, ty: usize) -> Result<()> {
        let Some(rows) = self.tables[ty].take() else { return Ok(()) };
        if !self.mistakes.is_empty() {
            // The write is refused anyway, and the columns of a wrong row do not fit together.
            return Ok(());
        }
        let TableRows { mut columns, lines, .. } = *rows;
        let def = &self.catalog.types()[ty];
        let arrays = columns.iter_mut().map(Column::finish).collect::<Result<Vec<_>, _>>();
        let batch = arrays.and_then(|arrays| RecordBatch::try_new(packed_schema(&def.arrow_schema()), arrays));
        let batch = batch.map_err(|e| Error::internal(format!("decoded rows of {}: {e}", def.name)))?;
        self.full.push(TypedBatch { ty, batch, lines });
        Ok(())
    }

    fn decode_line(&mut self, line: &str) -> Option<usize> {
        let mut row = Row { decoder: self, ty: None };
        let read = row.read(line);
        let ty = row.ty;
        match read {
            Ok(()) => self.close_row(ty),
            Err(Broken { at, what }) => {
                // Half a row may stand in the columns.
                if let Some(ty) = ty {
                    self.tables[ty] = None;
                }
                let column = line.get(..at).map_or(at, |before| before.chars().count()) + 1;
                self.mistakes.push(self.line, format!("cannot be read at column {column}: {what}"));
            }
        }
        ty
    }

    /// Fills up what the line did not say.
    fn close_row(&mut self, ty: Option<usize>) {
        let Some(ty) = ty else { return };
        let def = &self.catalog.types()[ty];
        let rows = self.tables[ty].get_or_insert_with(|| Box::new(TableRows::new(def, &self.catalog)));
        rows.lines.push(self.line);
        let row = rows.lines.len() as u32;
        for column in 0..rows.columns.len() {
            if rows.given[column] == row {
                continue;
            }
            rows.columns[column].put_missing();
            if !rows.optional[column] {
                let name = rows.name(def, column);
                let text = format!("{}.{name} is missing: {} is required", def.name, rows.expected[column]);
                self.mistakes.push(self.line, text);
            }
        }
    }
}

/// The rows of one type that are being gathered. Column 0 and 1 of an edge are its endpoints.
pub(super) struct TableRows {
    pub(super) columns: Vec<Column>,
    pub(super) optional: Vec<bool>,
    expected: Vec<String>,
    /// Bytes that a row takes up at the least.
    row_bytes: usize,
    /// For each column the last row, from 1, that had a value for it.
    given: Vec<u32>,
    lines: Vec<u64>,
    /// Columns before the first property.
    first: usize,
    /// Where the next property is expected: lines tend to name properties in one order.
    next: usize,
}

impl TableRows {
    pub(super) fn new(def: &TypeDef, catalog: &Catalog) -> Self {
        let mut types = Vec::new();
        if let Some((from, to)) = def.endpoints() {
            let keys = [from, to].into_iter().filter_map(|node| catalog.node(node)?.key());
            types.extend(keys.map(|key| (&key.ty, false)));
        }
        let first = types.len();
        types.extend(def.properties.iter().map(|property| (&property.ty, property.optional)));
        TableRows {
            columns: types.iter().map(|(ty, _)| Column::new(ty)).collect(),
            optional: types.iter().map(|(_, optional)| *optional).collect(),
            expected: types.iter().map(|(ty, _)| expectation(ty)).collect(),
            row_bytes: types.iter().map(|(ty, _)| Column::row_bytes(ty)).sum(),
            given: vec![0; types.len()],
            lines: Vec::with_capacity(64),
            first,
            next: 0,
        }
    }

    /// What a line calls the column.
    pub(super) fn name<'a>(&self, def: &'a TypeDef, column: usize) -> &'a str {
        match column.checked_sub(self.first) {
            None => ["from", "to"][column],
            Some(property) => &def.properties[property].name,
        }
    }

    /// Starts on the properties of a row.
    pub(super) fn begin(&mut self) {
        self.next = 0;
    }

    /// Notes that the row has a value for the column; says whether it had one before.
    pub(super) fn give(&mut self, column: usize) -> bool {
        let row = self.lines.len() as u32 + 1;
        std::mem::replace(&mut self.given[column], row) == row
    }

    /// The column of a property.
    pub(super) fn find(&mut self, def: &TypeDef, name: &str) -> Option<usize> {
        let expected = self.next;
        let property = match def.properties.get(expected) {
            Some(property) if property.name == name => expected,
            _ => def.properties.iter().position(|property| property.name == name)?,
        };
        self.next = property + 1;
        Some(property + self.first)
    }
}
