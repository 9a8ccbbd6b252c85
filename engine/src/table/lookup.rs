//! Which rows match, and where they are.

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use datafusion::logical_expr::Expr;
use futures::TryStreamExt;
use lance::dataset::scanner::{DatasetRecordBatchStream, Scanner};
use roaring::{RoaringBitmap, RoaringTreemap};

use super::Table;
use crate::error::{Error, Result};

/// What a batch of a scan holds at about the most. Rows are counted otherwise, and texts of neighbouring rows together
/// can be longer than the 32 bits that their offsets have.
const SCAN_BATCH_MAX_BYTES: u64 = 32 << 20;

/// Row addresses (fragment id in the high 32 bits, offset in the low 32) of a table at one version. Compressed: every
/// second row of a fragment takes two bits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Addresses(pub RoaringTreemap);

impl Addresses {
    /// Offsets by fragment, both in ascending order.
    pub(crate) fn by_fragment(&self) -> impl Iterator<Item = (u32, &RoaringBitmap)> {
        self.0.bitmaps()
    }
}

impl Table {
    fn scanner(&self, columns: &[&str], filter: Option<Expr>) -> Result<Scanner> {
        let mut scanner = self.dataset().scan();
        scanner.project(columns)?;
        scanner.batch_size_bytes(SCAN_BATCH_MAX_BYTES);
        if let Some(filter) = filter {
            scanner.filter_expr(filter);
        }
        Ok(scanner)
    }

    /// Streams `columns` of the rows that match `filter`, or of all rows.
    ///
    /// # Errors
    /// The store's trouble, or a filter that does not fit the schema.
    pub async fn scan(&self, columns: &[&str], filter: Option<Expr>) -> Result<DatasetRecordBatchStream> {
        self.scanner(columns, filter)?
            .try_into_stream()
            .await
            .map_err(|e| Error::from(e).context(format_args!("scan table `{}`", self.path())))
    }

    /// As [`Table::scan`], with the row addresses as the last column, named `_rowaddr`.
    ///
    /// # Errors
    /// As [`Table::scan`].
    pub async fn scan_with_addresses(
        &self,
        columns: &[&str],
        filter: Option<Expr>,
    ) -> Result<DatasetRecordBatchStream> {
        let mut scanner = self.scanner(columns, filter)?;
        scanner.with_row_address();
        scanner
            .try_into_stream()
            .await
            .map_err(|e| Error::from(e).context(format_args!("scan table `{}`", self.path())))
    }

    /// The addresses of the rows that match `filter`. Costs no store call on an empty table.
    ///
    /// # Errors
    /// As [`Table::scan`].
    pub async fn addresses(&self, filter: Expr) -> Result<Addresses> {
        let mut found = RoaringTreemap::new();
        if self.is_empty() {
            return Ok(Addresses(found));
        }
        let mut stream = self.scan_with_addresses(&[], Some(filter)).await?;
        while let Some(batch) = stream.try_next().await? {
            let column = batch
                .column_by_name("_rowaddr")
                .and_then(|column| column.as_primitive_opt::<UInt64Type>().cloned())
                .ok_or_else(|| Error::internal(format!("a scan of `{}` gave no row addresses", self.path())))?;
            found.extend(column.values().iter().copied());
        }
        Ok(Addresses(found))
    }
}
