//! The façade: an open graph.

use std::sync::Arc;

use arrow_array::RecordBatch;
use tokio::io::AsyncBufRead;

use crate::builder::GraphBuilder;
use crate::error::Result;
use crate::handle::Handle;
use crate::history::Commit;
use crate::id::OperationId;
use crate::manifest;
use crate::recovery::{self, HealReport, Recovery};
use crate::write::load::Load;
use crate::write::mutate::Mutate;
use crate::write::repair::{self, Inspection, Repair, RepairReport};
use crate::write::{self, WriteReport};
use crate::writer::WriterKind;

pub use crate::manifest::Snapshot;

/// An open graph. Cheap to clone; all clones are one handle.
///
/// Handles of one process on one graph share their queues, so their writers never race each other.
#[derive(Clone, Debug)]
pub struct Graph {
    handle: Arc<Handle>,
}

impl Graph {
    /// A graph at `uri`: a path, `file:///path`, `memory://name` or `s3://bucket/prefix`.
    pub fn builder(uri: impl ToString) -> GraphBuilder {
        GraphBuilder::new(uri.to_string())
    }

    pub(crate) fn new(handle: Arc<Handle>) -> Self {
        Graph { handle }
    }

    #[cfg(test)]
    pub(crate) fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    /// Loads JSON lines from `reader`, streamed: memory does not grow with the input. All of it becomes visible at
    /// once, or nothing.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] naming lines that do not fit, [`crate::ErrorKind::Conflict`] when another writer
    /// was faster, [`crate::ErrorKind::InDoubt`] when recovery will decide, else as described at each kind.
    pub async fn load<R>(&self, load: Load, reader: R) -> Result<WriteReport>
    where
        R: AsyncBufRead + Send + Unpin + 'static,
    {
        let named = load.operation_id;
        let loading = write::load::Loading::new(&self.handle.runtime, load, reader);
        write::run(&self.handle, WriterKind::Load, named, loading).await
    }

    /// Runs SQL statements that change rows. Each sees what the former did; all of it becomes visible at once, or
    /// nothing.
    ///
    /// # Errors
    /// As [`Graph::load`].
    pub async fn mutate(&self, mutate: Mutate) -> Result<WriteReport> {
        let named = mutate.operation_id;
        let mutating = write::mutate::Mutating::new(&self.handle.runtime, mutate);
        write::run(&self.handle, WriterKind::Mutate, named, mutating).await
    }

    /// Runs one SQL query over what this handle sees now, as [`Snapshot::query`] does.
    ///
    /// # Errors
    /// Those of [`Snapshot::query`].
    pub async fn query(&self, sql: &str) -> Result<Vec<RecordBatch>> {
        self.snapshot().query(sql).await
    }

    /// What this handle sees now: the newest version that it has written or refreshed to. No store call.
    pub fn snapshot(&self) -> Snapshot {
        self.handle.snapshot()
    }

    /// Sees what others have published. On a read-write handle, what a crash left is finished or undone first, as far
    /// as that needs no restore.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`] when a sidecar cannot be read, else the store's trouble.
    pub async fn refresh(&self) -> Result<HealReport> {
        let report = match self.handle.mode {
            crate::handle::Mode::ReadWrite => self.handle.heal().await?,
            crate::handle::Mode::ReadOnly => HealReport::default(),
        };
        self.handle.reload().await?;
        Ok(report)
    }

    /// The newest `limit` commits that this handle sees, newest first. Two or three reads for each 32 of them.
    ///
    /// # Errors
    /// The store's trouble.
    pub async fn commits(&self, limit: usize) -> Result<Vec<Commit>> {
        manifest::log(self.snapshot().manifest(), limit).await
    }

    /// What became of an operation, as far as this handle sees: the commit that carries its id, or that of the last attempt at it where
    /// a write of that name was rolled back and called again. `None` says that there is none: it was refused, or it is pending, or
    /// nobody ever called one so.
    ///
    /// A few reads, however long ago that was ([how many](manifest::find_operation)).
    ///
    /// # Errors
    /// The store's trouble.
    pub async fn commit_of(&self, operation: OperationId) -> Result<Option<Commit>> {
        Ok(write::last_attempt(self.snapshot().manifest(), operation).await?.0)
    }

    /// What this handle saw at an earlier version of the graph.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] when there is no such version, else the store's trouble.
    pub async fn at(&self, graph_version: u64) -> Result<Snapshot> {
        let now = self.snapshot();
        let manifest = now.manifest().at(graph_version).await?;
        Snapshot::load(&self.handle.runtime, manifest, Some(&now)).await
    }

    /// Every recovery that was recorded, oldest first.
    ///
    /// # Errors
    /// The store's trouble.
    pub async fn recoveries(&self) -> Result<Vec<Recovery>> {
        recovery::recoveries(&self.handle.runtime.stack).await
    }

    /// Looks at drift that nothing covers, publishes it on an operator's word, or moves an unreadable sidecar away.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Refused`] while a sidecar is pending, else the store's trouble.
    pub async fn repair(&self, repair: Repair) -> Result<RepairReport> {
        repair::repair(&self.handle, repair).await
    }

    /// Sidecars, quarantined files and drift, for a human. Changes nothing.
    ///
    /// # Errors
    /// The store's trouble.
    pub async fn inspect(&self) -> Result<Inspection> {
        repair::inspect(&self.handle).await
    }
}
