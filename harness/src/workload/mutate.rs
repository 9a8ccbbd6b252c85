//! Runs SQL statements through a handle, as one write.

use omnigraph::{Graph, Mutate};

use super::Done;

/// Runs `sql`.
pub async fn mutate(graph: &Graph, sql: &str, actor: Option<&str>) -> Done {
    let request = Mutate { sql: sql.to_owned(), actor: actor.map(str::to_owned), ..Mutate::default() };
    match graph.mutate(request).await {
        Ok(report) => super::load::acknowledged(&report),
        Err(error) => Done::failed(&error),
    }
}
