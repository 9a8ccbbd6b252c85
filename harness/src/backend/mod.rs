//! Where a scenario's bytes live: one folder or file a backend, all behind [`Backend`].
//!
//! Reading order: this file, [`access`] (what a worker needs to reach a cell), [`local`], [`memory`], [`s3`] (the endpoint
//! that this program embeds), [`rustfs`], [`service`], then [`preflight`] and [`reap`].
//!
//! A run asks [`available`] for each backend that it wants, calls [`Backend::start`] once, [`Backend::preflight`] once,
//! [`Backend::cell`] once for every scenario, and [`Backend::stop`] at the end. Whatever goes wrong in here is trouble
//! with the infrastructure and never a broken invariant, which is why all of it is a [`BackendError`].

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub mod access;
pub mod cell;
pub mod config;
pub mod docker;
pub mod error;
pub mod local;
pub mod memory;
pub mod preflight;
pub mod reap;
mod running;
pub mod rustfs;
pub mod s3;
mod s3_client;
pub mod service;

use crate::scenario::model::ContainerCall;

pub use access::CellAddress;
pub use cell::{CellStore, Cleanup, cell_name};
pub use config::{BackendConfig, RunContext, RustfsConfig, ServiceConfig};
pub use error::BackendError;
pub use preflight::{PreflightAnswer, PreflightOutcome};

/// Which backend is meant, as a scenario or the command line spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackendKind {
    /// A temporary directory, through `object_store`.
    Local,
    /// A named in-memory store inside the worker process.
    Memory,
    /// The S3 endpoint that the supervisor embeds.
    S3,
    /// A RustFS container.
    Rustfs,
    /// Any other S3 service, from the usual `AWS_*` settings. Never part of a default run.
    Service,
}

impl BackendKind {
    /// Every kind, in the order in which reports show them.
    pub const ALL: &'static [BackendKind] =
        &[BackendKind::Local, BackendKind::Memory, BackendKind::S3, BackendKind::Rustfs, BackendKind::Service];

    /// The name in scenario files, on the command line and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            BackendKind::Local => "local",
            BackendKind::Memory => "memory",
            BackendKind::S3 => "s3",
            BackendKind::Rustfs => "rustfs",
            BackendKind::Service => "service",
        }
    }

    /// What a backend of this kind can do, known without starting it, so that a plan can be judged before a run.
    pub fn capabilities(self) -> Capabilities {
        use Capability::*;
        let list: &[Capability] = match self {
            BackendKind::Local => &[ProcessKill, ManyProcesses, SharedBytesAcrossProcesses],
            BackendKind::Memory => &[],
            BackendKind::S3 => &[ProcessKill, ManyProcesses, SharedBytesAcrossProcesses, Wire],
            BackendKind::Rustfs => &[ProcessKill, ManyProcesses, SharedBytesAcrossProcesses, Wire, Container],
            BackendKind::Service => &[ProcessKill, ManyProcesses, SharedBytesAcrossProcesses, Wire],
        };
        list.iter().copied().collect()
    }
}

impl fmt::Display for BackendKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for BackendKind {
    type Err = BackendError;

    fn from_str(text: &str) -> Result<Self, BackendError> {
        BackendKind::ALL.iter().copied().find(|kind| kind.as_str() == text).ok_or_else(|| {
            let names: Vec<&str> = BackendKind::ALL.iter().map(|kind| kind.as_str()).collect();
            BackendError::new("backend", format!("no backend is named {text:?}"))
                .with_advice(format!("the backends are {}", names.join(", ")))
        })
    }
}

/// Something that a scenario may ask of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// The bytes outlive a worker that is killed with SIGKILL.
    ProcessKill,
    /// Several worker processes can work on one cell at a time.
    ManyProcesses,
    /// Another process, the supervisor for one, can read a cell's bytes through its [`CellAddress`].
    SharedBytesAcrossProcesses,
    /// There is a wire between client and store that a fault can cut.
    Wire,
    /// The store itself is a container that can be stopped, killed or paused.
    Container,
}

impl Capability {
    /// The name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Capability::ProcessKill => "process-kill",
            Capability::ManyProcesses => "many-processes",
            Capability::SharedBytesAcrossProcesses => "shared-bytes-across-processes",
            Capability::Wire => "wire",
            Capability::Container => "container",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The capabilities of one backend, sorted.
pub type Capabilities = BTreeSet<Capability>;

/// One place where graphs can be put.
///
/// Methods take `&self` so that a run can share one backend between its workers. All of them except `kind`,
/// `capabilities` and `stop` fail before [`Backend::start`] has succeeded.
#[async_trait]
pub trait Backend: fmt::Debug + Send + Sync {
    /// Which backend this is.
    fn kind(&self) -> BackendKind;

    /// The name in reports.
    fn name(&self) -> &'static str {
        self.kind().as_str()
    }

    /// What scenarios may ask of it.
    fn capabilities(&self) -> Capabilities {
        self.kind().capabilities()
    }

    /// Brings the backend up for one run. Bounded; a second call is an error.
    async fn start(&self, run: &RunContext) -> Result<(), BackendError>;

    /// An empty place for one scenario. `id` may be any text; two different ids never share bytes, nor do two calls with
    /// one id.
    async fn cell(&self, id: &str) -> Result<CellStore, BackendError>;

    /// The same in a container that belongs to the cell alone, where the backend has [`Capability::Container`].
    async fn own_cell(&self, _id: &str) -> Result<(CellStore, Arc<dyn Container>), BackendError> {
        Err(BackendError::new(self.name(), "has no container that a cell could have to itself"))
    }

    /// Asks the backend for every promise that the engine builds on. An `Err` means that the questions could not be asked.
    async fn preflight(&self) -> Result<Vec<PreflightAnswer>, BackendError>;

    /// What the backend itself logged so far, for a failure's bundle; at most a few megabytes. `None` where there is no
    /// such log.
    async fn logs(&self) -> Option<String> {
        None
    }

    /// Takes the backend down and removes what it left, unless the run keeps it, or [`CellStore::keep`] did. Idempotent.
    async fn stop(&self) -> Result<(), BackendError>;
}

/// A container that one cell has to itself.
#[async_trait]
pub trait Container: fmt::Debug + Send + Sync {
    /// Does something to it. Where it answers afterwards, it is waited for until it is ready, and its endpoint is
    /// returned: it may be another one than before. Bounded.
    async fn act(&self, call: ContainerCall) -> Result<Option<String>, BackendError>;
}

/// Whether a backend can be had here.
#[derive(Debug)]
pub enum Availability {
    /// It can; not started yet.
    Ready(Box<dyn Backend>),
    /// It cannot, with the reason and the way out in one sentence.
    Absent {
        /// What is missing, and how to get it.
        reason: String,
    },
}

/// Looks whether `kind` can be had here. Bounded to a few seconds; never pulls an image and never writes anything.
pub async fn available(kind: BackendKind, config: &BackendConfig) -> Availability {
    match kind {
        BackendKind::Local => Availability::Ready(Box::new(local::Local::new())),
        BackendKind::Memory => Availability::Ready(Box::new(memory::Memory::new())),
        BackendKind::S3 => Availability::Ready(Box::new(s3::EmbeddedS3::new())),
        BackendKind::Rustfs => match rustfs::Rustfs::detect(&config.rustfs).await {
            Ok(backend) => Availability::Ready(Box::new(backend)),
            Err(error) => Availability::Absent { reason: error.to_string() },
        },
        BackendKind::Service => match &config.service {
            Some(settings) => Availability::Ready(Box::new(service::Service::new(settings.clone()))),
            None => Availability::Absent { reason: service::ABSENT.to_owned() },
        },
    }
}
