//! Arrow: an IPC stream.

use std::io::Write;

use arrow::ipc::writer::StreamWriter;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::{Output, Rows, of_form};
use crate::cli::failure::Failure;

pub struct ArrowRows {
    writer: StreamWriter<Output>,
}

impl ArrowRows {
    pub fn begin(schema: &SchemaRef, output: Output) -> Result<ArrowRows, Failure> {
        let writer = StreamWriter::try_new(output, schema).map_err(|error| of_form("arrow", error))?;
        Ok(ArrowRows { writer })
    }
}

impl Rows for ArrowRows {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        self.writer.write(batch).map_err(|error| of_form("arrow", error))
    }

    fn finish(mut self: Box<Self>) -> Result<(), Failure> {
        self.writer.finish().map_err(|error| of_form("arrow", error))?;
        Ok(self.writer.get_mut().flush()?)
    }
}
