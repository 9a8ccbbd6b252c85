//! The `omnigraph` program as a process: what it reads, what it prints, what it ends with.

mod codes;
mod ending;
mod form;
mod input;
mod output;
mod place;
mod secret;
mod shape;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use omnigraph::{Graph, Load};
use serde_json::{Value, json};

const SCHEMA: &str = "
node Person { name: String @key  age: I32?  tags: [String]? }
edge Knows: Person -> Person { since: Date? }
";

/// A folder with a graph of a few people, one with a name that would clear a screen.
async fn people() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let graph = Graph::builder(directory.path().display()).create(SCHEMA).await.unwrap();
    let rows = [
        json!({"name": "alice", "age": 30, "tags": ["a", "b"]}),
        json!({"name": "bob, \"the\" builder"}),
        json!({"name": "eve\n\u{1b}[2J\u{9b}\u{202e}\u{200b}"}),
    ];
    let rows = rows.map(|data| json!({"type": "Person", "data": data}));
    graph.load(Load::append(), Load::rows(rows)).await.unwrap();
    directory
}

/// The program, about a graph; nothing of this process's environment decides what it does.
fn program(graph: &Path) -> Command {
    let mut command = bare();
    command.arg("--uri").arg(graph);
    command
}

fn bare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_omnigraph"));
    for variable in ["OMNIGRAPH_URI", "COLUMNS", "RUST_LOG"] {
        command.env_remove(variable);
    }
    let settings = std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("AWS_"));
    settings.for_each(|name| {
        command.env_remove(name);
    });
    command.stdin(Stdio::null());
    command
}

/// What a process said, and what it ended with.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn run(command: &mut Command) -> Ran {
    Ran::of(command.output().expect("the program starts"))
}

/// Runs it with `input` on its standard input.
fn run_with(command: &mut Command, input: &[u8]) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    // It may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input);
    Ran::of(child.wait_with_output().unwrap())
}

impl Ran {
    fn of(output: Output) -> Ran {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// What it printed, when it did what it was asked for.
    #[track_caller]
    fn done(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{self:?}");
        self.out
    }

    /// What it said, when it ended with this code.
    #[track_caller]
    fn ended_with(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self.err
    }
}

/// The objects of JSON lines.
#[track_caller]
fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// How many people there are.
fn count(graph: &Path) -> u64 {
    let out = run(program(graph).args(["query", "SELECT count(*) AS n FROM Person"])).done();
    objects(&out)[0]["n"].as_u64().unwrap()
}

/// SQL that looks at three people, twenty times over, in every combination.
fn endless_query() -> String {
    let list = |each: &dyn Fn(usize) -> String, between: &str| (0..20).map(each).collect::<Vec<_>>().join(between);
    let tables = list(&|at| format!("Person AS p{at}"), ", ");
    let ages = list(&|at| format!("coalesce(p{at}.age, 1)"), " + ");
    format!("SELECT count(*) FROM {tables} WHERE {ages} < 0")
}
