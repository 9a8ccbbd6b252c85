//! Commands that run no scenario: what they say about one, about a failure, about a graph.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use omnigraph::storage::{S3Options, Secret};
use omnigraph::{Graph, StorageOptions};

use crate::program::{BREAKS, HOLDS, bundles_of, chaos, command, ended, folder, run};

/// A folder in which a cell has failed, and the bundle that it left.
fn failed() -> (tempfile::TempDir, String) {
    let folder = folder(&[("area/breaks", BREAKS)]);
    let (_, text) = run(folder.path(), &[]);
    let bundle = bundles_of(&text)[0].to_owned();
    (folder, bundle)
}

#[test]
fn a_bundle_is_judged_again_and_comes_to_what_was_recorded() {
    let (folder, bundle) = failed();
    let (code, text) = ended(chaos(folder.path(), &["judge", &bundle]));
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("held         head-equals-pin") && text.contains("the same, for the same reasons"), "{text}");
    let (code, text) = ended(chaos(folder.path(), &["judge", &bundle, "--json"]));
    assert_eq!(code, 1, "{text}");
    let judged: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(judged["verdict"]["verdict"], "broken");
    assert!(judged["judgement"]["findings"].as_array().is_some_and(|findings| findings.len() > 15), "{judged}");
}

#[test]
fn evidence_that_says_otherwise_is_judged_otherwise() {
    let (folder, bundle) = failed();
    let file = folder.path().join(&bundle).join("evidence.json");
    let text = fs::read_to_string(&file).expect("the evidence is there");
    // As if an object of the store had another name; the size stays what the manifest says.
    let changed = text.replacen("\"__manifest/", "\"__manifesd/", 1);
    assert_ne!(text, changed, "the evidence lists the store");
    fs::write(&file, changed).expect("it can be written");
    let (code, told) = ended(chaos(folder.path(), &["judge", &bundle]));
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("BROKEN") && told.contains("now, and not recorded: "), "{told}");
}

#[test]
fn what_is_no_bundle_cannot_be_judged() {
    let folder = folder(&[]);
    let (code, told) = ended(chaos(folder.path(), &["judge", "scenarios"]));
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("is not a bundle"), "{told}");
}

#[test]
fn a_proxy_of_the_world_outside_stands_between_nobody_and_an_endpoint_of_the_harness() {
    let folder = folder(&[("area/holds", HOLDS)]);
    let args = ["run", "--backend", "s3", "--require", "s3", "--no-preflight", "--bundle-dir", "bundles"];
    let mut command = command(folder.path(), &args);
    // Nobody listens there.
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        command.env(name, "http://127.0.0.1:9");
    }
    let (code, text) = ended(command.output().expect("the program starts"));
    assert_eq!(code, 0, "{text}");
}

#[test]
fn a_shard_that_has_nothing_to_do_is_green_and_a_selection_without_a_cell_is_not() {
    let folder = folder(&[("area/holds", HOLDS)]);
    let (code, text) = run(folder.path(), &["--shard", "2/2"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("shard 2/2 of the selection has nothing to do"), "{text}");
    let (code, text) = run(folder.path(), &["--shard", "2/2", "--tag", "no-such-tag"]);
    assert_eq!(code, 4, "{text}");
}

#[test]
fn a_scenario_is_explained_with_what_its_faults_mean() {
    let folder = folder(&[("area/breaks", BREAKS), ("area/holds", HOLDS)]);
    let (code, text) = ended(chaos(folder.path(), &["explain", "area/breaks"]));
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("a table commit is about to land") && text.contains("the process dies there"), "{text}");
    let (code, both) = ended(chaos(folder.path(), &["explain", "area"]));
    assert_eq!(code, 0, "{both}");
    assert!(both.contains("area/breaks") && both.contains("area/holds"), "{both}");
    assert!(text.contains("- compaction-changes-no-row: there is no optimize yet"), "{text}");
    assert_eq!(ended(chaos(folder.path(), &["explain", "no/such"])).0, 2);
}

#[test]
fn a_failpoint_says_where_it_is_what_it_means_and_who_arms_it() {
    let cases = BREAKS
        .replace("steps:", "for: {mode: [append, merge]}\nsteps:")
        .replace("load: {rows:", "load: {mode: '${mode}', rows:");
    let folder = folder(&[("area/cases", &cases), ("area/breaks", BREAKS)]);
    let (code, text) = ended(chaos(folder.path(), &["failpoints", "load:table.commit"]));
    assert_eq!(code, 0, "{text}");
    let own = text.split_once("load:table.committed").expect("both are shown").0;
    assert!(own.contains("where: commit, before each table"), "{text}");
    assert!(own.contains("a table commit is about to land"), "{text}");
    assert!(own.contains("armed by: area/breaks, area/cases (2 cases)\n"), "{text}");
    let (_, text) = ended(chaos(folder.path(), &["failpoints", "sidecar.list"]));
    assert!(text.contains("crossed by: heal, sweep, repair"), "{text}");
}

#[test]
fn a_store_that_is_down_is_named_with_the_cause_and_without_the_password_in_its_address() {
    let folder = folder(&[]);
    let variables = [
        ("AWS_ENDPOINT_URL", "http://bob:hunter2secret@127.0.0.1:1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let (code, text) = chaos_with(folder.path(), &variables, &["inspect", "s3://x/graph"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("`__manifest`") && text.contains("\ncaused by: ") && text.contains("127.0.0.1:1"), "{text}");
    assert!(!text.contains("hunter2secret") && !text.contains(".rs:"), "{text}");
}

/// A server that is ended when the test is.
pub struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `chaos serve-s3`, with the variables that it printed.
pub fn served(args: &[&str]) -> (Server, Vec<(String, String)>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chaos"));
    command.arg("serve-s3").args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = Server(command.spawn().expect("the program starts"));
    let lines = BufReader::new(server.0.stdout.take().expect("it has an output")).lines();
    let variables = lines.map_while(Result::ok).map(|line| {
        let (name, value) = line.strip_prefix("export ").and_then(|line| line.split_once('=')).expect("an export");
        (name.to_owned(), value.to_owned())
    });
    // The bucket is the last line; the server goes on after it.
    let mut printed = Vec::new();
    for variable in variables {
        let is_last = variable.0 == "CHAOS_S3_BUCKET";
        printed.push(variable);
        if is_last {
            break;
        }
    }
    (server, printed)
}

fn chaos_with(folder: &Path, variables: &[(String, String)], args: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chaos"));
    command.current_dir(folder).envs(variables.iter().cloned()).args(args).stdin(Stdio::null());
    ended(command.output().expect("the program starts"))
}

#[tokio::test]
async fn the_endpoint_alone_serves_whoever_has_what_it_printed() {
    let (_server, variables) = served(&["--bucket", "inspected"]);
    let value = |name: &str| {
        let found = variables.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_else(|| panic!("{name} is not printed"))
    };
    assert!(value("AWS_ENDPOINT_URL").starts_with("http://127.0.0.1:"), "{variables:?}");
    let s3 = S3Options {
        endpoint: Some(value("AWS_ENDPOINT_URL")),
        region: Some(value("AWS_REGION")),
        access_key_id: Some(value("AWS_ACCESS_KEY_ID")),
        secret_access_key: Some(Secret::new(value("AWS_SECRET_ACCESS_KEY"))),
        allow_http: true,
        ..S3Options::default()
    };
    let storage = StorageOptions { s3, ..StorageOptions::default() };
    let graph = Graph::builder("s3://inspected/graph").storage_options(storage);
    graph.create("node Person { name: String @key }").await.expect("the graph can be created");

    let folder = tempfile::tempdir().expect("there is a temporary folder");
    let (code, text) = chaos_with(folder.path(), &variables, &["inspect", "s3://inspected/graph"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("sidecars: none") && text.contains("Created"), "{text}");
    let (code, text) = chaos_with(folder.path(), &variables, &["inspect", "s3://inspected/nowhere"]);
    assert_eq!(code, 2, "{text}");
    assert!(!text.contains(&value("AWS_SECRET_ACCESS_KEY")), "the endpoint's secret is shown by 'serve-s3' alone");
}

#[tokio::test]
async fn a_graph_in_trouble_is_shown_and_not_touched() {
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    let place = folder.path().join("graph");
    let uri = place.display().to_string();
    Graph::builder(&uri).create("node Person { name: String @key }").await.expect("the graph can be created");
    let sidecars = place.join("__recovery");
    fs::create_dir_all(&sidecars).expect("the folder can be made");
    fs::write(sidecars.join("01ARZ3NDEKTSV4RRFFQ69G5FAV.json"), "half of a si").expect("it can be written");
    let before = files(&place);

    let (code, text) = chaos_with(folder.path(), &[], &["inspect", &uri]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("01ARZ3NDEKTSV4RRFFQ69G5FAV.json") && text.contains("unreadable"), "{text}");
    let (code, text) = chaos_with(folder.path(), &[], &["inspect", &uri, "--json"]);
    assert_eq!(code, 1, "{text}");
    let seen: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&seen["at_rest"], seen["history"].as_array().map(Vec::len)), (&false.into(), Some(1)), "{seen}");
    assert_eq!(files(&place), before, "an inspection changes nothing");
}

/// Every file below a folder with its bytes, sorted.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = fs::read(&path).expect("it can be read");
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}
