//! Runs SQL statements through a handle, as one write.

use omnigraph::{Graph, Mutate};

use super::{Called, Done};

/// Runs `sql`.
pub async fn mutate(graph: &Graph, sql: &str, called: Called<'_>) -> Done {
    let (actor, operation_id) = (called.actor.map(str::to_owned), called.operation);
    let request = Mutate { sql: sql.to_owned(), actor, operation_id, ..Mutate::default() };
    match graph.mutate(request).await {
        Ok(report) => super::load::acknowledged(&report),
        Err(error) => Done::failed(&error),
    }
}
