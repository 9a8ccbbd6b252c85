//! Opening what is there and what is not.

use std::io::Cursor;
use std::sync::Arc;

use omnigraph::{ErrorKind, Graph, Load, Mutate};

#[tokio::test]
async fn looking_for_a_graph_where_there_is_none_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let nowhere = directory.path().join("nowhere");
    for read_only in [false, true] {
        let builder = Graph::builder(nowhere.display());
        let opened = if read_only { builder.open_read_only().await } else { builder.open().await };
        assert_eq!(opened.unwrap_err().kind(), ErrorKind::NotFound);
        assert!(!nowhere.exists());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_runs_every_call_as_a_task_of_its_own() {
    let graph = Graph::builder(format!("memory://tasks-{}", uuid::Uuid::new_v4()));
    let graph = Arc::new(graph.create("node Person { name: String @key }").await.unwrap());
    let rows = br#"{"type":"Person","data":{"name":"ann"}}"#;
    let task = Arc::clone(&graph);
    tokio::spawn(async move { task.load(Load::append(), Cursor::new(rows)).await }).await.unwrap().unwrap();
    let task = Arc::clone(&graph);
    let sql = "INSERT INTO Person (name) VALUES ('bob')";
    tokio::spawn(async move { task.mutate(Mutate::sql(sql)).await }).await.unwrap().unwrap();
    let task = Arc::clone(&graph);
    let batches = tokio::spawn(async move { task.query("SELECT name FROM Person").await }).await.unwrap().unwrap();
    assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 2);
}

#[tokio::test]
async fn a_handle_notices_that_another_graph_was_created_in_the_place_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("graph");
    let open = || Graph::builder(place.display());
    let schema = "node Person { name: String @key }";
    let insert = |name: &str| Mutate::sql(format!("INSERT INTO Person (name) VALUES ('{name}')"));
    let old = open().create(schema).await.unwrap();
    old.mutate(insert("ann")).await.unwrap();
    old.mutate(insert("bob")).await.unwrap();

    std::fs::remove_dir_all(&place).unwrap();
    let new = open().create(schema).await.unwrap();
    new.mutate(insert("carl")).await.unwrap();
    for refused in [old.refresh().await.map(drop), old.mutate(insert("dora")).await.map(drop)] {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Refused);
    }
    for name in ["eve", "fred"] {
        new.mutate(insert(name)).await.unwrap();
    }
    assert_eq!(old.refresh().await.unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(new.snapshot().version(), 4);
}
