//! Where output goes, and the forms that it has, a file each.

mod arrow;
mod cell;
mod csv;
pub mod json;
mod parquet;
pub mod table;

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use omnigraph::{Error, ErrorKind};

use super::failure::Failure;
use super::flags::Format;

/// Bytes that are written at once.
const BUFFER_BYTES: usize = 64 << 10;
/// The width of a terminal that does not tell it.
const WIDTH_UNKNOWN: usize = 80;

/// Standard output. Everything that the program says there goes through here, and an error is told, not thrown.
pub struct Output {
    to: BufWriter<Stdout>,
    /// Whether what is written is for a program.
    pub json: bool,
    /// Whether a person looks on.
    pub is_terminal: bool,
    /// Columns of characters that a line may have; `None` without a bound.
    pub width: Option<usize>,
}

impl Output {
    /// Standard output as it is now.
    pub fn open(json: bool) -> Output {
        let stdout = io::stdout();
        let is_terminal = stdout.is_terminal();
        let asked = std::env::var("COLUMNS").ok().and_then(|text| text.trim().parse().ok()).filter(|width| *width > 0);
        let of_terminal = || {
            let size = terminal_size::terminal_size_of(&stdout).map(|(width, _)| usize::from(width.0));
            is_terminal.then(|| size.unwrap_or(WIDTH_UNKNOWN))
        };
        let width = asked.or_else(of_terminal);
        Output { to: BufWriter::with_capacity(BUFFER_BYTES, stdout), json, is_terminal, width }
    }

    /// Writes a text, or its shape for a program, and sees to it that it has arrived.
    pub fn show(
        &mut self,
        text: impl FnOnce(Option<usize>) -> String,
        shape: impl FnOnce() -> String,
    ) -> io::Result<()> {
        let text = if self.json { shape() } else { text(self.width) };
        self.to.write_all(text.as_bytes())?;
        self.to.flush()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Rows in one form.
pub trait Rows {
    /// Writes some more rows.
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure>;
    /// Writes what comes after the last one, and sees to it that everything has arrived.
    fn finish(self: Box<Self>) -> Result<(), Failure>;
}

/// Whether rows of this form can go where standard output goes; asked before anything is begun.
pub fn check(format: Format, output: &Output) -> Result<(), Failure> {
    if matches!(format, Format::Arrow | Format::Parquet) && output.is_terminal {
        let text = "arrow and parquet are not for a terminal: send the output to a file, such as `> rows.parquet`";
        return Err(Failure::Usage(text.to_owned()));
    }
    Ok(())
}

/// Rows of this schema in this form, to standard output.
pub fn rows(format: Format, schema: &SchemaRef, output: Output) -> Result<Box<dyn Rows>, Failure> {
    Ok(match format {
        Format::Table => Box::new(table::TableRows::new(schema, output)),
        Format::Json => Box::new(json::JsonRows::new(output)),
        Format::Csv => Box::new(csv::CsvRows::begin(schema, output)?),
        Format::Arrow => Box::new(arrow::ArrowRows::begin(schema, output)?),
        Format::Parquet => Box::new(parquet::ParquetRows::begin(schema, output)?),
    })
}

/// An error of a form's own: of the store that is written to, or of rows that the form cannot hold.
fn of_form(form: &str, error: impl std::error::Error + 'static) -> Failure {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(next) = cause {
        if let Some(io) = next.downcast_ref::<io::Error>() {
            return Failure::Output(io::Error::new(io.kind(), io.to_string()));
        }
        cause = next.source();
    }
    let message = format!("these rows have no form in {form}: {error}");
    Failure::Engine(
        Error::new(ErrorKind::Invalid, message).with_advice("CAST the columns that it lacks, or choose another format"),
    )
}
