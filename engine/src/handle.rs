//! One open graph: what it runs on, and the snapshot that it sees now.

use std::sync::{Arc, RwLock};

use crate::error::{Error, ErrorKind, Result};
use crate::failpoint::Scope;
use crate::manifest::Snapshot;
use crate::recovery::{self, HealReport};
use crate::runtime::Runtime;

/// What a handle may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Read, write, recover.
    ReadWrite,
    /// Read; the store is never written to.
    ReadOnly,
}

/// One open graph.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) runtime: Runtime,
    pub(crate) mode: Mode,
    current: RwLock<Snapshot>,
}

impl Handle {
    pub(crate) fn new(runtime: Runtime, mode: Mode, snapshot: Snapshot) -> Arc<Handle> {
        Arc::new(Handle { runtime, mode, current: RwLock::new(snapshot) })
    }

    /// The newest snapshot that this handle has seen. No store call.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.current.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Makes `snapshot` the one that this handle sees, unless it has seen a newer one meanwhile.
    pub(crate) fn advance(&self, snapshot: Snapshot) {
        let mut current = self.current.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if snapshot.version() > current.version() {
            *current = snapshot;
        }
    }

    /// Fails on a handle that was opened read-only.
    pub(crate) fn require_read_write(&self, doing: &str) -> Result<()> {
        match self.mode {
            Mode::ReadWrite => Ok(()),
            Mode::ReadOnly => {
                Err(Error::new(ErrorKind::ReadOnly, format!("cannot {doing}: the graph is open read-only"))
                    .with_advice("open it read-write"))
            }
        }
    }

    /// Sees what is published now. One list when nothing is new.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] when the graph is another one now, else the store's trouble.
    pub(crate) async fn reload(&self) -> Result<Snapshot> {
        let seen = self.snapshot();
        let manifest = seen.manifest().latest().await?;
        if manifest.state().version == seen.version() {
            return Ok(seen);
        }
        // Each life of a graph has a name of its own. An older version of this one is what a store shows that lies.
        if manifest.state().incarnation != seen.state().incarnation {
            return Err(Error::new(
                ErrorKind::Refused,
                "another graph was created in the place of the one that was opened",
            )
            .with_advice("open the graph again"));
        }
        let snapshot = Snapshot::load(&self.runtime, manifest, Some(&seen)).await?;
        self.advance(snapshot.clone());
        Ok(snapshot)
    }

    /// Everything that needs no restore is finished or undone beside live writers; in the steady state, one list. What
    /// that published, the handle sees when it reloads.
    pub(crate) async fn heal(&self) -> Result<HealReport> {
        let mut manifest = self.snapshot().manifest().clone();
        recovery::pass(&self.runtime, Scope::Heal, &mut manifest).await
    }
}
