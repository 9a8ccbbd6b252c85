//! CSV: a line of names, then a line a row. A missing value is nothing, an empty text is `""`; lists and vectors are JSON.

use std::borrow::Cow;
use std::io::Write;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use omnigraph::printable::escaped;

use super::cell::{self, Cell};
use super::{Output, Rows};
use crate::cli::failure::Failure;

pub struct CsvRows {
    output: Output,
}

impl CsvRows {
    pub fn begin(schema: &SchemaRef, output: Output) -> Result<CsvRows, Failure> {
        let mut rows = CsvRows { output };
        let names: Vec<Cell> = schema.fields().iter().map(|field| Cell::Text(field.name().clone())).collect();
        if !names.is_empty() {
            rows.line(&names)?;
        }
        Ok(rows)
    }

    fn line(&mut self, cells: &[Cell]) -> Result<(), Failure> {
        let mut line = String::new();
        for (at, cell) in cells.iter().enumerate() {
            if at > 0 {
                line.push(',');
            }
            line.push_str(&field(cell, self.output.is_terminal));
        }
        line.push('\n');
        Ok(self.output.write_all(line.as_bytes())?)
    }
}

impl Rows for CsvRows {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        cell::rows(batch).iter().try_for_each(|cells| self.line(cells))
    }

    fn finish(mut self: Box<Self>) -> Result<(), Failure> {
        Ok(self.output.flush()?)
    }
}

/// A terminal is shown what a file would hold, except for what would drive it.
fn field(cell: &Cell, is_terminal: bool) -> Cow<'_, str> {
    let text = match cell {
        Cell::Missing => return Cow::Borrowed(""),
        Cell::Text(text) | Cell::Bare(text) if is_terminal => escaped(text),
        Cell::Text(text) | Cell::Bare(text) => Cow::Borrowed(text.as_str()),
    };
    let needs_quotes = text.is_empty() || text.contains([',', '"', '\n', '\r']) || text.trim() != text;
    if needs_quotes { Cow::Owned(format!("\"{}\"", text.replace('"', "\"\""))) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_value_is_not_an_empty_text_and_what_needs_quotes_has_them() {
        let text = |text: &str| Cell::Text(text.to_owned());
        for (cell, file) in [
            (Cell::Missing, ""),
            (text(""), "\"\""),
            (text("plain"), "plain"),
            (text(" a"), "\" a\""),
            (text("a,b"), "\"a,b\""),
            (text("say \"x\""), "\"say \"\"x\"\"\""),
            (text("a\nb"), "\"a\nb\""),
            (Cell::Bare("[1,2]".into()), "\"[1,2]\""),
        ] {
            assert_eq!(field(&cell, false), file);
        }
        assert_eq!(field(&text("a\n\u{1b}b"), true), "a\\n\\u{1b}b", "nothing drives a terminal");
    }
}
