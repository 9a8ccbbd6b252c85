//! One Lance dataset as a table of SQL.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use lance::Dataset;
use lance::datafusion::LanceTableProvider;

use super::limit::BATCH_BYTES;

/// The rows of a dataset, in batches of bounded size; `with_address` adds the column `_rowaddr`.
///
/// A scan is asked for 8,192 rows at once however long they are, unless it is told otherwise: texts of one batch are addressed
/// by 32 bits, and rows that were acknowledged could not be read.
pub(crate) fn table_provider(dataset: &Arc<Dataset>, with_address: bool) -> Arc<dyn TableProvider> {
    let provider = LanceTableProvider::new(Arc::clone(dataset), false, with_address);
    Arc::new(provider.with_batch_size_bytes(BATCH_BYTES))
}
