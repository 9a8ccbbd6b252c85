//! `service`: any S3 service that somebody else runs. Every run works below a prefix of its own in one given bucket.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::cell::{CellStore, Cleanup, cell_name};
use super::config::{RunContext, ServiceConfig};
use super::error::BackendError;
use super::preflight::{self, PreflightAnswer};
use super::running::Running;
use super::s3_client::S3Client;
use super::{Backend, BackendKind};

const NAME: &str = "service";

/// Why the backend is absent where no service is configured.
pub(super) const ABSENT: &str = "service: no s3 service is configured; name a bucket in CHAOS_S3_BUCKET and set AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";

/// A foreign S3 service as a backend.
#[derive(Debug)]
pub struct Service {
    config: ServiceConfig,
    running: Running<Started>,
}

#[derive(Debug)]
struct Started {
    client: S3Client,
    /// Ends in a slash.
    prefix: String,
    keep: bool,
    cells: AtomicU64,
    /// Prefixes of cells that were neither removed nor kept.
    open: Mutex<BTreeSet<String>>,
    /// Whether a cell was kept.
    has_kept: AtomicBool,
}

impl Started {
    fn open(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes what is below the run's prefix, but for cells that were kept.
    async fn remove(&self, bucket: &str) -> Result<(), BackendError> {
        if !self.has_kept.load(Ordering::Relaxed) {
            return self.client.remove_objects(bucket, &self.prefix).await;
        }
        let open = self.open().clone();
        for prefix in open {
            self.client.remove_objects(bucket, &prefix).await?;
        }
        Ok(())
    }
}

impl Service {
    /// Makes no call before the first cell is used.
    pub fn new(config: ServiceConfig) -> Self {
        Self { config, running: Running::new(NAME) }
    }
}

#[async_trait]
impl Backend for Service {
    fn kind(&self) -> BackendKind {
        BackendKind::Service
    }

    async fn start(&self, run: &RunContext) -> Result<(), BackendError> {
        self.running.expect_new()?;
        let client = S3Client::new(NAME, self.config.storage.s3.clone())?;
        let outer = self.config.prefix.trim_matches('/');
        let prefix = if outer.is_empty() { format!("{}/", run.run_id) } else { format!("{outer}/{}/", run.run_id) };
        self.running.set(Started {
            client,
            prefix,
            keep: run.keep,
            cells: AtomicU64::new(0),
            open: Mutex::default(),
            has_kept: AtomicBool::new(false),
        })
    }

    async fn cell(&self, id: &str) -> Result<CellStore, BackendError> {
        let started = self.running.get()?;
        let name = cell_name(id, started.cells.fetch_add(1, Ordering::Relaxed));
        let prefix = format!("{}{name}/", started.prefix);
        let bucket = self.config.bucket.clone();
        let uri = format!("s3://{bucket}/{prefix}graph");
        started.open().insert(prefix.clone());
        let cleanup = Box::new(RemoveObjects { started, bucket, prefix });
        Ok(CellStore::new(uri, self.config.storage.clone(), Some(cleanup)))
    }

    async fn preflight(&self) -> Result<Vec<PreflightAnswer>, BackendError> {
        preflight::ask(NAME, self.cell("preflight").await?).await
    }

    async fn stop(&self) -> Result<(), BackendError> {
        match self.running.take() {
            Some(started) if !started.keep => started.remove(&self.config.bucket).await,
            _ => Ok(()),
        }
    }
}

#[derive(Debug)]
struct RemoveObjects {
    started: Arc<Started>,
    bucket: String,
    prefix: String,
}

#[async_trait]
impl Cleanup for RemoveObjects {
    async fn cleanup(self: Box<Self>) -> Result<(), BackendError> {
        self.started.client.remove_objects(&self.bucket, &self.prefix).await?;
        self.started.open().remove(&self.prefix);
        Ok(())
    }

    fn keep(&self) {
        self.started.open().remove(&self.prefix);
        self.started.has_kept.store(true, Ordering::Relaxed);
    }
}
