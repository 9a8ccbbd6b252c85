//! What `query` prints, `load` takes back; and a value is the same through whichever door it came.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use omnigraph::storage::{Call, FaultKind, FaultLayer, FaultPolicy, Operation, PathClass, Verdict};
use omnigraph::{ErrorKind, Graph, Mutate};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::kind::Kind;
use super::value::{Value, insert};
use super::{all, graph, lines, load, printed, rows};

/// One type with a property of every type there is, once optional and once required, and one to copy it to.
struct Everything {
    schema: String,
    names: Vec<String>,
    kinds: Vec<(Kind, bool)>,
}

impl Everything {
    fn new() -> Everything {
        let both = |kind: Kind| [(kind.clone(), true), (kind, false)];
        let kinds: Vec<(Kind, bool)> = Kind::all().into_iter().flat_map(both).collect();
        let mut names = vec!["id".to_owned()];
        names.extend((0..kinds.len()).map(|at| format!("p{at}")));
        let property = |(name, (kind, optional)): (&String, &(Kind, bool))| {
            format!("  {name}: {}{}\n", kind.schema(), if *optional { "?" } else { "" })
        };
        let properties: String = names[1..].iter().zip(&kinds).map(property).collect();
        let body = format!("{{\n  id: I64 @key\n{properties}}}\n");
        Everything { schema: format!("node T {body}node Copy {body}"), names, kinds }
    }

    /// Rows in which every boundary of every type stands, and in which everything that may be missing is.
    fn boundaries(&self) -> Vec<Vec<Value>> {
        let all: Vec<Vec<Value>> = self.kinds.iter().map(|(kind, _)| kind.boundaries()).collect();
        let most = all.iter().map(Vec::len).max().unwrap_or(0);
        let value = |row: usize, at: usize| match self.kinds[at].1 {
            true if row % (all[at].len() + 1) == all[at].len() => Value::Missing,
            true => all[at][row % (all[at].len() + 1)].clone(),
            false => all[at][row % all[at].len()].clone(),
        };
        let row =
            |row| std::iter::once(Value::Integer(row as i128)).chain((0..all.len()).map(move |at| value(row, at)));
        (0..=most).map(|at| row(at).collect()).collect()
    }

    fn rows(&self) -> impl Strategy<Value = Vec<Vec<Value>>> {
        let row: Vec<BoxedStrategy<Value>> = self
            .kinds
            .iter()
            .map(|(kind, optional)| match optional {
                true => prop_oneof![1 => Just(Value::Missing), 4 => kind.values()].boxed(),
                false => kind.values(),
            })
            .collect();
        let numbered = |rows: Vec<Vec<Value>>| {
            rows.into_iter().zip(0..).map(|(row, id)| [vec![Value::Integer(id)], row].concat()).collect()
        };
        proptest::collection::vec(row, 1..5).prop_map(numbered)
    }

    /// Every column that is not as it should be, with its type and its row, so that a message stays readable.
    fn same(&self, door: &str, found: &[Vec<Value>], expected: &[Vec<Value>]) -> Result<(), TestCaseError> {
        if found.len() != expected.len() {
            return Err(TestCaseError::fail(format!("{door}: {} rows, not {}", found.len(), expected.len())));
        }
        let mut wrong = BTreeSet::new();
        for (found, expected) in found.iter().zip(expected) {
            for (at, (found, expected)) in found.iter().zip(expected).enumerate().skip(1) {
                if found != expected {
                    let ty = self.kinds[at - 1].0.schema();
                    let shown = |value: &Value| value.json().chars().take(200).collect::<String>();
                    wrong.insert(format!("{ty}: {} came out as {}", shown(expected), shown(found)));
                }
            }
        }
        if wrong.is_empty() {
            return Ok(());
        }
        Err(TestCaseError::fail(format!("{door}:\n  {}", wrong.into_iter().collect::<Vec<_>>().join("\n  "))))
    }

    /// Through every door and back.
    async fn go_round(&self, expected: &[Vec<Value>]) -> Result<(), TestCaseError> {
        let refused = |door: &str, error: omnigraph::Error| TestCaseError::fail(format!("{door}: {error:?}"));
        let names = &self.names;
        let loaded = graph(&self.schema).await;
        load(&loaded, lines("T", names, expected)).await.map_err(|e| refused("JSON", e))?;
        self.same("JSON", &rows(&loaded, "T", names).await, expected)?;

        let again = graph(&self.schema).await;
        let lines = printed("T", &all(&loaded, "T", names).await);
        load(&again, lines).await.map_err(|e| refused("what query printed", e))?;
        self.same("what query printed", &rows(&again, "T", names).await, expected)?;

        let inserted = graph(&self.schema).await;
        inserted.mutate(Mutate::sql(insert("T", names, expected))).await.map_err(|e| refused("SQL literals", e))?;
        self.same("SQL literals", &rows(&inserted, "T", names).await, expected)?;

        let list = names.join(", ");
        let copy = format!("INSERT INTO Copy ({list}) SELECT {list} FROM T ORDER BY id LIMIT 100 OFFSET 1");
        loaded.mutate(Mutate::sql(copy)).await.map_err(|e| refused("rows of another type", e))?;
        self.same("rows of another type", &rows(&loaded, "Copy", names).await, &expected[1..])?;

        let set: Vec<String> = names[1..].chunks(2).map(|pair| format!("{} = {}", pair[0], pair[1])).collect();
        let update = format!("UPDATE T SET {} WHERE id >= 0", set.join(", "));
        loaded.mutate(Mutate::sql(update)).await.map_err(|e| refused("other columns", e))?;
        let moved = |row: &Vec<Value>| {
            let pairs = row[1..].chunks(2).flat_map(|pair| [pair[1].clone(), pair[1].clone()]);
            std::iter::once(row[0].clone()).chain(pairs).collect()
        };
        let moved: Vec<Vec<Value>> = expected.iter().map(moved).collect();
        self.same("other columns", &rows(&loaded, "T", names).await, &moved)
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

#[test]
fn what_query_prints_load_takes_back_and_every_door_gives_the_same() {
    let everything = Everything::new();
    let (config, runtime) =
        (ProptestConfig { cases: cases(), failure_persistence: None, ..Default::default() }, runtime());
    let mut runner = TestRunner::new(ProptestConfig { max_shrink_iters: 300, ..config });
    let gone = runner.run(&everything.rows(), |rows| runtime.block_on(everything.go_round(&rows)));
    gone.unwrap_or_else(|error| panic!("{error}"));
}

/// Each case makes three graphs of 130 columns.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(40)
}

#[tokio::test]
async fn every_boundary_of_every_type_goes_round() {
    let everything = Everything::new();
    everything.go_round(&everything.boundaries()).await.unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test]
async fn a_key_of_every_type_goes_round_and_so_do_the_ends_of_its_edges() {
    for kind in Kind::single().into_iter().filter(Kind::is_key) {
        let schema = format!("node K {{ id: {} @key }} edge L: K -> K {{ w: I8? }}", kind.schema());
        let (first, second) = (graph(&schema).await, graph(&schema).await);
        // A page of Lance's own statistics cuts long texts; keys are looked for all the same.
        let keys: Vec<Vec<Value>> = kind.boundaries().into_iter().map(|key| vec![key]).collect();
        let id = ["id".to_owned()];
        let edge = |key: &Vec<Value>| format!("{{\"type\":\"L\",\"from\":{0},\"to\":{0}}}\n", key[0].json());
        let edges: String = keys.iter().map(edge).collect();
        load(&first, lines("K", &id, &keys) + &edges).await.unwrap_or_else(|error| panic!("{kind:?}: {error:?}"));
        let nodes = printed("K", &all(&first, "K", &id).await);
        let ends = first.query("SELECT src AS a, dst AS b FROM L").await.expect("a query");
        let renamed = |line: &str| line.replacen("\"data\":{\"a\":", "\"from\":", 1).replacen(",\"b\":", ",\"to\":", 1);
        let edges: String = printed("L", &ends).lines().map(|line| renamed(line).replacen("}}", "}\n", 1)).collect();
        load(&second, nodes + &edges).await.unwrap_or_else(|error| panic!("{kind:?}: {error:?}"));
        let sql = "SELECT K.id, L.src, L.dst FROM K JOIN L ON L.src = K.id AND L.dst = K.id ORDER BY K.id";
        let (ours, theirs) = (first.query(sql).await.expect("a query"), second.query(sql).await.expect("a query"));
        assert_eq!(super::value::rows(&ours), super::value::rows(&theirs), "{kind:?}");
        assert_eq!(super::value::rows(&ours).len(), keys.len(), "{kind:?}");
    }
}

/// Loses every publish: what was written stands in its tables, and nobody sees it.
#[derive(Debug)]
struct PublishesBreakOff;

impl FaultPolicy for PublishesBreakOff {
    fn verdict(&self, call: &Call) -> Verdict {
        let is_publish = call.class == PathClass::Manifest && call.operation == Operation::PutIfAbsent;
        if is_publish { Verdict::Fail(FaultKind::ConnectionLost) } else { Verdict::Pass }
    }
}

#[tokio::test]
async fn every_boundary_of_every_type_is_whole_after_a_death_before_publish_and_a_recovery() {
    let everything = Everything::new();
    let (names, expected) = (&everything.names, everything.boundaries());
    for by_sql in [false, true] {
        let uri = format!("memory://values-{}", uuid::Uuid::new_v4());
        Graph::builder(&uri).create(&everything.schema).await.expect("a graph");
        let layer = Arc::new(FaultLayer::new(Arc::new(PublishesBreakOff)));
        let doomed = Graph::builder(&uri).process(Arc::default()).layer(layer).open().await.expect("a handle");
        let died = match by_sql {
            false => load(&doomed, lines("T", names, &expected)).await,
            true => doomed.mutate(Mutate::sql(insert("T", names, &expected))).await,
        };
        let died = died.expect_err("it is not published");
        assert_eq!(died.kind(), ErrorKind::InDoubt, "{died:?}");
        drop(doomed);
        let recovered = Graph::builder(&uri).process(Arc::default()).open().await.expect("a recovery");
        assert_eq!(recovered.recoveries().await.expect("an audit").len(), 1);
        let found = rows(&recovered, "T", names).await;
        everything.same("a recovery", &found, &expected).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Runs the program and gives what it printed.
fn omnigraph(at: &Path, args: &[&str], input: &str) -> String {
    use std::io::Write;
    let mut command = Command::new(env!("CARGO_BIN_EXE_omnigraph"));
    command.arg("--uri").arg(at).args(args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_owned();
    // The program may print before it has read everything.
    let writing = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    writing.join().expect("no panic").expect("everything is read");
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test]
async fn what_the_program_prints_the_program_loads() {
    let everything = Everything::new();
    let (names, expected) = (&everything.names, everything.boundaries());
    let directory = tempfile::tempdir().expect("a directory");
    let (first, second) = (directory.path().join("first"), directory.path().join("second"));
    for at in [&first, &second] {
        Graph::builder(at.display()).create(&everything.schema).await.expect("a graph");
    }
    omnigraph(&first, &["load", "-"], &lines("T", names, &expected));
    let rows_printed = omnigraph(&first, &["query", "SELECT * FROM T"], "");
    let lines: String = rows_printed.lines().map(|row| format!("{{\"type\":\"T\",\"data\":{row}}}\n")).collect();
    omnigraph(&second, &["load", "-"], &lines);
    let graph = Graph::builder(second.display()).open_read_only().await.expect("a graph");
    let found = rows(&graph, "T", names).await;
    everything.same("the program", &found, &expected).unwrap_or_else(|error| panic!("{error}"));
}
