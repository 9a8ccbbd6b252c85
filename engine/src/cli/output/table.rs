//! Tables for people. They fit the width that there is: text is broken into several lines of a cell; where that is not enough,
//! each row is shown as a list of its values.

use std::io::Write;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use omnigraph::printable::escaped;

use super::cell::{self, Cell};
use super::{Output, Rows};
use crate::cli::failure::Failure;

/// Rows of one table; what follows is another, so that memory does not grow with the rows.
const TABLE_ROWS: usize = 1_000;
/// Of a longer value, only the beginning is shown.
const CELL_MAX_CHARS: usize = 1_000;
/// A column is not made narrower than that.
const COLUMN_MIN_CHARS: usize = 6;

/// A column's name, and whether its values stand to the right.
#[derive(Clone, Debug)]
pub struct Column {
    name: String,
    to_the_right: bool,
}

impl Column {
    pub fn text(name: &str) -> Column {
        Column { name: shown(name), to_the_right: false }
    }

    pub fn number(name: &str) -> Column {
        Column { to_the_right: true, ..Column::text(name) }
    }
}

/// What becomes of rows that are too wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooWide {
    /// Their texts are broken, as long as there is room for that.
    Broken,
    /// Ids and times are there to be copied: each row becomes a list.
    Listed,
}

/// The value as a cell shows it: in one line, with what cannot be seen written out, and not endless.
pub fn shown(text: &str) -> String {
    match text.char_indices().nth(CELL_MAX_CHARS) {
        Some((end, _)) => format!("{}…", escaped(&text[..end])),
        None => escaped(text).into_owned(),
    }
}

/// Tables of cells that are [`shown`], one after the other if there are many rows.
pub fn render(columns: &[Column], rows: &[Vec<String>], width: Option<usize>, too_wide: TooWide) -> String {
    if rows.is_empty() {
        return table(columns, rows, width, too_wide);
    }
    rows.chunks(TABLE_ROWS).map(|some| table(columns, some, width, too_wide)).collect()
}

fn table(columns: &[Column], rows: &[Vec<String>], width: Option<usize>, too_wide: TooWide) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_header(columns.iter().map(|column| column.name.clone()));
    table.add_rows(rows.iter().cloned());
    for (at, column) in columns.iter().enumerate() {
        if let (true, Some(drawn)) = (column.to_the_right, table.column_mut(at)) {
            drawn.set_cell_alignment(CellAlignment::Right);
        }
    }
    // Lines between columns and at both ends, and a blank at both sides of each cell.
    let frame = 3 * columns.len() + 1;
    let natural = table.column_max_content_widths().iter().map(|width| usize::from(*width)).sum::<usize>() + frame;
    if let Some(width) = width.filter(|width| *width < natural) {
        if too_wide == TooWide::Listed || width < frame + COLUMN_MIN_CHARS * columns.len() {
            return listed(columns, rows);
        }
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(u16::try_from(width).unwrap_or(u16::MAX));
    }
    format!("{table}\n")
}

/// Each row as a list of its values, with a blank line between two.
fn listed(columns: &[Column], rows: &[Vec<String>]) -> String {
    let longest = columns.iter().map(|column| column.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        for (column, value) in columns.iter().zip(row) {
            text.push_str(format!("{:<longest$}  {value}", column.name).trim_end());
            text.push('\n');
        }
    }
    text
}

/// Rows of a query as tables.
pub struct TableRows {
    output: Output,
    columns: Vec<Column>,
    waiting: Vec<Vec<String>>,
    count: u64,
}

impl TableRows {
    pub fn new(schema: &SchemaRef, output: Output) -> TableRows {
        let columns = schema.fields().iter().map(|field| match cell::is_number(field.data_type()) {
            true => Column::number(field.name()),
            false => Column::text(field.name()),
        });
        TableRows { output, columns: columns.collect(), waiting: Vec::new(), count: 0 }
    }

    fn draw(&mut self) -> Result<(), Failure> {
        let rows = std::mem::take(&mut self.waiting);
        self.count += rows.len() as u64;
        if !self.columns.is_empty() {
            let table = render(&self.columns, &rows, self.output.width, TooWide::Broken);
            self.output.write_all(table.as_bytes())?;
        }
        Ok(())
    }
}

impl Rows for TableRows {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let mut at = 0;
        while at < batch.num_rows() {
            let some = (TABLE_ROWS - self.waiting.len()).min(batch.num_rows() - at);
            for row in cell::rows(&batch.slice(at, some)) {
                self.waiting.push(row.into_iter().map(of_cell).collect());
            }
            at += some;
            if self.waiting.len() >= TABLE_ROWS {
                self.draw()?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), Failure> {
        if !self.waiting.is_empty() || self.count == 0 {
            self.draw()?;
        }
        let noun = if self.count == 1 { "row" } else { "rows" };
        writeln!(self.output, "{} {noun}", self.count)?;
        Ok(self.output.flush()?)
    }
}

fn of_cell(cell: Cell) -> String {
    match cell {
        Cell::Missing => "null".to_owned(),
        Cell::Text(text) | Cell::Bare(text) => shown(&text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(count: usize) -> Vec<Column> {
        (0..count).map(|at| Column::text(&format!("column {at}"))).collect()
    }

    #[test]
    fn a_table_fits_every_width() {
        let row = |count: usize| (0..count).map(|at| "some words and numbers ".repeat(at % 4 + 1)).collect::<Vec<_>>();
        for count in [1, 2, 3, 7, 40] {
            let rows = vec![row(count), row(count)];
            for width in 0..200 {
                let text = render(&columns(count), &rows, Some(width), TooWide::Broken);
                let is_table = text.starts_with('┌');
                assert!(is_table || width < 4 + 9 * count, "{count} columns, {width} wide:\n{text}");
                let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
                assert!(!is_table || widest <= width, "{count} columns, {widest} of {width} wide:\n{text}");
            }
        }
    }

    #[test]
    fn wide_characters_count_twice() {
        let rows = [vec!["日本語".repeat(10), "🚀".repeat(20)]];
        let text = render(&columns(2), &rows, Some(40), TooWide::Broken);
        let width = |line: &str| line.chars().map(|c| if c > '\u{2fff}' { 2 } else { 1 }).sum::<usize>();
        assert!(
            text.lines().all(|line| width(line) == width(text.lines().next().unwrap_or("")) && width(line) <= 40),
            "{text}"
        );
    }

    #[test]
    fn without_a_width_nothing_is_broken_and_ids_are_listed_instead() {
        let rows = [vec!["a b c d e f g h".repeat(9), "x".into()]];
        assert!(render(&columns(2), &rows, None, TooWide::Broken).contains(&rows[0][0]));
        let text = render(&columns(2), &rows, Some(60), TooWide::Listed);
        assert_eq!(text, format!("column 0  {}\ncolumn 1  x\n", rows[0][0]));
    }

    #[test]
    fn a_cell_is_one_line_of_bounded_length_that_drives_nothing() {
        assert_eq!(shown("a\n\u{1b}[2J\u{202e}"), "a\\n\\u{1b}[2J\\u{202e}");
        assert_eq!(shown(&"ż".repeat(1_001)), format!("{}…", "ż".repeat(1_000)));
        assert_eq!(Column::text("na\u{7}me").name, "na\\u{7}me");
    }
}
