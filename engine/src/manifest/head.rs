//! Finding and reading a version of the manifest.

use std::sync::Arc;

use arrow_array::RecordBatch;

use super::chunk::{Block, Blocks};
use super::codec::{BLOCK_COLUMNS, STATE_COLUMNS, decode, decode_block};
use super::{GraphState, MANIFEST_PATH};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Stack, StorageErrorKind};
use crate::table::Table;

/// One version of the manifest: the dataset at that version, and what it says. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ManifestHead {
    pub(super) table: Table,
    pub(super) state: Arc<GraphState>,
    pub(super) blocks: Arc<Blocks>,
}

impl ManifestHead {
    /// Opens the newest version: a list and two reads.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no graph, [`ErrorKind::Corrupt`] when the manifest cannot be read for what
    /// it is, else the store's trouble.
    pub async fn open(stack: &Stack) -> Result<ManifestHead> {
        let opened = match Table::open_head(stack, MANIFEST_PATH).await {
            Ok(table) => Self::read(table).await,
            Err(e) if e.kind() == ErrorKind::NotFound => {
                let error = Error::new(ErrorKind::NotFound, format!("there is no graph at {}", stack.identity()));
                return Err(error.with_advice("create it, or check the URI").with_source(e));
            }
            Err(e) => Err(e),
        };
        match opened {
            Err(e) if e.is_damage() && newest_is_empty(stack).await => {
                Err(Error::corrupt("the newest version of the graph manifest is an empty file")
                    .with_advice(
                        "a power cut may leave it so: run `omnigraph repair --manifest` to look at it and decide",
                    )
                    .with_source(e))
            }
            Err(e)
                if matches!(
                    StorageErrorKind::of(&e),
                    Some(StorageErrorKind::NotFound | StorageErrorKind::CutShort)
                ) =>
            {
                Err(Error::corrupt(format!("the newest version of the graph manifest is damaged: {}", e.message()))
                    .with_advice(
                        "run `omnigraph repair --manifest` to look at it and decide, or restore it from a backup",
                    )
                    .with_source(e))
            }
            opened => opened,
        }
    }

    /// The newest version now. Costs one list when `self` is the newest, and two reads more when it is not.
    ///
    /// # Errors
    /// As [`ManifestHead::open`].
    pub async fn latest(&self) -> Result<ManifestHead> {
        let newest = self.table.head().await?;
        if newest == self.state.version { Ok(self.clone()) } else { self.at(newest).await }
    }

    /// Another version.
    ///
    /// # Errors
    /// As [`ManifestHead::open`].
    pub async fn at(&self, version: u64) -> Result<ManifestHead> {
        if version == self.state.version {
            return Ok(self.clone());
        }
        let mut other = Self::read(self.table.at(version).await?).await?;
        // Another life has another history.
        if other.state.incarnation == self.state.incarnation {
            other.blocks = Arc::clone(&self.blocks);
        }
        Ok(other)
    }

    pub(crate) async fn read(table: Table) -> Result<ManifestHead> {
        let state = Arc::new(decode(table.version(), &rows_of(&table, &STATE_COLUMNS).await?)?);
        Ok(ManifestHead { table, state, blocks: Arc::default() })
    }

    /// The block of version `end`, the last of a chunk at or below this version; that of its chunk alone where it has none. Two or three
    /// reads, unless it is kept.
    pub(super) async fn block(&self, end: u64) -> Result<Block> {
        if let Some(block) = self.blocks.get(end) {
            return Ok(block);
        }
        let table = if end == self.state.version { self.table.clone() } else { self.table.at(end).await? };
        let block = match decode_block(end, &rows_of(&table, &BLOCK_COLUMNS).await?)? {
            Some(block) => block,
            None => Block::of_chunk(&decode(end, &rows_of(&table, &STATE_COLUMNS).await?)?),
        };
        self.blocks.keep(end, &block);
        Ok(block)
    }

    /// What this version says.
    pub fn state(&self) -> &Arc<GraphState> {
        &self.state
    }
}

async fn rows_of(table: &Table, columns: &[&str]) -> Result<RecordBatch> {
    let mut scan = table.dataset().scan();
    let selected = scan.project(columns).map_err(Error::from)?;
    let batch = selected.try_into_batch().await;
    batch.map_err(|e| Error::from(e).context(format_args!("read version {} of the graph manifest", table.version())))
}

/// Whether the newest version has no byte. Lance says of it what it says of a store that does not answer.
async fn newest_is_empty(stack: &Stack) -> bool {
    let listed = stack.objects().list(&format!("{MANIFEST_PATH}/_versions")).await.unwrap_or_default();
    // Names count down: the newest one is first.
    let newest = listed
        .iter()
        .filter(|object| object.file_name().ends_with(".manifest"))
        .min_by_key(|object| object.file_name());
    newest.is_some_and(|object| object.bytes() == 0)
}
