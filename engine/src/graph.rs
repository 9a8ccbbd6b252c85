//! The façade: an open graph.

use std::sync::Arc;

use arrow_array::RecordBatch;
use tokio::io::AsyncBufRead;

use crate::builder::GraphBuilder;
use crate::error::Result;
use crate::handle::Handle;
use crate::history::Commit;
use crate::manifest;
use crate::recovery::{self, HealReport, Recovery};
use crate::sql;
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
        let runtime = &self.handle.runtime;
        let mut input = write::load::Input::new(reader);
        write::run(&self.handle, WriterKind::Load, async |snapshot: &Snapshot| {
            write::load::prepare(runtime, snapshot, &load, &mut input).await
        })
        .await
    }

    /// Runs SQL statements that change rows. Each sees what the former did; all of it becomes visible at once, or
    /// nothing.
    ///
    /// # Errors
    /// As [`Graph::load`].
    pub async fn mutate(&self, mutate: Mutate) -> Result<WriteReport> {
        let runtime = &self.handle.runtime;
        write::run(&self.handle, WriterKind::Mutate, async |snapshot: &Snapshot| {
            sql::deep(write::mutate::prepare(runtime, snapshot, &mutate)).await.map(Some)
        })
        .await
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

    /// The newest `limit` commits that this handle sees, newest first.
    ///
    /// # Errors
    /// The store's trouble.
    pub async fn commits(&self, limit: usize) -> Result<Vec<Commit>> {
        manifest::log(self.snapshot().manifest(), limit).await
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
