//! What operations cost in store calls, held exactly: a call more is a decision, not an accident.

use std::fmt::Write as _;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lance::dataset::optimize::{CompactionOptions, compact_files};
use omnigraph::clock::{Clock, FixedClock};
use omnigraph::storage::{
    Call, FaultKind, FaultLayer, FaultPolicy, Operation, PathClass, Stack, StoreLayer, TraceLayer, Verdict,
};
use omnigraph::{ErrorKind, Graph, Mutate, Repair, StorageOptions};

const SCHEMA: &str = "
    node Person { name: String @key  age: I32? }
    node Company { name: String @key }
    edge WorksAt: Person -> Company
";

/// Calls since `before`, in total and one line a kind.
fn spent(out: &mut String, what: &str, trace: &TraceLayer, before: &omnigraph::storage::CallCounts) -> u64 {
    let spent = trace.snapshot().since(before);
    let _ = writeln!(out, "{what}: {}", spent.total());
    for (key, count) in spent.iter() {
        let _ = writeln!(
            out,
            "  {:>3} {} {} {}",
            count.calls,
            key.realm.as_str(),
            key.operation.as_str(),
            key.class.as_str()
        );
    }
    spent.total()
}

struct World {
    stack: Stack,
    trace: Arc<TraceLayer>,
    graph: Graph,
    clock: Arc<dyn Clock>,
    next: usize,
}

/// Time stands still: a preparation that took long would look at the manifest once more.
fn stopped_clock() -> Arc<dyn Clock> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    Arc::new(FixedClock::at_millis(now))
}

impl World {
    async fn new(name: &str) -> World {
        let trace = Arc::new(TraceLayer::new());
        let uri = format!("memory://{name}").parse().unwrap();
        let layers: [Arc<dyn StoreLayer>; 1] = [trace.clone()];
        let stack = Stack::open(&uri, &StorageOptions::default(), &layers).await.unwrap();
        let clock = stopped_clock();
        let builder = Graph::builder(uri).stack(stack.clone()).clock(Arc::clone(&clock)).patience(Duration::ZERO);
        let graph = builder.create(SCHEMA).await.unwrap();
        graph.mutate(Mutate::sql("INSERT INTO Company (name) VALUES ('acme')")).await.unwrap();
        World { stack, trace, graph, clock, next: 0 }
    }

    fn insert_node(&mut self) -> Mutate {
        self.next += 1;
        Mutate::sql(format!("INSERT INTO Person (name, age) VALUES ('p{}', 1)", self.next))
    }

    fn insert_edge(&self) -> Mutate {
        Mutate::sql(format!("INSERT INTO WorksAt (src, dst) VALUES ('p{}', 'acme')", self.next))
    }

    /// One commit that adds one row, and with it one fragment, to the node type and to the edge type.
    async fn node_and_edge(&mut self) {
        let (node, edge) = (self.insert_node(), self.insert_edge());
        self.graph.mutate(Mutate::sql(format!("{}; {}", node.sql, edge.sql))).await.unwrap();
    }

    /// Compacts every table behind the engine's back and confirms that as what is visible.
    async fn compact(&self) {
        for table in self.graph.snapshot().tables() {
            let mut dataset = self.stack.lance().dataset(&table.path).load().await.unwrap();
            compact_files(&mut dataset, CompactionOptions::default(), None).await.unwrap();
        }
        self.graph.repair(Repair::Confirm { actor: None }).await.unwrap();
    }

    /// The first row that a new handle inserts: nothing is cached, so every fragment's keys are read.
    async fn measure_cold(&mut self, out: &mut String, when: &str) {
        let trace = Arc::new(TraceLayer::new());
        let builder = Graph::builder(self.stack.identity()).layer(trace.clone());
        let graph = builder.clock(Arc::clone(&self.clock)).open().await.unwrap();
        let before = trace.snapshot();
        graph.mutate(self.insert_node()).await.unwrap();
        spent(out, &format!("insert one node on a new handle, {when}"), &trace, &before);
        self.graph.refresh().await.unwrap();
    }

    /// A key of the oldest fragment is found as well as one of the newest.
    async fn assert_keys_are_seen(&self) {
        for key in ["p1".to_owned(), format!("p{}", self.next)] {
            let again = Mutate::sql(format!("INSERT INTO Person (name, age) VALUES ('{key}', 2)"));
            assert_eq!(self.graph.mutate(again).await.unwrap_err().kind(), ErrorKind::Invalid, "{key}");
        }
    }

    /// One row into the node type and one into the edge type, on a handle that has written before.
    async fn measure(&mut self, out: &mut String, when: &str) -> (u64, u64) {
        self.node_and_edge().await;
        let before = self.trace.snapshot();
        let node = self.insert_node();
        self.graph.mutate(node).await.unwrap();
        let node = spent(out, &format!("insert one node, {when}"), &self.trace, &before);
        let before = self.trace.snapshot();
        self.graph.mutate(self.insert_edge()).await.unwrap();
        (node, spent(out, &format!("insert one edge, {when}"), &self.trace, &before))
    }
}

#[tokio::test]
async fn a_write_costs_the_same_store_calls_after_ten_commits_and_after_a_thousand() {
    let mut world = World::new("cost-of-writes").await;
    let mut out = String::new();
    for _ in 0..10 {
        world.node_and_edge().await;
    }
    world.compact().await;
    let ten = world.measure(&mut out, "10 commits behind, compacted").await;
    for _ in 0..1_000 {
        world.node_and_edge().await;
    }
    let uncompacted = "1,000 commits behind, 1,000 uncompacted one-row fragments a table";
    world.measure(&mut out, uncompacted).await;
    world.measure_cold(&mut out, uncompacted).await;
    world.assert_keys_are_seen().await;
    world.compact().await;
    let thousand = world.measure(&mut out, "1,000 commits behind, compacted").await;
    world.measure_cold(&mut out, "1,000 commits behind, compacted").await;
    world.assert_keys_are_seen().await;
    insta::assert_snapshot!("store-calls-of-writes", out);
    assert_eq!(ten, thousand);
    assert!(ten.0 <= 14, "a node costs {} calls", ten.0);
    assert!(ten.1 <= 18, "an edge costs {} calls", ten.1);
}

/// Loses the answer to every commit of a table, and the commit.
#[derive(Debug)]
struct CommitsBreakOff;

impl FaultPolicy for CommitsBreakOff {
    fn verdict(&self, call: &Call) -> Verdict {
        let is_commit = call.class == PathClass::TableVersion && call.operation == Operation::PutIfAbsent;
        if is_commit { Verdict::Fail(FaultKind::ConnectionLost) } else { Verdict::Pass }
    }
}

#[tokio::test]
async fn a_write_of_another_process_that_nobody_may_give_up_costs_the_same_before_every_write() {
    let mut world = World::new("cost-of-deferring").await;
    let doomed = Graph::builder("memory://cost-of-deferring").process(Arc::default());
    let doomed = doomed.layer(Arc::new(FaultLayer::new(Arc::new(CommitsBreakOff)))).open().await.unwrap();
    let broken_off = doomed.mutate(world.insert_node()).await.unwrap_err();
    assert_eq!(broken_off.kind(), ErrorKind::InDoubt);
    drop(doomed);
    let mut costs = Vec::new();
    for _ in 0..40 {
        let insert = world.insert_node();
        let before = world.trace.snapshot();
        let report = world.graph.mutate(insert).await.unwrap();
        assert_eq!(report.recovered.deferred.len(), 1);
        costs.push(world.trace.snapshot().since(&before).total());
    }
    assert_eq!(costs[2..].iter().min(), costs[2..].iter().max(), "{costs:?}");
}

/// Every answer takes as long, so that the time of an operation says how many of its calls waited for each other.
#[derive(Debug)]
struct EveryAnswerTakes(Duration);

impl FaultPolicy for EveryAnswerTakes {
    fn verdict(&self, _: &Call) -> Verdict {
        Verdict::Delay(self.0)
    }
}

/// Far more than what an operation computes, in the slowest build.
const ANSWER: Duration = Duration::from_millis(250);

/// How many answers `operation` waited for, one after the other.
async fn round_trips<T>(out: &mut String, what: &str, operation: impl Future<Output = omnigraph::Result<T>>) {
    let begun = Instant::now();
    operation.await.unwrap();
    let answers = begun.elapsed().as_millis() / ANSWER.as_millis();
    let _ = writeln!(out, "{what}: {answers}");
}

#[tokio::test]
async fn an_operation_waits_for_so_many_answers_one_after_the_other() {
    let mut world = World::new("cost-of-waiting").await;
    world.node_and_edge().await;
    let slow = Graph::builder("memory://cost-of-waiting").process(Arc::default());
    let slow = slow.clock(Arc::clone(&world.clock));
    let slow = slow.layer(Arc::new(FaultLayer::new(Arc::new(EveryAnswerTakes(ANSWER))))).open().await.unwrap();
    let warm = "INSERT INTO Person (name) VALUES ('warm'); INSERT INTO WorksAt (src, dst) VALUES ('warm', 'acme')";
    slow.mutate(Mutate::sql(warm)).await.unwrap();
    let mut out = String::new();
    round_trips(&mut out, "insert one node", slow.mutate(world.insert_node())).await;
    round_trips(&mut out, "insert one edge", slow.mutate(world.insert_edge())).await;
    round_trips(&mut out, "refresh with nothing to do", slow.refresh()).await;
    insta::assert_snapshot!("round-trips", out);
}

#[tokio::test]
async fn opening_and_healing_cost_what_they_cost() {
    let mut world = World::new("cost-of-opening").await;
    world.node_and_edge().await;
    let mut out = String::new();

    let before = world.trace.snapshot();
    world.graph.refresh().await.unwrap();
    spent(
        &mut out,
        "refresh in the steady state: heal lists once, the manifest is looked at once",
        &world.trace,
        &before,
    );
    let heal = world.trace.snapshot().since(&before).calls(|key| key.class.as_str() == "sidecar");
    assert_eq!(heal, 1, "the steady state of heal is one list");

    for (what, read_only) in [("open read-write", false), ("open read-only", true)] {
        let trace = Arc::new(TraceLayer::new());
        let builder = Graph::builder("memory://cost-of-opening").layer(trace.clone());
        let before = trace.snapshot();
        let graph = if read_only { builder.open_read_only().await } else { builder.open().await }.unwrap();
        spent(&mut out, what, &trace, &before);
        let before = trace.snapshot();
        graph.query("SELECT count(*) FROM Person").await.unwrap();
        spent(&mut out, &format!("first query after {what}"), &trace, &before);
    }

    let trace = Arc::new(TraceLayer::new());
    let before = trace.snapshot();
    Graph::builder("memory://cost-of-creation").layer(trace.clone()).create(SCHEMA).await.unwrap();
    spent(&mut out, "create a graph of three types", &trace, &before);
    insta::assert_snapshot!("store-calls-of-opening", out);
}
