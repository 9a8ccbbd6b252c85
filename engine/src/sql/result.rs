//! Results have one type of text, whatever operators made of it on the way.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, FieldRef, Schema, SchemaRef};
use datafusion::arrow::compute::cast;

use super::limit::RESULT_TEXT_BYTES_MAX;
use crate::error::{Error, Result};

/// The columns with texts in the place of views and of large texts.
pub(crate) fn texts_in(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match is_other_text(field.data_type()) {
        true => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8)),
        false => Arc::clone(field),
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

/// The columns with views in the place of texts.
pub(crate) fn views_in(schema: &Schema) -> Vec<FieldRef> {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View)),
        _ => Arc::clone(field),
    });
    fields.collect()
}

/// The rows with texts in the place of views, in as many batches as their bytes need.
///
/// # Errors
/// None that input can bring about.
pub(crate) fn texts_of(batch: RecordBatch) -> Result<Vec<RecordBatch>> {
    if !batch.columns().iter().any(|column| is_other_text(column.data_type())) {
        return Ok(vec![batch]);
    }
    let rows = batch.num_rows();
    if rows > 1 && text_bytes(&batch) > RESULT_TEXT_BYTES_MAX {
        let mut batches = texts_of(batch.slice(0, rows / 2))?;
        batches.extend(texts_of(batch.slice(rows / 2, rows - rows / 2))?);
        return Ok(batches);
    }
    let columns = batch.columns().iter().map(|column| match is_other_text(column.data_type()) {
        true => cast(column, &DataType::Utf8),
        false => Ok(Arc::clone(column)),
    });
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let columns = columns.collect::<Result<Vec<_>, _>>();
    let batch =
        columns.and_then(|columns| RecordBatch::try_new_with_options(texts_in(batch.schema_ref()), columns, &options));
    batch.map(|batch| vec![batch]).map_err(|e| Error::internal(format!("the texts of a result: {e}")))
}

fn is_other_text(ty: &DataType) -> bool {
    matches!(ty, DataType::Utf8View | DataType::LargeUtf8)
}

/// The most that the texts of one column come to.
fn text_bytes(batch: &RecordBatch) -> usize {
    let bytes = batch.columns().iter().map(|column| match column.data_type() {
        DataType::Utf8View => column.as_string_view().lengths().map(|length| length as usize).sum(),
        DataType::LargeUtf8 => column.as_string::<i64>().iter().flatten().map(str::len).sum(),
        _ => 0,
    });
    bytes.max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use arrow_array::{ArrayRef, StringViewArray};

    use super::*;

    #[test]
    fn views_become_texts_and_what_is_too_much_for_one_batch_becomes_several() {
        let text = "x".repeat(RESULT_TEXT_BYTES_MAX / 4);
        let texts: ArrayRef =
            Arc::new(StringViewArray::from_iter((0..6).map(|row| (row != 2).then_some(text.as_str()))));
        let batch = RecordBatch::try_from_iter([("text", texts)]).unwrap();
        let batches = texts_of(batch).unwrap();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [3, 3]);
        let first = batches[0].column(0).as_string::<i32>();
        assert!(first.value(1).len() == text.len() && first.is_null(2));
    }
}
