//! `rustfs`: one RustFS container a run, one bucket a cell; and one more container for each cell that stops its own.
//!
//! [`instance`] is a running container, [`own`] what a cell does to one of its own, [`log`] what containers wrote.

mod instance;
mod log;
mod own;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use self::instance::Instance;
use self::log::Log;
use self::own::{OwnContainer, RemoveContainer};
use super::cell::{CellStore, Cleanup, cell_name};
use super::config::{RunContext, RustfsConfig};
use super::docker::Engine;
use super::error::BackendError;
use super::preflight::{self, PreflightAnswer};
use super::running::Running;
use super::{Backend, BackendKind, Container};

const NAME: &str = "rustfs";

/// A RustFS container as a backend.
#[derive(Debug)]
pub struct Rustfs {
    config: RustfsConfig,
    log: Log,
    running: Running<Started>,
}

#[derive(Debug)]
struct Started {
    run_id: String,
    shared: Instance,
    cells: AtomicU64,
    /// Containers that cells had to themselves.
    own: Mutex<Vec<Arc<Instance>>>,
}

impl Rustfs {
    /// Fails, with the way out, when there is no Docker engine or no image on this machine. Starts nothing.
    pub async fn detect(config: &RustfsConfig) -> Result<Self, BackendError> {
        let engine = Engine::connect(NAME).await?;
        engine.expect_image(&config.reference()).await?;
        Ok(Self { config: config.clone(), log: Log::default(), running: Running::new(NAME) })
    }
}

#[async_trait]
impl Backend for Rustfs {
    fn kind(&self) -> BackendKind {
        BackendKind::Rustfs
    }

    async fn start(&self, run: &RunContext) -> Result<(), BackendError> {
        self.running.expect_new()?;
        let shared = Instance::start(&self.config, &run.run_id, &self.log).await?;
        let run_id = run.run_id.clone();
        self.running.set(Started { run_id, shared, cells: AtomicU64::new(0), own: Mutex::default() })
    }

    async fn cell(&self, id: &str) -> Result<CellStore, BackendError> {
        let started = self.running.get()?;
        let bucket = cell_name(id, started.cells.fetch_add(1, Ordering::Relaxed));
        started.shared.client.create_bucket(&bucket).await?;
        let uri = format!("s3://{bucket}/graph");
        let storage = started.shared.storage.clone();
        Ok(CellStore::new(uri, storage, Some(Box::new(RemoveBucket { started, bucket }))))
    }

    async fn own_cell(&self, id: &str) -> Result<(CellStore, Arc<dyn Container>), BackendError> {
        let started = self.running.get()?;
        let instance = Arc::new(Instance::start(&self.config, &started.run_id, &self.log).await?);
        // From here on the run removes it, whatever becomes of the cell.
        started.own.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&instance));
        let bucket = cell_name(id, started.cells.fetch_add(1, Ordering::Relaxed));
        instance.client.create_bucket(&bucket).await?;
        let container = Arc::new(OwnContainer::new(Arc::clone(&instance)).await?);
        let storage = instance.storage.clone();
        let store = CellStore::new(format!("s3://{bucket}/graph"), storage, Some(Box::new(RemoveContainer(instance))));
        Ok((store, container))
    }

    async fn preflight(&self) -> Result<Vec<PreflightAnswer>, BackendError> {
        preflight::ask(NAME, self.cell("preflight").await?).await
    }

    async fn logs(&self) -> Option<String> {
        Some(self.log.text())
    }

    /// Containers are removed even where a run keeps its cells: nobody else knows their credentials.
    async fn stop(&self) -> Result<(), BackendError> {
        let Some(started) = self.running.take() else { return Ok(()) };
        let own = std::mem::take(&mut *started.own.lock().unwrap_or_else(PoisonError::into_inner));
        let mut outcome = started.shared.remove().await;
        for instance in own {
            let removed = instance.remove().await;
            outcome = outcome.and(removed);
        }
        outcome
    }
}

#[derive(Debug)]
struct RemoveBucket {
    started: Arc<Started>,
    bucket: String,
}

#[async_trait]
impl Cleanup for RemoveBucket {
    async fn cleanup(self: Box<Self>) -> Result<(), BackendError> {
        self.started.shared.client.remove_objects(&self.bucket, "").await?;
        self.started.shared.client.delete_bucket(&self.bucket).await
    }
}
