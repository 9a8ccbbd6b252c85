//! A graph, and with it Lance, on each backend: written through one handle, found again through the cell's address.

use omnigraph::{Graph, Load, Mutate};
use omnigraph_harness::backend::{BackendKind, CellAddress};
use serde_json::json;

use super::every_backend::start;

const SCHEMA: &str = "
    node Person { name: String @key  age: I32? }
    node Company { name: String @key }
    edge WorksAt: Person -> Company
";

async fn rows(graph: &Graph, sql: &str) -> usize {
    let batches = graph.query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    batches.iter().map(|batch| batch.num_rows()).sum()
}

async fn writes_and_finds_a_graph_again(kind: BackendKind) {
    let run = start(kind, false).await;
    let cell = run.backend.cell("graph").await.expect("a cell");
    // As a worker gets it: through a text.
    let text = serde_json::to_string(&cell.address()).expect("plain data");
    let address: CellAddress = serde_json::from_str(&text).expect("the same again");
    let builder = || Graph::builder(&address.uri).storage_options(address.storage.clone());

    let graph = builder().create(SCHEMA).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
    let people = [
        json!({"type": "Person", "data": {"name": "alice", "age": 30}}),
        json!({"type": "Company", "data": {"name": "acme"}}),
        json!({"type": "WorksAt", "from": "alice", "to": "acme"}),
    ];
    graph.load(Load::append(), Load::rows(people)).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
    drop(graph);

    let graph = builder().open().await.unwrap_or_else(|error| panic!("{kind}: {error}"));
    assert_eq!(rows(&graph, "SELECT * FROM WorksAt").await, 1);
    let older = Mutate { sql: "UPDATE Person SET age = 31 WHERE name = 'alice'".into(), ..Mutate::default() };
    graph.mutate(older).await.unwrap_or_else(|error| panic!("{kind}: {error}"));

    let reader = builder().open_read_only().await.unwrap_or_else(|error| panic!("{kind}: {error}"));
    assert_eq!(rows(&reader, "SELECT * FROM Person WHERE age = 31").await, 1);
    assert!(graph.commits(10).await.expect("history").len() >= 2);
    run.backend.stop().await.unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graph_lives_on_local() {
    writes_and_finds_a_graph_again(BackendKind::Local).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graph_lives_in_memory() {
    writes_and_finds_a_graph_again(BackendKind::Memory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graph_lives_on_the_embedded_endpoint() {
    writes_and_finds_a_graph_again(BackendKind::S3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graph_lives_on_rustfs() {
    writes_and_finds_a_graph_again(BackendKind::Rustfs).await;
}
