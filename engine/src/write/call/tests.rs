//! Writes that their callers name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::failpoint::Scope;
use crate::id::CommitId;
use crate::intent::{BranchRef, FORMAT_VERSION, Sidecar};
use crate::manifest::Delta;
use crate::recovery::Journal;
use crate::write::protocol::{NotDriven, drive};
use crate::write::{Prepare, mutate};
use crate::writer::WriterKind;
use crate::{Graph, Load, Mutate, StorageUri};

const SCHEMA: &str = "node Person { name: String @key } node Company { name: String @key }";

async fn graph() -> (StorageUri, Graph) {
    let uri = StorageUri::Memory(format!("named-{}", uuid::Uuid::new_v4()));
    let graph = Graph::builder(&uri).create(SCHEMA).await.unwrap();
    (uri, graph)
}

fn named(id: OperationId, sql: &str) -> Mutate {
    Mutate { operation_id: Some(id), ..Mutate::sql(sql) }
}

fn fresh(graph: &Graph) -> OperationId {
    OperationId::new(graph.handle().runtime.ids.ulid())
}

fn as_named(id: OperationId) -> Operation {
    Operation { id, is_named: true }
}

/// Publishes a commit of `operation` that changes no row.
async fn publish(graph: &Graph, operation: OperationId, kind: CommitKind) {
    let runtime = &graph.handle().runtime;
    let commit = Commit {
        id: CommitId::new(runtime.ids.ulid()),
        parents: Vec::new(),
        kind,
        operation_id: Some(operation),
        ..graph.snapshot().state().commit.clone()
    };
    let head = graph.snapshot().manifest().latest().await.unwrap();
    head.publish(&runtime.stack, &Delta::of_pins(BTreeMap::new(), commit), runtime.ids.as_ref()).await.unwrap();
}

#[tokio::test]
async fn a_write_that_is_called_again_from_another_process_reports_the_commit_that_is_there() {
    let (uri, graph) = graph().await;
    let id = fresh(&graph);
    let first = graph.mutate(named(id, "INSERT INTO Person (name) VALUES ('ann')")).await.unwrap();
    assert_eq!((first.operation_id, first.repeated), (Some(id), false));
    for number in 0..40 {
        graph.mutate(Mutate::sql(format!("INSERT INTO Company (name) VALUES ('c{number}')"))).await.unwrap();
    }
    let other = Graph::builder(&uri).process(std::sync::Arc::default()).open().await.unwrap();
    let load = Load { operation_id: Some(id), ..Load::append() };
    let row = serde_json::json!({"type": "Person", "data": {"name": "ann"}});
    let again = other.load(load, Load::rows([row])).await.unwrap();
    assert!(again.repeated && again.rows.is_empty());
    assert_eq!((again.operation_id, again.commit_id), (Some(id), first.commit_id));
    assert_eq!(again.graph_version, first.graph_version);
    assert_eq!(other.snapshot().version(), 42);
}

#[tokio::test]
async fn a_write_that_was_rolled_back_is_attempted_anew_under_a_name_that_everybody_finds() {
    let (uri, graph) = graph().await;
    let id = fresh(&graph);
    publish(&graph, id, CommitKind::RolledBack).await;
    let second = graph.mutate(named(id, "INSERT INTO Person (name) VALUES ('ann')")).await.unwrap();
    assert_eq!((second.operation_id, second.repeated), (Some(id.attempt(1)), false));
    let other = Graph::builder(&uri).process(Arc::default()).open().await.unwrap();
    let again = other.mutate(named(id, "INSERT INTO Person (name) VALUES ('ann')")).await.unwrap();
    assert_eq!((again.commit_id, again.repeated), (second.commit_id, true));
    let became = other.commit_of(id).await.unwrap().unwrap();
    assert_eq!((Some(became.id), became.kind), (second.commit_id, CommitKind::Written));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_of_one_write_at_once_from_many_processes_write_once() {
    let (uri, graph) = graph().await;
    for grace in [60, 0] {
        let id = fresh(&graph);
        let sql = format!("INSERT INTO Person (name) VALUES ('{id}'); INSERT INTO Company (name) VALUES ('{id}')");
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let builder = Graph::builder(&uri).process(Arc::default()).grace(Duration::from_secs(grace));
            let (other, call) = (builder.open().await.unwrap(), named(id, &sql));
            calls.spawn(async move { other.mutate(call).await });
        }
        let reports: Vec<WriteReport> = calls.join_all().await.into_iter().map(|report| report.unwrap()).collect();
        assert_eq!(reports.iter().filter(|report| !report.repeated).count(), 1, "{reports:?}");
        assert!(reports.iter().all(|report| report.commit_id == reports[0].commit_id), "{reports:?}");
    }
}

#[tokio::test]
async fn an_id_whose_sidecar_is_there_is_a_conflict_and_the_sidecar_stays() {
    let (_, graph) = graph().await;
    let id = fresh(&graph);
    let sidecar = Sidecar {
        format_version: FORMAT_VERSION,
        operation_id: id,
        writer: WriterKind::Load,
        actor: "ann".into(),
        started_at: graph.handle().runtime.clock.now(),
        branch: BranchRef { name: "main".into(), incarnation: graph.snapshot().state().incarnation },
        graph_version: 1,
        tables: Vec::new(),
        reads: Vec::new(),
        registrations: Vec::new(),
        retirements: Vec::new(),
        planned_schema: None,
        merge_parent: None,
    };
    let runtime = &graph.handle().runtime;
    let snapshot = graph.snapshot();
    let mutate = named(id, "INSERT INTO Person (name) VALUES ('ann')");
    let mut mutating = mutate::Mutating::new(runtime, mutate.clone());
    let intent = mutating.prepare(&snapshot).await.unwrap().unwrap();
    let journal = Journal::new(&runtime.stack, Scope::Load);
    journal.put(&sidecar).await.unwrap();
    let driven = drive(runtime, snapshot, intent, as_named(id), runtime.clock.now(), None).await;
    let Err(NotDriven::Blocked(error, by)) = driven else { panic!("it was driven") };
    assert_eq!(by, id);
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, true));
    assert_eq!(journal.sidecars().await.unwrap(), [sidecar]);
}

#[tokio::test]
async fn a_call_that_another_one_overtook_after_it_had_looked_moves_no_table() {
    let (_, graph) = graph().await;
    let id = fresh(&graph);
    let snapshot = graph.snapshot();
    let runtime = &graph.handle().runtime;
    let mutate = named(id, "INSERT INTO Person (name) VALUES ('ann')");
    let mut mutating = mutate::Mutating::new(runtime, mutate.clone());
    let intent = mutating.prepare(&snapshot).await.unwrap().unwrap();
    publish(&graph, id, CommitKind::Written).await;
    let driven = drive(runtime, snapshot, intent, as_named(id), runtime.clock.now(), None).await;
    assert!(matches!(driven, Err(NotDriven::Beaten(_))), "{driven:?}");
    let seen = graph.inspect().await.unwrap();
    assert!(seen.sidecars.is_empty() && seen.drift.is_empty(), "{seen:?}");
    assert!(graph.mutate(mutate).await.unwrap().repeated);
}
