//! Landing a staged transaction on exactly the next version, of a table or of the manifest.
//!
//! Lance rebases a commit over foreign ones even with zero retries. A commit handler that refuses every version but
//! the planned one makes the commit strict, so that a table which another process moved is left alone; where a commit
//! landed is checked nevertheless.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use lance::Dataset;
use lance::dataset::CommitBuilder;
use lance::dataset::transaction::Transaction;
use lance_io::object_store::ObjectStore;
use lance_table::format::{self, IndexMetadata, Manifest};
use lance_table::io::commit::{CommitError, CommitHandler, ManifestLocation, ManifestNamingScheme, ManifestWriter};
use object_store::path::Path;

use super::{StagedTable, Table};
use crate::error::{Error, ErrorKind};
use crate::storage::Stack;

/// Where a commit landed.
#[derive(Clone, Debug)]
pub struct Landing {
    /// The table at the version that the commit made.
    pub table: Table,
}

/// Why a commit did not land, and whether that is certain.
#[derive(Debug)]
pub enum CommitFailure {
    /// Another writer moved the table first. Nothing of this commit is visible, for certain.
    Moved(Error),
    /// The store failed before the version was put. Nothing of this commit is visible, for certain.
    Failed(Error),
    /// The commit may have landed, or it landed elsewhere than planned.
    Unknown(Error),
}

impl CommitFailure {
    /// The error inside.
    pub fn into_error(self) -> Error {
        match self {
            CommitFailure::Moved(e) | CommitFailure::Failed(e) | CommitFailure::Unknown(e) => e,
        }
    }
}

/// Refuses a commit at any version but one, before anything is written.
#[derive(Debug)]
struct ExactVersion {
    expected: u64,
    /// Whether the put of the version was begun.
    begun: AtomicBool,
    inner: Arc<dyn CommitHandler>,
}

#[derive(Debug)]
struct TableMoved {
    expected: u64,
    actual: u64,
}

impl std::fmt::Display for TableMoved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the commit was planned as version {} and would have become version {}", self.expected, self.actual)
    }
}

impl std::error::Error for TableMoved {}

#[async_trait]
impl CommitHandler for ExactVersion {
    fn is_version_not_found_definitive(&self) -> bool {
        self.inner.is_version_not_found_definitive()
    }

    fn propagate_commit_error_after_success(&self) -> bool {
        self.inner.propagate_commit_error_after_success()
    }

    async fn commit(
        &self,
        manifest: &mut Manifest,
        indices: Option<Vec<IndexMetadata>>,
        base_path: &Path,
        object_store: &ObjectStore,
        manifest_writer: ManifestWriter,
        naming_scheme: ManifestNamingScheme,
        transaction: Option<format::Transaction>,
    ) -> Result<ManifestLocation, CommitError> {
        if manifest.version != self.expected {
            let moved = TableMoved { expected: self.expected, actual: manifest.version };
            return Err(CommitError::OtherError(lance::Error::invalid_input_source(Box::new(moved))));
        }
        self.begun.store(true, Ordering::Relaxed);
        self.inner.commit(manifest, indices, base_path, object_store, manifest_writer, naming_scheme, transaction).await
    }
}

impl StagedTable {
    /// Commits on the version after the table's base version, or not at all.
    ///
    /// # Errors
    /// See [`CommitFailure`].
    pub async fn commit(&self, stack: &Stack) -> Result<Landing, CommitFailure> {
        let dataset = self.table.land(stack, self.transaction.clone()).await?;
        Ok(Landing { table: Table::from_dataset(self.table.path(), dataset) })
    }
}

impl Table {
    /// Commits `transaction` as the version after this one, or not at all.
    ///
    /// # Errors
    /// See [`CommitFailure`].
    pub(crate) async fn land(&self, stack: &Stack, transaction: Transaction) -> Result<Dataset, CommitFailure> {
        let expected = self.version() + 1;
        let path = self.path();
        let handler =
            Arc::new(ExactVersion { expected, begun: AtomicBool::new(false), inner: stack.lance().commit_handler() });
        let committed = CommitBuilder::new(Arc::clone(self.dataset()))
            .with_commit_handler(Arc::clone(&handler) as Arc<dyn CommitHandler>)
            .with_max_retries(0)
            .with_skip_auto_cleanup(true)
            .execute(transaction)
            .await;
        match committed {
            Ok(dataset) => {
                let landed = dataset.version().version;
                if landed != expected {
                    let error = Error::internal(format!(
                        "a commit to table `{path}` was planned as version {expected} and landed on {landed}"
                    ));
                    return Err(CommitFailure::Unknown(error));
                }
                Ok(dataset)
            }
            Err(e)
                if is_moved(&e) && (!handler.begun.load(Ordering::Relaxed) || self.is_taken(stack, expected).await) =>
            {
                let error =
                    Error::conflict(format!("another writer moved table `{path}` past version {}", expected - 1))
                        .with_source(e);
                Err(CommitFailure::Moved(error))
            }
            // Whatever the error says: a client repeats a request that broke off, and what the store says to its last
            // attempt is no word about its first. Nor does one read show that a request will never land.
            Err(e) if e.is_commit_status_unknown() || handler.begun.load(Ordering::Relaxed) => {
                let error =
                    Error::new(ErrorKind::Storage, format!("a commit to table `{path}` may or may not have landed"))
                        .with_source(e);
                Err(CommitFailure::Unknown(error))
            }
            Err(e) => Err(CommitFailure::Failed(Error::from(e).context(format_args!("commit to table `{path}`")))),
        }
    }
}

impl Table {
    /// Whether `version` is there. Where a store repeats a request that broke off, its last answer can be a conflict with a request
    /// of ours that has not taken effect yet, or never does.
    async fn is_taken(&self, stack: &Stack, version: u64) -> bool {
        Table::open(stack, self.path(), version).await.is_ok()
    }
}

fn is_moved(error: &lance::Error) -> bool {
    match error {
        lance::Error::CommitConflict { .. }
        | lance::Error::RetryableCommitConflict { .. }
        | lance::Error::IncompatibleTransaction { .. }
        | lance::Error::TooMuchWriteContention { .. } => true,
        lance::Error::InvalidInput { source, .. } => source.is::<TableMoved>(),
        _ => false,
    }
}
