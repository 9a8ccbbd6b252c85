//! The rows of a query, as they come.

use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion::physical_plan::SendableRecordBatchStream;
use futures::TryStreamExt;
use tokio::time::Instant;

use super::refused;
use crate::error::{Error, ErrorKind, Result};

/// The rows of a query, in batches. Dropping it ends the query.
pub struct Rows {
    schema: SchemaRef,
    stream: SendableRecordBatchStream,
    deadline: Option<(Instant, Duration)>,
}

impl Rows {
    pub(super) fn new(stream: SendableRecordBatchStream, timeout: Option<Duration>) -> Rows {
        let deadline = timeout.and_then(|timeout| Some((Instant::now().checked_add(timeout)?, timeout)));
        Rows { schema: stream.schema(), stream, deadline }
    }

    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next batch; `None` after the last one.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] when the time is up, [`ErrorKind::Invalid`] for values that do not fit, else the store's trouble.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let next = self.stream.try_next();
        let Some((at, timeout)) = self.deadline else { return next.await.map_err(refused) };
        let late = || Error::new(ErrorKind::Timeout, format!("the query ran longer than its limit of {timeout:?}"));
        tokio::time::timeout_at(at, next).await.map_err(|_| late())?.map_err(refused)
    }

    /// All rows that are left.
    ///
    /// # Errors
    /// As [`Rows::next`].
    pub async fn collect(mut self) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        while let Some(batch) = self.next().await? {
            batches.push(batch);
        }
        Ok(batches)
    }
}
