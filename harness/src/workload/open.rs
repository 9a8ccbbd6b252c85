//! Creates a graph or opens a handle on it.

use std::time::Duration;

use omnigraph::storage::Stack;
use omnigraph::{Graph, GraphBuilder, Result};

use super::surroundings::Surroundings;
use crate::scenario::model::OpenMode;

/// Creates the graph in `stack`, on behalf of a process.
///
/// # Errors
/// Those of the engine.
pub async fn create(stack: Stack, given: &Surroundings, schema: &str) -> Result<Graph> {
    builder(stack, given).create(schema).await
}

/// Opens the graph in `stack`, on behalf of a process.
///
/// # Errors
/// Those of the engine.
pub async fn open(stack: Stack, given: &Surroundings, mode: OpenMode) -> Result<Graph> {
    let builder = builder(stack, given);
    match mode {
        OpenMode::ReadWrite => builder.open().await,
        OpenMode::ReadWriteWithGrace => {
            builder.grace(LONG_GRACE).grace_at_open(true).patience(Duration::ZERO).open().await
        }
        OpenMode::ReadOnly => builder.open_read_only().await,
    }
}

/// Opens the graph in `stack` to look at it, on behalf of a process that shares nothing with any other.
///
/// # Errors
/// Those of the engine.
pub async fn look(stack: Stack) -> Result<Graph> {
    builder(stack, &Surroundings::of_a_reader()).open_read_only().await
}

/// Longer than any scenario.
const LONG_GRACE: Duration = Duration::from_secs(3_600);

/// Without grace, so that nobody waits for a dead writer, and a live one is undone as often as can be.
pub(super) fn builder(stack: Stack, given: &Surroundings) -> GraphBuilder {
    let given = given.clone();
    Graph::builder(stack.identity())
        .stack(stack)
        .process(given.process)
        .clock(given.clock)
        .ids(given.ids)
        .grace(Duration::ZERO)
}
