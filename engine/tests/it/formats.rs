//! Graphs that a former program left: see `engine/tests/fixtures/README.md`.

use std::path::Path;

use arrow_array::cast::AsArray;
use omnigraph::history::CommitKind;
use omnigraph::recovery::RecoveryKind;
use omnigraph::{ErrorKind, Graph, Load, Mutate, Snapshot};
use serde_json::{Value, json};

/// A copy of a graph, which a test may change.
fn copy(name: &str) -> tempfile::TempDir {
    fn copy_all(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let to = to.join(entry.file_name());
            if entry.path().is_dir() { copy_all(&entry.path(), &to) } else { drop(std::fs::copy(entry.path(), to)) }
        }
    }
    let directory = tempfile::tempdir().unwrap();
    copy_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1").join(name), directory.path());
    directory
}

async fn names(snapshot: &Snapshot, type_name: &str) -> Vec<String> {
    let found = snapshot.query(&format!("SELECT name FROM {type_name} ORDER BY name")).await.unwrap();
    let columns = found.iter().map(|batch| batch.column(0).as_string::<i32>());
    columns.flat_map(|column| column.iter().flatten()).map(str::to_owned).collect()
}

fn person(name: &str) -> Value {
    json!({"type": "Person", "data": {"name": name}})
}

/// What both graphs show before anybody recovers them.
async fn assert_as_it_was_left(graph: &Graph) {
    assert_eq!(names(&graph.snapshot(), "Person").await, ["alice", "carol"]);
    assert_eq!(names(&graph.snapshot(), "Company").await, ["acme"]);
    let kinds: Vec<CommitKind> = graph.commits(10).await.unwrap().iter().map(|commit| commit.kind).collect();
    use CommitKind::{Created, RolledBack, RolledForward, Written};
    assert_eq!(kinds, [RolledForward, RolledBack, Written, Written, Written, Created]);
    assert_eq!(graph.recoveries().await.unwrap().len(), 2);
    let seen = graph.inspect().await.unwrap();
    assert!(seen.sidecars.len() == 1 && seen.sidecars[0].content.is_ok(), "{seen:?}");
    assert_eq!(names(&graph.at(3).await.unwrap(), "Person").await, ["alice", "bob"]);
}

#[tokio::test]
async fn a_graph_of_a_former_program_whose_write_lacks_its_publish_is_finished_and_goes_on() {
    let directory = copy("lacks-its-publish");
    let reader = Graph::builder(directory.path().display()).open_read_only().await.unwrap();
    assert_as_it_was_left(&reader).await;
    let graph = Graph::builder(directory.path().display()).open().await.unwrap();
    assert_eq!(names(&graph.snapshot(), "Company").await, ["acme", "initech"]);
    assert_eq!(graph.recoveries().await.unwrap().last().unwrap().kind, RecoveryKind::RolledForward);
    assert_goes_on(&graph, directory.path()).await;
}

#[tokio::test]
async fn a_graph_of_a_former_program_whose_write_is_half_committed_is_undone_and_goes_on() {
    let directory = copy("half-committed");
    let reader = Graph::builder(directory.path().display()).open_read_only().await.unwrap();
    assert_as_it_was_left(&reader).await;
    let graph = Graph::builder(directory.path().display()).open().await.unwrap();
    assert_eq!(names(&graph.snapshot(), "Company").await, ["acme"]);
    assert_eq!(graph.recoveries().await.unwrap().last().unwrap().kind, RecoveryKind::RolledBack);
    assert_goes_on(&graph, directory.path()).await;
}

/// It takes writes, past the end of a chunk of the history, and forgets nothing of what a former program wrote.
async fn assert_goes_on(graph: &Graph, directory: &Path) {
    let before = graph.snapshot();
    let company = before.state().table_of_type("Company").unwrap();
    let seen = graph.inspect().await.unwrap();
    assert!(seen.sidecars.is_empty() && seen.drift.is_empty(), "{seen:?}");
    graph.load(Load::append(), Load::rows([person("zoe")])).await.unwrap();
    for number in 0..70 {
        graph.mutate(Mutate::sql(format!("UPDATE Person SET age = {number} WHERE name = 'zoe'"))).await.unwrap();
    }
    let edge = json!({"type": "WorksAt", "from": "zoe", "to": "acme", "data": {}});
    graph.load(Load::append(), Load::rows([edge])).await.unwrap();

    let fresh = Graph::builder(directory.display()).open_read_only().await.unwrap();
    assert_eq!(names(&fresh.snapshot(), "Person").await, ["alice", "carol", "zoe"]);
    assert_eq!(fresh.snapshot().state().table_of_type("Company"), Some(company));
    let commits = fresh.commits(1_000).await.unwrap();
    assert!(commits.iter().map(|commit| commit.graph_version).eq((1..=fresh.snapshot().version()).rev()));
    assert_eq!(commits.len(), 7 + 72);
    for pair in commits.windows(2) {
        assert_eq!(pair[0].parents, [pair[1].id]);
    }
    for commit in &commits {
        let Some(operation) = commit.operation_id else { continue };
        assert_eq!(fresh.commit_of(operation).await.unwrap().as_ref(), Some(commit));
    }
}

#[tokio::test]
async fn a_sidecar_of_tomorrow_is_refused_and_stays_where_it_is() {
    let directory = copy("half-committed");
    let recovery = directory.path().join("__recovery");
    let [entry] = &std::fs::read_dir(&recovery).unwrap().collect::<Vec<_>>()[..] else { panic!("one sidecar") };
    let path = entry.as_ref().unwrap().path();
    let text = std::fs::read_to_string(&path).unwrap();
    let tomorrow = text.replace("\"format_version\": 1", "\"format_version\": 3");
    std::fs::write(&path, &tomorrow).unwrap();
    let refused = Graph::builder(directory.path().display()).open().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt);
    assert!(refused.to_string().contains("its format version is 3 and this program knows 1 and 2"), "{refused}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), tomorrow);
}
