//! How a graph is opened or created: what it lies on and what it runs on.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::create;
use crate::error::{Result, without_user_info};
use crate::failpoint::Scope;
use crate::gate::ProcessContext;
use crate::graph::Graph;
use crate::handle::{Handle, Mode};
use crate::id::{IdSource, SystemIds};
use crate::limit::{GRACE_SECONDS, PATIENCE_SECONDS};
use crate::manifest::{ManifestHead, Snapshot};
use crate::recovery;
use crate::runtime::{Grace, Runtime};
use crate::storage::{Stack, StorageOptions, StorageUri, StoreLayer};
use crate::write::repair::{ManifestRepair, repair_manifest};

/// Settings and components of a graph to be created or opened. Every component has a real default.
#[derive(Debug)]
pub struct GraphBuilder {
    place: Place,
    options: StorageOptions,
    layers: Vec<Arc<dyn StoreLayer>>,
    clock: Option<Arc<dyn Clock>>,
    ids: Option<Arc<dyn IdSource>>,
    process: Option<Arc<ProcessContext>>,
    grace: Grace,
}

enum Place {
    Uri(String),
    Stack(Stack),
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Uri(uri) => f.debug_tuple("Uri").field(&without_user_info(uri)).finish(),
            Place::Stack(stack) => stack.fmt(f),
        }
    }
}

impl GraphBuilder {
    pub(crate) fn new(uri: String) -> Self {
        GraphBuilder {
            place: Place::Uri(uri),
            options: StorageOptions::default(),
            layers: Vec::new(),
            clock: None,
            ids: None,
            process: None,
            grace: Grace {
                time: Duration::from_secs(GRACE_SECONDS),
                at_open: false,
                patience: Duration::from_secs(PATIENCE_SECONDS),
            },
        }
    }

    /// How to reach the store, such as endpoint and credentials.
    pub fn storage_options(mut self, options: StorageOptions) -> Self {
        self.options = options;
        self
    }

    /// Puts a layer over the store, outside the layers that were put before.
    pub fn layer(mut self, layer: Arc<dyn StoreLayer>) -> Self {
        self.layers.push(layer);
        self
    }

    /// Uses a store that is open already, instead of the one at the URI; layers and storage options are its own.
    pub fn stack(mut self, stack: Stack) -> Self {
        self.place = Place::Stack(stack);
        self
    }

    /// Tells the time.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Draws ids.
    pub fn ids(mut self, ids: Arc<dyn IdSource>) -> Self {
        self.ids = Some(ids);
        self
    }

    /// Shares queues with the other handles of `process`; the default is [`ProcessContext::global`].
    pub fn process(mut self, process: Arc<ProcessContext>) -> Self {
        self.process = Some(process);
        self
    }

    /// How long a writer of another process is taken to be alive, from when it armed its write; 60 seconds by default. Until then
    /// a write entry and a refresh leave its operation alone. This is about liveness and never about safety: a writer that is
    /// undone too soon prepares its write again.
    pub fn grace(mut self, time: Duration) -> Self {
        self.grace.time = time;
        self
    }

    /// Gives grace at a read-write open, too. Without it an open takes every writer of another process for dead.
    pub fn grace_at_open(mut self, given: bool) -> Self {
        self.grace.at_open = given;
        self
    }

    /// How long a write waits for one of another process that stands in its way and still has grace; 30 seconds by default. After that
    /// its caller is told a retryable conflict, and how much of the grace is left.
    pub fn patience(mut self, time: Duration) -> Self {
        self.grace.patience = time;
        self
    }

    /// Creates a graph with the schema in `schema`, and opens it read-write.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for a schema with mistakes (all of them are named),
    /// [`crate::ErrorKind::AlreadyExists`] when there is a graph already, else the store's trouble; a creation that
    /// failed leaves nothing that stands in the way of the next.
    pub async fn create(mut self, schema: &str) -> Result<Graph> {
        self.options.local.must_exist = false;
        let runtime = self.runtime().await?;
        let snapshot = create::create(&runtime, schema).await?;
        Ok(Graph::new(Handle::new(runtime, Mode::ReadWrite, snapshot)))
    }

    /// Opens a graph read-write: whatever crashes have left is finished or undone first.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] when there is no graph, [`crate::ErrorKind::Corrupt`] when a sidecar cannot be
    /// read or a table stands behind its pin, else the store's trouble.
    pub async fn open(mut self) -> Result<Graph> {
        // Looking for a graph where there is none must not leave a directory behind.
        self.options.local.must_exist = true;
        let runtime = self.runtime().await?;
        let mut manifest = ManifestHead::open(&runtime.stack).await?;
        recovery::pass(&runtime, Scope::Sweep, &mut manifest).await?;
        let snapshot = Snapshot::load(&runtime, manifest, None).await?;
        Ok(Graph::new(Handle::new(runtime, Mode::ReadWrite, snapshot)))
    }

    /// Opens a graph read-only: nothing is recovered and the store is never written to. What is pending stays pending;
    /// what is visible is whole.
    ///
    /// # Errors
    /// As [`GraphBuilder::open`], except that sidecars are not looked at.
    pub async fn open_read_only(mut self) -> Result<Graph> {
        // Looking for a graph where there is none must not leave a directory behind.
        self.options.local.must_exist = true;
        let runtime = self.runtime().await?;
        let manifest = ManifestHead::open(&runtime.stack).await?;
        let snapshot = Snapshot::load(&runtime, manifest, None).await?;
        Ok(Graph::new(Handle::new(runtime, Mode::ReadOnly, snapshot)))
    }

    /// Looks for the newest whole version of a graph manifest whose newest version cannot be read, as a power cut can leave it;
    /// with `confirm`, moves the broken versions into quarantine, so that the whole one is the newest. What they had made
    /// visible is drift afterwards, for a [`Repair`](crate::Repair) to look at.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] when there is no graph, [`crate::ErrorKind::Corrupt`] when no recent version is whole,
    /// else the store's trouble.
    pub async fn repair_manifest(mut self, confirm: bool) -> Result<ManifestRepair> {
        self.options.local.must_exist = true;
        let runtime = self.runtime().await?;
        repair_manifest(&runtime.stack, confirm).await
    }

    async fn runtime(self) -> Result<Runtime> {
        let stack = match self.place {
            Place::Stack(stack) => stack,
            Place::Uri(uri) => {
                let uri: StorageUri = uri.parse()?;
                Stack::open(&uri, &self.options, &self.layers).await?
            }
        };
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock));
        let ids = self.ids.unwrap_or_else(|| Arc::new(SystemIds::new(Arc::clone(&clock))));
        let gate = self.process.unwrap_or_else(ProcessContext::global).gate(stack.identity());
        Ok(Runtime { stack, clock, ids, gate, grace: self.grace })
    }
}
