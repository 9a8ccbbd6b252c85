//! `memory`: a named store inside the worker process. Nothing of it is in the supervisor, and a killed worker takes the
//! bytes with it: a crash is told to the store instead, which then refuses every later call of the dead incarnation.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use omnigraph::storage::StorageOptions;

use super::cell::{CellStore, cell_name};
use super::config::RunContext;
use super::error::BackendError;
use super::preflight::{self, PreflightAnswer};
use super::running::Running;
use super::{Backend, BackendKind};

const NAME: &str = "memory";

/// One in-memory store per cell.
#[derive(Debug)]
pub struct Memory {
    running: Running<Names>,
}

#[derive(Debug)]
struct Names {
    run_id: String,
    cells: AtomicU64,
}

impl Memory {
    /// Costs nothing.
    pub fn new() -> Self {
        Self { running: Running::new(NAME) }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Backend for Memory {
    fn kind(&self) -> BackendKind {
        BackendKind::Memory
    }

    async fn start(&self, run: &RunContext) -> Result<(), BackendError> {
        self.running.set(Names { run_id: run.run_id.clone(), cells: AtomicU64::new(0) })
    }

    async fn cell(&self, id: &str) -> Result<CellStore, BackendError> {
        let names = self.running.get()?;
        let name = cell_name(id, names.cells.fetch_add(1, Ordering::Relaxed));
        // The run stands in the name because one test process holds the stores of several runs.
        let uri = format!("memory://{}.{name}", names.run_id);
        Ok(CellStore::new(uri, StorageOptions::default(), None))
    }

    async fn preflight(&self) -> Result<Vec<PreflightAnswer>, BackendError> {
        preflight::ask(NAME, self.cell("preflight").await?).await
    }

    async fn stop(&self) -> Result<(), BackendError> {
        self.running.take();
        Ok(())
    }
}
