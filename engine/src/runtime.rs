//! What an open graph runs on: its store, and the injected clock, ids and queues.

use std::sync::Arc;

use crate::clock::Clock;
use crate::gate::GraphGate;
use crate::id::IdSource;
use crate::storage::Stack;

/// The components of one open graph. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Runtime {
    pub(crate) stack: Stack,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) gate: Arc<GraphGate>,
}
