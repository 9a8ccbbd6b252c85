//! Help, completion, actors, and the codes that the program ends with.

use super::{bare, people, program, run};

#[test]
fn help_lists_the_codes_and_asks_for_no_place() {
    let out = run(bare().arg("--help")).done();
    for row in ["0  done", "2  usage", "6  conflict", "8  in-doubt", "11  refused", "130  interrupted"] {
        assert!(out.contains(row), "{row}: {out}");
    }
    assert!(run(bare().arg("--version")).done().starts_with("omnigraph "));
}

#[test]
fn shells_get_what_completes_commands_and_no_place_is_asked_for() {
    // Two of them do not complete values.
    for (shell, option) in [
        ("bash", "parquet"),
        ("zsh", "parquet"),
        ("fish", "parquet"),
        ("elvish", "--format"),
        ("powershell", "--format"),
    ] {
        let out = run(bare().args(["completions", shell])).done();
        assert!(out.contains("omnigraph") && out.contains("quarantine") && out.contains(option), "{shell}: {out}");
    }
}

#[test]
fn kinds_of_errors_end_with_codes_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("schema"), "node Person { name: String @key }").unwrap();
    std::fs::write(folder.path().join("wrong"), "nodule Person").unwrap();
    let graph = folder.path().join("graph");
    let schema = |name: &str| folder.path().join(name);
    run(program(&graph).args(["inspect"])).ended_with(4);
    run(program(&graph).arg("create").arg(schema("wrong"))).ended_with(3);
    run(program(&graph).arg("create").arg(schema("schema"))).done();
    run(program(&graph).arg("create").arg(schema("schema"))).ended_with(5);
    run(program(&graph).args(["mutate", "DELETE FROM Nobody"])).ended_with(3);
    std::fs::create_dir_all(graph.join("__recovery")).unwrap();
    std::fs::write(graph.join("__recovery/torn.json"), "{").unwrap();
    run(program(&graph).args(["mutate", "DELETE FROM Person"])).ended_with(9);
}

#[tokio::test]
async fn an_actor_that_would_forge_a_line_is_refused_and_shown_escaped() {
    let graph = people().await;
    for actor in ["ann\n  999 forged", "ann\u{1b}[2J", "nna\u{202e}", "an\u{200b}n", ""] {
        let insert = "INSERT INTO Person (name) VALUES ('zoe')";
        let said = run(program(graph.path()).args(["mutate", insert, "--actor", actor])).ended_with(3);
        assert!(said.lines().count() == 1 && !said.contains(['\u{1b}', '\u{202e}', '\u{200b}']), "{said:?}");
        run(program(graph.path()).args(["repair", "--confirm", "--actor", actor])).ended_with(3);
    }
    let out = run(program(graph.path()).arg("commits")).done();
    assert!(!out.contains("forged"), "{out}");
}
