//! Lets a handle heal what needs no restore, and see the newest state.

use omnigraph::Graph;

use super::{Done, Recovered};
use crate::event::Outcome;

/// Refreshes `graph`.
pub async fn refresh(graph: &Graph) -> Done {
    match graph.refresh().await {
        Ok(report) => Done { recovered: Some(Recovered::from(&report)), ..Done::of(Outcome::done()) },
        Err(error) => Done::failed(&error),
    }
}
