//! Parquet, compressed with Snappy. A row group is held in memory until it is full.

use std::io::Write;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::{Output, Rows, of_form};
use crate::cli::failure::Failure;

/// Rows of a group.
const GROUP_ROWS: usize = 100_000;
/// Bytes of a group, as they are before its end is written.
const GROUP_BYTES: usize = 64 << 20;

pub struct ParquetRows {
    writer: ArrowWriter<Output>,
}

impl ParquetRows {
    pub fn begin(schema: &SchemaRef, output: Output) -> Result<ParquetRows, Failure> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .build();
        let writer = ArrowWriter::try_new(output, SchemaRef::clone(schema), Some(properties));
        Ok(ParquetRows { writer: writer.map_err(|error| of_form("parquet", error))? })
    }
}

impl Rows for ParquetRows {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        self.writer.write(batch).map_err(|error| of_form("parquet", error))?;
        if self.writer.in_progress_size() > GROUP_BYTES {
            self.writer.flush().map_err(|error| of_form("parquet", error))?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), Failure> {
        let mut output = self.writer.into_inner().map_err(|error| of_form("parquet", error))?;
        Ok(output.flush()?)
    }
}
