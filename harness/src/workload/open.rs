//! Creates a graph or opens a handle on it.

use std::sync::Arc;

use omnigraph::gate::ProcessContext;
use omnigraph::storage::Stack;
use omnigraph::{Graph, Result};

use crate::scenario::model::OpenMode;

/// Creates the graph in `stack`, on behalf of a process.
///
/// # Errors
/// Those of the engine.
pub async fn create(stack: Stack, process: Arc<ProcessContext>, schema: &str) -> Result<Graph> {
    Graph::builder(stack.identity()).stack(stack).process(process).create(schema).await
}

/// Opens the graph in `stack`, on behalf of a process.
///
/// # Errors
/// Those of the engine.
pub async fn open(stack: Stack, process: Arc<ProcessContext>, mode: OpenMode) -> Result<Graph> {
    let builder = Graph::builder(stack.identity()).stack(stack).process(process);
    match mode {
        OpenMode::ReadWrite => builder.open().await,
        OpenMode::ReadOnly => builder.open_read_only().await,
    }
}
