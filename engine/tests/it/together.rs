//! Many writers on one graph: of one process, and of several.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use omnigraph::storage::{Stack, StorageOptions};
use omnigraph::{Graph, GraphBuilder, Load, Mutate};
use serde_json::json;
use tokio::task::JoinSet;

const SCHEMA: &str =
    "node Person { name: String @key  age: I32? }  node Company { name: String @key }  edge WorksAt: Person -> Company";

/// A graph in memory whose handles may belong to as many processes as are asked for.
struct Shared(Stack);

impl Shared {
    async fn new() -> Shared {
        let uri = format!("memory://together-{}", uuid::Uuid::new_v4()).parse().unwrap();
        let stack = Stack::open(&uri, &StorageOptions::default(), &[]).await.unwrap();
        let shared = Shared(stack);
        shared.process().create(SCHEMA).await.unwrap();
        shared
    }

    fn process(&self) -> GraphBuilder {
        Graph::builder(self.0.identity()).stack(self.0.clone()).process(Arc::default())
    }

    async fn count(&self, of: &str) -> i64 {
        let graph = self.process().open_read_only().await.unwrap();
        let rows = graph.query(&format!("SELECT count(*) FROM {of}")).await.unwrap();
        rows[0].column(0).as_primitive::<Int64Type>().value(0)
    }

    async fn assert_nothing_is_left(&self) {
        let left = self.process().open_read_only().await.unwrap().inspect().await.unwrap();
        assert_eq!((left.sidecars, left.drift), (Vec::new(), Vec::new()));
    }
}

fn row(name: &str) -> Cursor<Vec<u8>> {
    Load::rows([json!({"type": "Person", "data": {"name": name}})])
}

fn insert(name: &str) -> Mutate {
    Mutate::sql(format!("INSERT INTO Person (name) VALUES ('{name}')"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_four_handles_of_one_process_that_append_to_one_type_at_once_all_get_through() {
    let shared = Shared::new().await;
    let process = Arc::default();
    let mut writes = JoinSet::new();
    for number in 0..24 {
        let builder = shared.process().process(Arc::clone(&process));
        let graph = builder.open().await.unwrap();
        writes.spawn(async move { graph.load(Load::append(), row(&format!("p{number}"))).await.map(drop) });
    }
    while let Some(write) = writes.join_next().await {
        write.unwrap().unwrap();
    }
    assert_eq!(shared.count("Person").await, 24);
    shared.assert_nothing_is_left().await;
    let objects = shared.0.objects().list_recursive("nodes").await.unwrap();
    let data = objects.iter().filter(|object| object.path().contains("/data/")).count();
    assert_eq!(data, 24, "what a lost attempt had staged is taken back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_processes_that_write_the_same_two_types_all_the_time_all_get_through() {
    let shared = Shared::new().await;
    let mut writes = JoinSet::new();
    for process in 0..4 {
        let graph = shared.process().open().await.unwrap();
        writes.spawn(async move {
            for number in 0..50 {
                let name = format!("p{process}-{number}");
                let done = match number % 4 {
                    0 => graph.load(Load::append(), row(&name)).await,
                    1 => graph.mutate(insert(&name)).await,
                    2 => {
                        graph
                            .load(Load::merge(), Load::rows([json!({"type": "Company", "data": {"name": name}})]))
                            .await
                    }
                    _ => graph.mutate(Mutate::sql(format!("INSERT INTO Company (name) VALUES ('{name}')"))).await,
                };
                done.map_err(|e| format!("{name}: {}", e.told()))?;
            }
            Ok::<_, String>(())
        });
    }
    while let Some(write) = writes.join_next().await {
        write.unwrap().unwrap();
    }
    assert_eq!(shared.count("Person").await + shared.count("Company").await, 200);
    shared.assert_nothing_is_left().await;
}

/// Grace of nobody: each heal takes the writers of the others for dead and undoes them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_take_each_other_for_dead_all_get_through_too() {
    let shared = Shared::new().await;
    let mut writes = JoinSet::new();
    for process in 0..3 {
        let graph = shared.process().grace(Duration::ZERO).open().await.unwrap();
        writes.spawn(async move {
            for number in 0..10 {
                let done = graph.mutate(insert(&format!("p{process}-{number}"))).await;
                done.map_err(|e| format!("{process}-{number}: {}", e.told()))?;
            }
            Ok::<_, String>(())
        });
    }
    while let Some(write) = writes.join_next().await {
        write.unwrap().unwrap();
    }
    assert_eq!(shared.count("Person").await, 30);
    shared.assert_nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_load_gets_through_beside_another_process_that_writes_all_the_time() {
    let shared = Shared::new().await;
    let (small, large) = (shared.process().open().await.unwrap(), shared.process().open().await.unwrap());
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let stream = tokio::spawn(async move {
        let mut written = 0;
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            small.mutate(insert(&format!("small-{written}"))).await.map_err(|e| e.told())?;
            written += 1;
        }
        Ok::<_, String>(written)
    });
    let rows = (0..60_000).map(|number| json!({"type": "Person", "data": {"name": format!("large-{number}")}}));
    let loaded = large.load(Load::append(), Load::rows(rows)).await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let written: i64 = stream.await.unwrap().unwrap();
    loaded.unwrap();
    assert_eq!(shared.count("Person").await, 60_000 + written);
    shared.assert_nothing_is_left().await;
}
