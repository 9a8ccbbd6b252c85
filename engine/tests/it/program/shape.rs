//! What each command prints for a program: docs/program.md says it, and scripts rely on it.

use serde_json::{Value, json};

use super::{bare, count, objects, people, program, run, run_with};

/// The keys of an object, in order.
fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_write_is_one_object() {
    let graph = people().await;
    let line = b"{\"type\": \"Person\", \"data\": {\"name\": \"zoe\"}}\n";
    let out = objects(&run_with(program(graph.path()).args(["load", "--actor", "ann", "--json"]), line).done());
    assert_eq!(out.len(), 1);
    assert_eq!(keys(&out[0]), ["graph_version", "commit_id", "operation_id", "rows", "repeated", "recovered"]);
    assert_eq!(out[0]["rows"], json!({"Person": {"inserted": 1, "updated": 0, "deleted": 0}}));
    assert_eq!(out[0]["recovered"], json!({"resolved": [], "deferred": []}));
    let none = "DELETE FROM Person WHERE name = 'nobody'";
    let out = objects(&run(program(graph.path()).args(["--json", "mutate", none])).done());
    assert_eq!(
        (&out[0]["graph_version"], &out[0]["commit_id"], &out[0]["operation_id"]),
        (&json!(3), &json!(null), &json!(null))
    );
}

#[tokio::test]
async fn a_write_that_is_called_twice_under_one_id_happens_once() {
    let graph = people().await;
    let line = b"{\"type\": \"Person\", \"data\": {\"name\": \"zoe\"}}\n";
    let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let load = || run_with(program(graph.path()).args(["load", "--operation-id", id, "--json"]), line).done();
    let [first, again] = [load(), load()].map(|out| objects(&out).remove(0));
    assert_eq!((&first["repeated"], &again["repeated"]), (&json!(false), &json!(true)));
    assert_eq!((&first["operation_id"], &first["commit_id"]), (&json!(id), &again["commit_id"]));
    assert_eq!(again["rows"], json!({}));
    // Whatever it is that is called so.
    let other = ["mutate", "--operation-id", id, "DELETE FROM Person WHERE name = 'zoe'"];
    assert!(run(program(graph.path()).args(other)).done().starts_with("it was done before"));
    assert_eq!(count(graph.path()), 4);
}

#[tokio::test]
async fn what_is_read_is_an_object_a_line() {
    let graph = people().await;
    let out = objects(&run(program(graph.path()).args(["commits", "--json"])).done());
    let commit = ["graph_version", "commit_id", "at", "kind", "writer", "actor", "operation_id"];
    assert!(out.len() == 2 && out.iter().all(|object| keys(object) == commit), "{out:?}");
    assert_eq!(
        (&out[0]["kind"], &out[0]["writer"], &out[1]["kind"]),
        (&json!("written"), &json!("load"), &json!("created"))
    );
    let operation = out[0]["operation_id"].as_str().unwrap();
    let one = objects(&run(program(graph.path()).args(["commits", "--json", "--operation", operation])).done());
    assert_eq!(one, out[..1]);
    assert_eq!(run(program(graph.path()).args(["recoveries", "--json"])).done(), "");
    let out = run(program(graph.path()).args(["inspect", "--json"])).done();
    assert_eq!(
        objects(&out),
        [json!({"graph_version": 2, "sidecars": [], "sidecars_not_shown": 0, "quarantined": [], "drift": []})]
    );
    assert_eq!(objects(&run(program(graph.path()).args(["recover", "--json"])).done()), [json!({"graph_version": 2})]);
    let out = run(program(graph.path()).args(["repair", "--json"])).done();
    assert_eq!(objects(&out), [json!({"drift": [], "commit_id": null, "quarantined": null, "audit": null})]);
    let out = run(program(graph.path()).args(["query", "SELECT 1 AS one", "--json"])).done();
    assert_eq!(objects(&out), [json!({"one": 1})]);
}

#[tokio::test]
async fn a_graph_whose_newest_manifest_is_an_empty_file_is_opened_again_on_an_operators_word() {
    let graph = people().await;
    let versions = std::fs::read_dir(graph.path().join("__manifest/_versions")).unwrap();
    let newest = versions.map(|entry| entry.unwrap().path()).min().unwrap();
    std::fs::write(&newest, "").unwrap();
    run(program(graph.path()).args(["query", "SELECT 1 AS one"])).ended_with(9);
    let out = objects(&run(program(graph.path()).args(["repair", "--manifest", "--json"])).done());
    assert_eq!(
        (&out[0]["broken"][0]["version"], &out[0]["whole"], &out[0]["moved"]),
        (&json!(2), &json!(1), &json!([]))
    );
    run(program(graph.path()).args(["query", "SELECT 1 AS one"])).ended_with(9);
    let out = run(program(graph.path()).args(["repair", "--manifest", "--confirm"])).done();
    assert!(out.contains("version 1 is the newest"), "{out}");
    assert!(!newest.exists());
    assert!(run(program(graph.path()).args(["inspect"])).done().contains("version 1"));
    assert!(run(program(graph.path()).args(["repair", "--audit"])).done().contains("the audit can be read"));
}

#[tokio::test]
async fn a_file_that_is_no_sidecar_is_shown_with_its_reason() {
    let graph = people().await;
    std::fs::create_dir_all(graph.path().join("__recovery")).unwrap();
    std::fs::write(graph.path().join("__recovery/x\u{202e}.json"), "{").unwrap();
    let out = objects(&run(program(graph.path()).args(["inspect", "--json"])).done());
    assert_eq!(keys(&out[0]["sidecars"][0]), ["file", "unreadable"]);
    let out = run(program(graph.path()).args(["inspect"])).done();
    assert!(out.contains("sidecar x\\u{202e}.json: unreadable") && !out.contains('\u{202e}'), "{out:?}");
    let said = run(program(graph.path()).args(["recover"])).ended_with(9);
    assert!(said.contains("x\\u{202e}.json") && !said.contains('\u{202e}'), "{said:?}");
}

#[test]
fn a_creation_is_one_object() {
    let folder = tempfile::tempdir().unwrap();
    let schema = b"node B { name: String @key }\nnode A { name: String @key }";
    let out = run_with(program(folder.path()).args(["create", "-", "--json"]), schema).done();
    let created = objects(&out);
    assert_eq!((created.len(), keys(&created[0])), (1, vec!["graph_version", "types"]));
    assert_eq!(created[0]["types"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_error_is_one_object_on_standard_error() {
    let graph = people().await;
    let all = ["kind", "message", "advice", "causes", "operation_id", "retryable", "exit_code"];
    let cases = [
        (&["query", "SELECT nothing FROM Person"][..], "invalid", 3),
        (&["query", "SELECT 1", "--version", "99"], "not-found", 4),
        (&["query", "--file", "/nowhere"], "input", 15),
        (&["commits", "--limit", "x"], "usage", 2),
        (&["commits", "--operation", "x"], "usage", 2),
        (&["commits", "--operation", "01ARZ3NDEKTSV4RRFFQ69G5FAV"], "not-found", 4),
        (&["mutate", "INSERT INTO Person (name) VALUES ('alice')"], "invalid", 3),
    ];
    for (args, kind, code) in cases {
        let said = objects(&run(program(graph.path()).arg("--json").args(args)).ended_with(code));
        let error = &said[0]["error"];
        assert_eq!((said.len(), keys(error)), (1, all.to_vec()), "{said:?}");
        assert_eq!((&error["kind"], &error["exit_code"]), (&json!(kind), &json!(code)), "{said:?}");
    }
    let said = objects(&run(bare().args(["inspect", "--json"])).ended_with(2));
    assert_eq!(said[0]["error"]["kind"], "usage");
}
