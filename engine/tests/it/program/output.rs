//! Output that cannot be written, and output that nobody reads.

use std::fs::File;
use std::process::Stdio;

use super::{count, objects, people, program, run};

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

#[tokio::test]
async fn a_write_whose_report_cannot_be_written_is_done_and_says_so() {
    let graph = people().await;
    let insert = |name: &str| format!("INSERT INTO Person (name) VALUES ('{name}')");
    let mut command = program(graph.path());
    let output = command.args(["mutate", &insert("zoe")]).stdout(full()).stderr(Stdio::piped()).spawn().unwrap();
    let output = output.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    // Who repeats what has failed must not repeat this.
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.starts_with("the write is durable: version 3, commit "), "{said}");
    assert!(said.lines().count() == 1 && said.contains("No space left"), "{said}");
    assert_eq!(count(graph.path()), 4);

    let mut command = program(graph.path());
    let output =
        command.args(["--json", "mutate", &insert("yan")]).stdout(full()).stderr(Stdio::piped()).spawn().unwrap();
    let output = output.wait_with_output().unwrap();
    let said = objects(&String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(0));
    assert_eq!((said.len(), &said[0]["notice"]["report"]["graph_version"]), (1, &4.into()), "{said:?}");
}

#[tokio::test]
async fn a_write_whose_reader_went_away_is_done_and_says_so() {
    let graph = people().await;
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = program(graph.path());
    command.args(["mutate", "INSERT INTO Person (name) VALUES ('zoe')"]).stdout(writer).stderr(Stdio::piped());
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.starts_with("the write is durable: version 3"), "{said}");
}

#[tokio::test]
async fn a_read_whose_reader_went_away_ends_quietly() {
    let graph = people().await;
    let sql = "SELECT name FROM Person";
    let all = [
        &["query", sql][..],
        &["query", sql, "--format", "table"],
        &["query", sql, "--format", "csv"],
        &["query", sql, "--format", "arrow"],
        &["query", sql, "--format", "parquet"],
        &["commits"],
        &["inspect"],
        &["recoveries"],
        &["repair"],
        &["completions", "bash"],
    ];
    for args in all {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = program(graph.path());
        let output =
            command.args(args).stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.as_str()), (Some(0), ""), "{args:?}");
    }
}

#[tokio::test]
async fn a_read_that_cannot_be_written_is_an_error_of_its_own() {
    let graph = people().await;
    for format in ["json", "table", "csv", "arrow", "parquet"] {
        let mut command = program(graph.path());
        command.args(["query", "SELECT name FROM Person", "--format", format]).stdout(full()).stderr(Stdio::piped());
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(14), "{format}: {said}");
        assert!(said.starts_with("error: the output could not be written: No space left"), "{format}: {said}");
    }
}

#[tokio::test]
async fn that_nobody_hears_an_error_changes_nothing() {
    let graph = people().await;
    for (args, code) in [(&["query", "SELECT nothing FROM Person"][..], 3), (&["query"], 2), (&["inspect"], 0)] {
        let status =
            program(graph.path()).args(args).stdout(Stdio::null()).stderr(full()).env("RUST_LOG", "trace").status();
        assert_eq!(status.unwrap().code(), Some(code), "{args:?}");
    }
    let insert = ["mutate", "INSERT INTO Person (name) VALUES ('zoe')"];
    let status = program(graph.path()).args(insert).stdout(full()).stderr(full()).status().unwrap();
    assert_eq!(status.code(), Some(0), "it is durable, even if nobody can be told");
    assert_eq!(
        run(program(graph.path()).args(["query", "SELECT name FROM Person WHERE name = 'zoe'"])).done().lines().count(),
        1
    );
}
