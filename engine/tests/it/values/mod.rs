//! What goes in comes out: every type, through every door, bit for bit.

mod arithmetic;
mod comparison;
mod door;
mod kind;
mod round_trip;
mod value;

use std::io::Cursor;

use arrow_array::RecordBatch;
use omnigraph::{Graph, Load, Result, WriteReport};

use self::value::{Value, lines};

async fn graph(schema: &str) -> Graph {
    Graph::builder(format!("memory://values-{}", uuid::Uuid::new_v4())).create(schema).await.expect("a graph")
}

async fn load(graph: &Graph, lines: String) -> Result<WriteReport> {
    graph.load(Load::append(), Cursor::new(lines.into_bytes())).await
}

/// A whole type, in the order of its key.
async fn all(graph: &Graph, ty: &str, names: &[String]) -> Vec<RecordBatch> {
    let sql = format!("SELECT {} FROM {ty} ORDER BY {}", names.join(", "), names[0]);
    graph.query(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

async fn rows(graph: &Graph, ty: &str, names: &[String]) -> Vec<Vec<Value>> {
    value::rows(&all(graph, ty, names).await)
}

/// What `query` prints, as lines of a type.
fn printed(ty: &str, batches: &[RecordBatch]) -> String {
    let mut out = Vec::new();
    for batch in batches {
        omnigraph::value::write_rows(batch, &mut out).expect("into memory");
    }
    String::from_utf8(out).expect("text").lines().map(|row| format!("{{\"type\":\"{ty}\",\"data\":{row}}}\n")).collect()
}
