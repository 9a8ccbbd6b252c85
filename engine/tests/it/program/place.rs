//! Where a graph lies: the place that is meant, or a refusal.

use super::{bare, people, run};

#[tokio::test]
async fn every_way_to_write_a_place_means_that_place() {
    let graph = people().await;
    let (parent, name) = (graph.path().parent().unwrap(), graph.path().file_name().unwrap().to_str().unwrap());
    let path = graph.path().display();
    let places = [
        format!("{path}"),
        format!("{path}/"),
        format!("file:{path}"),
        format!("file://{path}"),
        format!("FILE://localhost{path}"),
        format!("~/{name}"),
        name.to_owned(),
    ];
    for place in places {
        let mut command = bare();
        command.current_dir(parent).env("HOME", parent).arg("inspect");
        let out = run(command.arg(format!("--uri={place}"))).done();
        assert!(out.starts_with("version 2\n"), "{place}: {out}");
        let mut command = bare();
        command.current_dir(parent).env("HOME", parent).arg("inspect");
        run(command.env("OMNIGRAPH_URI", place)).done();
    }
}

#[test]
fn a_place_that_could_mean_another_is_refused_and_no_folder_of_its_name_is_made() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("schema"), "node Person { name: String @key }").unwrap();
    for place in [
        "s3:/bucket/g",
        "s3:bucket/g",
        "gs://bucket/g",
        "http://host/g",
        "file:g",
        "file:///tmp/a%20b",
        "C:\\g",
        "~ann/g",
        "$HOME/g",
        "memory:g",
        " g",
        "g ",
        "g\n",
        "s3://bob:hunter2@host/g",
        "s3://bucket/g?region=x",
    ] {
        let said = run(bare().current_dir(folder.path()).args(["create", "schema", "--uri", place])).ended_with(3);
        assert!(said.contains("is no storage uri: ") && !said.contains("hunter2"), "{said}");
    }
    let said = run(bare().current_dir(folder.path()).args(["create", "schema", "--uri", ""])).ended_with(2);
    assert!(said.contains("OMNIGRAPH_URI"), "{said}");
    run(bare().current_dir(folder.path()).args(["create", "schema"]).env("OMNIGRAPH_URI", "")).ended_with(2);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "the schema alone");
    run(bare().current_dir(folder.path()).args(["create", "schema", "--uri", "./a:b"])).done();
    assert!(folder.path().join("a:b/__manifest").exists());
}
