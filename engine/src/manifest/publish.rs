//! The compare-and-swap that makes a write visible.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchIterator};
use lance::Dataset;
use lance::dataset::transaction::Operation;
use lance::dataset::{InsertBuilder, WriteMode, WriteParams};

use super::chunk::{self, Block};
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
    /// Publishes `delta` on top of this version, or not at all: three puts and no list. Where the version ends a chunk of the history,
    /// blocks that this handle has not seen are read.
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
        let block = self.block_of(&next).await.map_err(failed)?;
        let batch = encode(&next, block.as_ref()).map_err(failed)?;
        match overwrite(&self.table, stack, batch, ids).await {
            Ok(dataset) => {
                if let Some(block) = &block {
                    self.blocks.keep(next.version, block);
                }
                let table = Table::from_dataset(MANIFEST_PATH, dataset);
                Ok(ManifestHead { table, state: Arc::new(next), blocks: Arc::clone(&self.blocks) })
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

    /// The block that goes with `next`, the version after this one, where it ends a chunk.
    async fn block_of(&self, next: &GraphState) -> Result<Option<Block>> {
        if !chunk::ends(next.version) {
            return Ok(None);
        }
        let first = chunk::first_covered(next.version).max(next.chunked_from);
        let mut earlier = Vec::new();
        let mut end = chunk::end_before(next.version);
        while end >= first {
            match self.block(end).await {
                Ok(block) => {
                    end = block.first - 1;
                    earlier.push(block);
                }
                Err(e) if e.is_damage() => {
                    tracing::warn!(version = end, error = %e, "a version of the graph manifest is damaged");
                    return Ok(None);
                }
                Err(e) => return Err(e),
            }
        }
        earlier.reverse();
        Ok(Some(Block::joined(first, &earlier, &next.recent)))
    }

    /// Creates the manifest with its first version. Of two racing creators one wins.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] when there is a graph already, else the store's trouble.
    pub async fn create(stack: &Stack, state: GraphState) -> Result<ManifestHead> {
        let batch = encode(&state, None)?;
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
        Ok(ManifestHead { table, state: Arc::new(state), blocks: Arc::default() })
    }
}

/// Lands `rows` as the version after `table`, instead of everything that stands there.
pub(super) async fn overwrite(
    table: &Table,
    stack: &Stack,
    rows: RecordBatch,
    ids: &dyn IdSource,
) -> Result<Dataset, CommitFailure> {
    let params = WriteParams { mode: WriteMode::Overwrite, ..stack.lance().write_params() };
    let staged = InsertBuilder::new(Arc::clone(table.dataset())).with_params(&params);
    let mut transaction = staged.execute_uncommitted(vec![rows]).await.map_err(|e| CommitFailure::Failed(e.into()))?;
    transaction.uuid = ids.uuid();
    debug_assert!(matches!(transaction.operation, Operation::Overwrite { .. }));
    table.land(stack, transaction).await
}
