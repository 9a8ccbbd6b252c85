//! What an open graph runs on: its store, and the injected clock, ids and queues.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::gate::GraphGate;
use crate::id::IdSource;
use crate::storage::Stack;

/// How long writers of other processes are taken to be alive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grace {
    /// From when their operation was armed.
    pub(crate) time: Duration,
    /// Whether the pass of a read-write open gives it, too.
    pub(crate) at_open: bool,
    /// How long a write waits for one that has grace and stands in its way.
    pub(crate) patience: Duration,
}

/// The components of one open graph. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Runtime {
    pub(crate) stack: Stack,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) gate: Arc<GraphGate>,
    pub(crate) grace: Grace,
}
