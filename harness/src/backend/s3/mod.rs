//! `s3`: an S3 endpoint inside this program, on a loopback port: real HTTP, real signatures, true conditional writes.
//!
//! Reading order: [`endpoint`] (the HTTP server), `service` (which S3 operations there are), `bucket` (the bytes and the
//! lock that makes conditional writes true), then one file for each kind of call.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use super::cell::{CellStore, Cleanup, cell_name};
use super::config::RunContext;
use super::error::BackendError;
use super::preflight::{self, PreflightAnswer};
use super::running::Running;
use super::{Backend, BackendKind};

mod attributes;
mod body;
mod bucket;
mod condition;
pub mod endpoint;
mod listing;
mod multipart;
mod objects;
mod service;

pub use endpoint::{Endpoint, EndpointLimits};

const NAME: &str = "s3";

/// The embedded endpoint as a backend: a bucket a cell.
#[derive(Debug)]
pub struct EmbeddedS3 {
    running: Running<Started>,
}

#[derive(Debug)]
struct Started {
    endpoint: Endpoint,
    cells: AtomicU64,
}

impl EmbeddedS3 {
    /// Listens on nothing before `start`.
    pub fn new() -> Self {
        Self { running: Running::new(NAME) }
    }
}

impl Default for EmbeddedS3 {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Backend for EmbeddedS3 {
    fn kind(&self) -> BackendKind {
        BackendKind::S3
    }

    async fn start(&self, _run: &RunContext) -> Result<(), BackendError> {
        self.running.expect_new()?;
        let endpoint = Endpoint::start(EndpointLimits::default()).await?;
        self.running.set(Started { endpoint, cells: AtomicU64::new(0) })
    }

    async fn cell(&self, id: &str) -> Result<CellStore, BackendError> {
        let started = self.running.get()?;
        let bucket = cell_name(id, started.cells.fetch_add(1, Ordering::Relaxed));
        started.endpoint.create_bucket(&bucket)?;
        let storage = started.endpoint.storage();
        let uri = format!("s3://{bucket}/graph");
        let cleanup = Box::new(RemoveBucket { started, bucket });
        Ok(CellStore::new(uri, storage, Some(cleanup)))
    }

    async fn preflight(&self) -> Result<Vec<PreflightAnswer>, BackendError> {
        preflight::ask(NAME, self.cell("preflight").await?).await
    }

    async fn stop(&self) -> Result<(), BackendError> {
        if let Some(started) = self.running.take() {
            started.endpoint.stop().await;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct RemoveBucket {
    started: std::sync::Arc<Started>,
    bucket: String,
}

#[async_trait]
impl Cleanup for RemoveBucket {
    async fn cleanup(self: Box<Self>) -> Result<(), BackendError> {
        self.started.endpoint.remove_bucket(&self.bucket);
        Ok(())
    }
}
