//! Opening and creating datasets.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchIterator};
use arrow_schema::SchemaRef;
use lance::Dataset;
use lance::dataset::{InsertBuilder, WriteMode, WriteParams};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::Stack;

/// One dataset at one version. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Table {
    path: Arc<str>,
    dataset: Arc<Dataset>,
}

impl Table {
    /// Opens the dataset at `path` (below the graph root) at `version`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the dataset or the version does not exist, else the store's trouble.
    pub async fn open(stack: &Stack, path: &str, version: u64) -> Result<Table> {
        let dataset = stack.lance().dataset(path).with_version(version).load().await;
        let dataset =
            dataset.map_err(|e| Error::from(e).context(format_args!("table `{path}` at version {version}")))?;
        Ok(Table::from_dataset(path, dataset))
    }

    /// Opens the dataset at `path` at its HEAD.
    ///
    /// # Errors
    /// As [`Table::open`].
    pub async fn open_head(stack: &Stack, path: &str) -> Result<Table> {
        let dataset = stack.lance().dataset(path).load().await;
        let dataset = dataset.map_err(|e| Error::from(e).context(format_args!("HEAD of table `{path}`")))?;
        Ok(Table::from_dataset(path, dataset))
    }

    /// Creates an empty dataset at `path`; its first version is 1.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] when there is one already, else the store's trouble.
    pub async fn create(stack: &Stack, path: &str, schema: SchemaRef) -> Result<Table> {
        let params = WriteParams { mode: WriteMode::Create, ..stack.lance().write_params() };
        let empty = RecordBatch::new_empty(Arc::clone(&schema));
        let reader = RecordBatchIterator::new([Ok(empty)], schema);
        let uri = stack.lance().uri(path);
        let created = InsertBuilder::new(uri.as_str()).with_params(&params).execute_stream(reader).await;
        let dataset = created.map_err(|e| match e {
            lance::Error::DatasetAlreadyExists { .. } | lance::Error::CommitConflict { .. } => {
                Error::new(ErrorKind::AlreadyExists, format!("table `{path}` exists already")).with_source(e)
            }
            e => Error::from(e).context(format_args!("create table `{path}`")),
        })?;
        Ok(Table::from_dataset(path, dataset))
    }

    pub(crate) fn from_dataset(path: &str, dataset: Dataset) -> Table {
        Table { path: path.into(), dataset: Arc::new(dataset) }
    }

    /// The dataset's path below the graph root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The version that this handle reads.
    pub fn version(&self) -> u64 {
        self.dataset.version().version
    }

    /// The dataset's Lance branch that this handle reads; `main` where it has no other.
    pub fn lance_branch(&self) -> &str {
        self.dataset.manifest().branch.as_deref().unwrap_or("main")
    }

    /// The dataset at this version.
    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }

    /// Rows that are visible at this version.
    ///
    /// # Errors
    /// The store's trouble.
    pub async fn count_rows(&self) -> Result<u64> {
        Ok(self.dataset.count_rows(None).await? as u64)
    }

    /// Whether no fragment exists, which is known without a store call.
    pub fn is_empty(&self) -> bool {
        self.dataset.manifest().fragments.is_empty()
    }

    /// The same dataset at another version.
    ///
    /// # Errors
    /// As [`Table::open`].
    pub async fn at(&self, version: u64) -> Result<Table> {
        let dataset = self.dataset.checkout_version(version).await;
        let dataset =
            dataset.map_err(|e| Error::from(e).context(format_args!("table `{}` at version {version}", self.path)))?;
        Ok(Table::from_dataset(&self.path, dataset))
    }
}
