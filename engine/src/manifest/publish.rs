//! The compare-and-swap that makes a write visible.

use std::sync::Arc;

use arrow_array::RecordBatchIterator;
use lance::dataset::transaction::Operation;
use lance::dataset::{InsertBuilder, WriteMode, WriteParams};

use super::codec::encode;
use super::{Delta, GraphState, MANIFEST_PATH, ManifestHead};
use crate::error::{Error, ErrorKind, Result};
use crate::id::IdSource;
use crate::storage::Stack;
use crate::table::{CommitFailure, Table};

/// Why a publish did not succeed.
#[derive(Debug)]
pub enum PublishFailure {
    /// Another publish won the version. Nothing of this one is visible, for certain.
    Lost(Error),
    /// The store failed before the version was put. Nothing of this publish is visible, for certain.
    Failed(Error),
    /// The store failed; the publish may or may not be visible.
    Unknown(Error),
}

impl PublishFailure {
    /// The error inside.
    pub fn into_error(self) -> Error {
        match self {
            PublishFailure::Lost(e) | PublishFailure::Failed(e) | PublishFailure::Unknown(e) => e,
        }
    }
}

impl ManifestHead {
    /// Publishes `delta` on top of this version, or not at all: three puts and no list.
    ///
    /// # Errors
    /// See [`PublishFailure`].
    pub async fn publish(
        &self,
        stack: &Stack,
        delta: &Delta,
        ids: &dyn IdSource,
    ) -> Result<ManifestHead, PublishFailure> {
        let next = delta.apply(&self.state);
        let failed = |e: Error| PublishFailure::Failed(e.context(format_args!("publish version {}", next.version)));
        let batch = encode(&next).map_err(failed)?;
        let params = WriteParams { mode: WriteMode::Overwrite, ..stack.lance().write_params() };
        let mut transaction = InsertBuilder::new(Arc::clone(self.table.dataset()))
            .with_params(&params)
            .execute_uncommitted(vec![batch])
            .await
            .map_err(|e| failed(e.into()))?;
        transaction.uuid = ids.uuid();
        debug_assert!(matches!(transaction.operation, Operation::Overwrite { .. }));
        match self.table.land(stack, transaction).await {
            Ok(dataset) => {
                Ok(ManifestHead { table: Table::from_dataset(MANIFEST_PATH, dataset), state: Arc::new(next) })
            }
            Err(CommitFailure::Moved(e)) => {
                let error = Error::conflict(format!("another write was published as version {} first", next.version));
                Err(PublishFailure::Lost(error.with_source(e)))
            }
            Err(CommitFailure::Failed(e)) => Err(failed(e)),
            Err(CommitFailure::Unknown(e)) => {
                Err(PublishFailure::Unknown(e.context(format_args!("publish version {}", next.version))))
            }
        }
    }

    /// Creates the manifest with its first version. Of two racing creators one wins.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] when there is a graph already, else the store's trouble.
    pub async fn create(stack: &Stack, mut state: GraphState) -> Result<ManifestHead> {
        state.version = 1;
        let batch = encode(&state)?;
        let params = WriteParams { mode: WriteMode::Create, ..stack.lance().write_params() };
        let schema = batch.schema();
        let reader = RecordBatchIterator::new([Ok(batch)], schema);
        let uri = stack.lance().uri(MANIFEST_PATH);
        let created = InsertBuilder::new(uri.as_str()).with_params(&params).execute_stream(reader).await;
        let dataset = created.map_err(|e| match e {
            lance::Error::DatasetAlreadyExists { .. } | lance::Error::CommitConflict { .. } => {
                Error::new(ErrorKind::AlreadyExists, format!("there is a graph at {} already", stack.identity()))
                    .with_advice("open it, or choose another URI")
                    .with_source(e)
            }
            e => Error::from(e).context("create the graph manifest"),
        })?;
        let table = Table::from_dataset(MANIFEST_PATH, dataset);
        Ok(ManifestHead { table, state: Arc::new(state) })
    }
}
