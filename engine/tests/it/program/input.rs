//! What is read: SQL and schemas from arguments, files and standard input.

use super::{bare, count, people, program, run, run_with};

#[tokio::test]
async fn sql_that_begins_with_a_comment_is_sql() {
    let graph = people().await;
    run(program(graph.path()).args(["mutate", "-- nightly\nDELETE FROM Person WHERE name = 'alice'"])).done();
    assert_eq!(count(graph.path()), 2);
    let out = run(program(graph.path()).args([
        "query",
        "--format",
        "csv",
        "-- all of them\nSELECT count(*) AS n FROM Person",
    ]))
    .done();
    assert_eq!(out, "n\n2\n");
    for args in [&["query", "--fromat=csv", "SELECT 1"][..], &["query", "--fromat", "csv"], &["query", "--fromat"]] {
        let said = run(program(graph.path()).args(args)).ended_with(2);
        assert!(said.contains("'--fromat'") && said.contains("--format"), "it says which is meant: {said}");
    }
}

#[tokio::test]
async fn sql_comes_from_standard_input_and_from_a_file() {
    let graph = people().await;
    // As an editor of another system leaves it.
    let insert =
        b"\xef\xbb\xbfINSERT INTO Person (name) VALUES ('zoe');\r\nINSERT INTO Person (name) VALUES ('yan');\r\n";
    run_with(program(graph.path()).args(["mutate", "-", "--actor", "ann"]), insert).done();
    assert_eq!(count(graph.path()), 5);
    let file = graph.path().join("query.sql");
    std::fs::write(&file, "\u{feff}-- how many\nSELECT count(*) AS n FROM Person").unwrap();
    let out = run(program(graph.path()).args(["query", "--file"]).arg(&file)).done();
    assert_eq!(out, "{\"n\":5}\n");
    let out = run_with(program(graph.path()).args(["query", "--file", "-"]), b"SELECT 1 AS one").done();
    assert_eq!(out, "{\"one\":1}\n");
    run(program(graph.path()).args(["query", "SELECT 1", "--file"]).arg(&file)).ended_with(2);
}

#[test]
fn a_byte_order_mark_before_a_schema_is_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let schema = "\u{feff}node Person { name: String @key }\r\n";
    std::fs::write(folder.path().join("schema.txt"), schema).unwrap();
    let out = run(program(&folder.path().join("a")).arg("create").arg(folder.path().join("schema.txt"))).done();
    assert_eq!(out, "created a graph of 1 types\n");
    run_with(program(&folder.path().join("b")).args(["create", "-"]), schema.as_bytes()).done();
}

#[test]
fn what_cannot_be_read_is_named_and_an_endless_text_is_not_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("utf16"), b"\xff\xfen\0o\0d\0e\0").unwrap();
    std::fs::write(folder.path().join("latin1"), b"node Stra\xdfe { name: String @key }").unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    for (schema, why) in [
        (path("missing\u{1b}[2J"), "missing\\u{1b}[2J: No such file"),
        (path(""), "directory"),
        (path("utf16"), "UTF-16"),
        (path("latin1"), "not UTF-8 at byte 10"),
        ("/dev/zero".into(), "longer than"),
    ] {
        let said = run(program(&folder.path().join("graph")).args(["create", &schema])).ended_with(15);
        assert!(said.contains(why) && !said.contains('\u{1b}'), "{said}");
    }
    for rows in [path(""), path("missing")] {
        run(program(&folder.path().join("graph")).args(["load", &rows])).ended_with(15);
    }
    assert!(!folder.path().join("graph").exists());
}

#[test]
fn numbers_that_are_too_large_and_words_that_are_not_known_are_usage() {
    for args in [
        &["query", "SELECT 1", "--version", "18446744073709551616"][..],
        &["query", "SELECT 1", "--version", "-1"],
        &["query", "SELECT 1", "--timeout", "0"],
        &["query", "SELECT 1", "--timeout", "99999999999999999999h"],
        &["query", "SELECT 1", "--memory", "lots"],
        &["query", "SELECT 1", "--format", "xml"],
        &["commits", "--limit", "many"],
        &["load", "--mode", "replace"],
        &["repair", "--confirm", "--quarantine", "x"],
        &["\u{1b}[2J\u{7}"],
        &[],
    ] {
        let said = run(bare().args(["--uri", "/nowhere"]).args(args)).ended_with(2);
        assert!(said.starts_with("error: "), "{said}");
        assert!(!said.contains(['\u{1b}', '\u{7}']), "{said:?}");
    }
}

#[test]
fn nothing_at_all_is_answered_with_help() {
    let said = run(&mut bare()).ended_with(2);
    assert!(said.contains("Usage:") && said.contains("completions") && !said.starts_with("error"), "{said}");
    let said = run(bare().arg("--json")).ended_with(2);
    assert!(said.starts_with("{\"error\":{\"kind\":\"usage\""), "{said}");
}

#[tokio::test]
async fn the_largest_numbers_are_only_numbers() {
    let graph = people().await;
    let out = run(program(graph.path()).args(["--json", "commits", "--limit", &usize::MAX.to_string()])).done();
    assert_eq!(out.lines().count(), 2);
    let version = u64::MAX.to_string();
    run(program(graph.path()).args(["query", "SELECT 1", "--version", &version])).ended_with(4);
}

#[cfg(unix)]
#[tokio::test]
async fn an_argument_that_is_no_text_is_usage() {
    use std::os::unix::ffi::OsStrExt;
    let graph = people().await;
    let sql = std::ffi::OsStr::from_bytes(b"SELECT '\xff'");
    run(program(graph.path()).arg("query").arg(sql)).ended_with(2);
}
