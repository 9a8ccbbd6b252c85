//! `local`: a folder of this run, one folder in it for each cell.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use omnigraph::storage::StorageOptions;

use super::cell::{CellStore, Cleanup, cell_name};
use super::config::RunContext;
use super::error::BackendError;
use super::preflight::{self, PreflightAnswer};
use super::running::Running;
use super::{Backend, BackendKind};

const NAME: &str = "local";

/// Local files through `object_store`.
#[derive(Debug)]
pub struct Local {
    running: Running<Folder>,
}

#[derive(Debug)]
struct Folder {
    root: PathBuf,
    keep: bool,
    cells: AtomicU64,
    kept: Mutex<BTreeSet<PathBuf>>,
}

impl Folder {
    /// The folders of cells that were kept.
    fn kept(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes every cell that was not kept, and the folder itself where none was.
    async fn remove(&self) -> Result<(), BackendError> {
        let kept = self.kept().clone();
        if kept.is_empty() {
            return remove(&self.root).await;
        }
        let failed = |error| trouble("read", &self.root, error);
        let mut cells = tokio::fs::read_dir(&self.root).await.map_err(failed)?;
        while let Some(cell) = cells.next_entry().await.map_err(failed)? {
            if !kept.contains(&cell.path()) {
                remove(&cell.path()).await?;
            }
        }
        Ok(())
    }
}

impl Local {
    /// Nothing is written before `start`.
    pub fn new() -> Self {
        Self { running: Running::new(NAME) }
    }
}

impl Default for Local {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Backend for Local {
    fn kind(&self) -> BackendKind {
        BackendKind::Local
    }

    async fn start(&self, run: &RunContext) -> Result<(), BackendError> {
        self.running.expect_new()?;
        let root = std::path::absolute(run.scratch.join(NAME)).map_err(|error| trouble("find", &run.scratch, error))?;
        tokio::fs::create_dir_all(&root).await.map_err(|error| trouble("create", &root, error))?;
        self.running.set(Folder { root, keep: run.keep, cells: AtomicU64::new(0), kept: Mutex::default() })
    }

    async fn cell(&self, id: &str) -> Result<CellStore, BackendError> {
        let folder = self.running.get()?;
        let sequence = folder.cells.fetch_add(1, Ordering::Relaxed);
        let cell = folder.root.join(cell_name(id, sequence));
        let graph = cell.join("graph");
        // `create_dir` for the cell itself: a folder that is there already would not be empty.
        tokio::fs::create_dir(&cell).await.map_err(|error| trouble("create", &cell, error))?;
        tokio::fs::create_dir(&graph).await.map_err(|error| trouble("create", &graph, error))?;
        let uri = graph.to_str().map(str::to_owned).ok_or_else(|| {
            BackendError::new(NAME, format!("the folder {} has a name that is not utf-8", graph.display()))
                .with_advice("run in a folder with a plain name")
        })?;
        Ok(CellStore::new(uri, StorageOptions::default(), Some(Box::new(RemoveFolder { folder, cell }))))
    }

    async fn preflight(&self) -> Result<Vec<PreflightAnswer>, BackendError> {
        preflight::ask(NAME, self.cell("preflight").await?).await
    }

    async fn stop(&self) -> Result<(), BackendError> {
        match self.running.take() {
            Some(folder) if !folder.keep => folder.remove().await,
            _ => Ok(()),
        }
    }
}

#[derive(Debug)]
struct RemoveFolder {
    folder: Arc<Folder>,
    cell: PathBuf,
}

#[async_trait]
impl Cleanup for RemoveFolder {
    async fn cleanup(self: Box<Self>) -> Result<(), BackendError> {
        remove(&self.cell).await
    }

    fn keep(&self) {
        self.folder.kept().insert(self.cell.clone());
    }
}

async fn remove(folder: &std::path::Path) -> Result<(), BackendError> {
    match tokio::fs::remove_dir_all(folder).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(trouble("remove", folder, error)),
        _ => Ok(()),
    }
}

fn trouble(verb: &str, folder: &std::path::Path, error: std::io::Error) -> BackendError {
    BackendError::new(NAME, format!("cannot {verb} the folder {}", folder.display()))
        .with_source(error)
        .with_advice("point the run at a folder that can be written to")
}
