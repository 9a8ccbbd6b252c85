//! The program from outside: what it prints, what it leaves, and how it ends.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

pub const HEAD: &str = "
summary: one thing
why: because it matters
graph:
  schema: |
    node Person { name: String @key  age: I32? }
";

/// A folder of scenarios, one `(name, steps and more)` each.
pub fn folder(scenarios: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    for (name, rest) in scenarios {
        let path = folder.path().join("scenarios").join(format!("{name}.yaml"));
        fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("the folder can be made");
        fs::write(path, format!("{HEAD}{rest}")).expect("the file can be written");
    }
    folder
}

pub fn chaos(folder: &Path, args: &[&str]) -> Output {
    command(folder, args).output().expect("the program starts")
}

pub fn command(folder: &Path, args: &[&str]) -> Command {
    // What a failed cell leaves goes with the folder.
    let scratch = folder.join("scratch");
    fs::create_dir_all(&scratch).expect("the folder can be made");
    let mut command = Command::new(env!("CARGO_BIN_EXE_chaos"));
    command.current_dir(folder).args(args).env("TMPDIR", scratch).stdin(Stdio::null());
    command
}

pub fn run(folder: &Path, args: &[&str]) -> (i32, String) {
    run_on("memory", folder, args)
}

pub fn run_on(backend: &str, folder: &Path, args: &[&str]) -> (i32, String) {
    let always = ["run", "--backend", backend, "--no-preflight", "--seed", "7", "--bundle-dir", "bundles"];
    ended(chaos(folder, &[&always[..], args].concat()))
}

pub fn ended(output: Output) -> (i32, String) {
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.code().unwrap_or(-1), text)
}

/// The bundles of the cells that failed, as the commands that run them again name them.
pub fn bundles_of(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| Some(line.split_once("chaos replay ")?.1)).collect()
}

pub const HOLDS: &str = "
steps:
  - load: {rows: [{type: Person, data: {name: ann}}]}
  - check: {rows: {Person: 1}}
";

pub const BREAKS: &str = "
steps:
  - load: {rows: [{type: Person, data: {name: ann}}]}
    failpoints: {load:table.commit: crash}
    expect: crash
  - restart: {}
  - open: read-write
  - check: {rows: {Person: 1}}
";

const NEVER_FIRES: &str = "
steps:
  - load: {rows: [{type: Person, data: {name: ann}}]}
    failpoints: {load:table.commit: 3*off->1*return}
  - check: {rows: {Person: 1}}
";

const HANGS: &str = "
steps:
  - load: {rows: [{type: Person, data: {name: ann}}]}
    failpoints: {load:sidecar.written: delay(9000)}
  - check: {rows: {Person: 1}}
";

const CANARY_THAT_HOLDS: &str = "
canary: {breaks: [head-equals-pin]}
steps:
  - load: {rows: [{type: Person, data: {name: ann}}]}
  - check: {rows: {Person: 1}}
";

#[test]
fn a_run_in_which_everything_holds_ends_with_zero() {
    let folder = folder(&[("area/holds", HOLDS)]);
    let (code, text) = run(folder.path(), &[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("1 held"), "{text}");
    assert!(!folder.path().join("bundles").exists(), "nothing failed, so nothing is left");
}

#[test]
fn a_broken_check_leaves_a_bundle_that_replays() {
    let folder = folder(&[("area/breaks", BREAKS)]);
    let (code, text) = run(folder.path(), &[]);
    assert_eq!(code, 1, "{text}");
    // As it is typed from what is printed.
    let command = text.lines().find_map(|line| line.trim().strip_prefix("replay ")).expect("the command is printed");
    let mut shell = Command::new("sh");
    shell.current_dir(folder.path()).arg("-c").arg(format!("{command} --bundle-dir again")).stdin(Stdio::null());
    let (code, text) = ended(shell.output().expect("there is a shell"));
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("reproduced: the same thing broke again"), "{text}");
}

#[test]
fn a_file_elsewhere_is_named_by_its_whole_path() {
    let (here, elsewhere) = (folder(&[]), folder(&[("area/holds", HOLDS)]));
    let file = elsewhere.path().join("scenarios/area/holds.yaml").display().to_string();
    let (code, text) = run(here.path(), &[&file]);
    assert_eq!(code, 0, "{text}");
    let cell = format!("{}@memory", file.trim_end_matches(".yaml"));
    assert!(text.contains(&format!(" {cell}")) && !text.contains(&format!("/{cell}")), "{text}");
}

#[test]
fn the_bytes_of_a_failed_cell_are_kept_where_the_run_says_and_those_of_others_are_not() {
    let folder = folder(&[("area/breaks", BREAKS), ("area/holds", HOLDS)]);
    let (code, text) = run_on("local", folder.path(), &[]);
    assert_eq!(code, 1, "{text}");
    let kept = text.lines().find_map(|line| line.strip_prefix("bytes of cells are kept in "));
    let kept = Path::new(kept.unwrap_or_else(|| panic!("{text}"))).join("local");
    let cells = fs::read_dir(&kept).unwrap_or_else(|error| panic!("{}: {error}", kept.display()));
    let cells: Vec<_> = cells.map(|cell| cell.expect("readable").path()).collect();
    let [cell] = &cells[..] else { panic!("{cells:?}") };
    assert!(cell.display().to_string().ends_with("area-breaks-local"), "{cells:?}");
    assert!(cell.join("graph/__manifest").is_dir(), "the graph is where it was");
}

#[test]
fn nothing_is_left_and_nothing_announced_where_no_cell_is_kept() {
    let folder = folder(&[("area/breaks", BREAKS), ("area/holds", HOLDS)]);
    for args in [["area/holds", "--backend", "local"], ["area/breaks", "--backend", "memory"]] {
        let (_, text) = run(folder.path(), &args);
        assert!(!text.contains("bytes of cells"), "{text}");
    }
    let left: Vec<_> = fs::read_dir(folder.path().join("scratch")).expect("it is there").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_fault_that_never_fires_is_not_green() {
    let folder = folder(&[("area/never-fires", NEVER_FIRES)]);
    let (code, text) = run(folder.path(), &[]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("NOT EXERCISED") && text.contains("fired 0"), "{text}");
}

#[test]
fn a_step_that_hangs_is_killed_and_reported_with_what_it_was_doing() {
    let folder = folder(&[("area/hangs", HANGS)]);
    for backend in ["memory", "local"] {
        let (code, text) = run(folder.path(), &["--backend", backend, "--step-max-ms", "1000"]);
        assert_eq!(code, 3, "{text}");
        assert!(text.contains("running step 1 (load)") && text.contains("load:sidecar.written"), "{text}");
    }
}

#[test]
fn a_canary_that_passes_fails_the_run() {
    let folder = folder(&[("canary/holds", CANARY_THAT_HOLDS)]);
    let (code, text) = run(folder.path(), &[]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("must break exactly head-equals-pin, and everything held"), "{text}");
}

#[test]
fn a_run_that_may_fail_once_begins_no_cell_after_that() {
    let folder = folder(&[("area/a", BREAKS), ("area/b", HOLDS), ("area/c", HOLDS)]);
    let (code, text) = run(folder.path(), &["--jobs", "1", "--max-fail", "1"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("the run was to end after 1 failed") && text.contains("2 skipped"), "{text}");
    let (code, text) = run(folder.path(), &["--jobs", "1", "--max-fail", "2"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("2 held"), "{text}");
}

#[test]
fn bad_usage_and_an_invalid_scenario_end_with_two() {
    let folder = folder(&[("area/invalid", "\nsteps: [{bogus: 1}]\n")]);
    assert_eq!(run(folder.path(), &[]).0, 2);
    assert_eq!(run(folder.path(), &["--backend", "floppy"]).0, 2);
    assert_eq!(run(folder.path(), &["--shard", "3/2"]).0, 2);
    assert_eq!(run(folder.path(), &["no/such/scenario"]).0, 2);
    let (code, text) = ended(chaos(folder.path(), &["check"]));
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("bogus"), "{text}");
}

#[test]
fn nothing_selected_is_not_success() {
    let folder = folder(&[("area/holds", HOLDS)]);
    let (code, text) = run(folder.path(), &["--tag", "no-such-tag"]);
    assert_eq!(code, 4, "{text}");
}

#[test]
fn a_shard_says_which_cells_it_takes_and_all_shards_take_each_cell_once() {
    let folder = folder(&[("area/a", HOLDS), ("area/b", HOLDS), ("area/c", HOLDS)]);
    let texts = ["1/2", "2/2"].map(|shard| run(folder.path(), &["--shard", shard]));
    for cell in ["area/a@memory", "area/b@memory", "area/c@memory"] {
        let takers = texts.iter().filter(|(_, text)| text.lines().any(|line| line.trim() == cell)).count();
        assert_eq!(takers, 1, "{cell}: {texts:?}");
    }
    assert!(texts.iter().all(|(code, _)| *code == 0), "{texts:?}");
}

#[test]
fn the_stream_of_events_tells_how_every_step_ended() {
    let folder = folder(&[("area/breaks", BREAKS)]);
    let (_, text) = run(folder.path(), &["--json-lines", "events.jsonl"]);
    let lines =
        fs::read_to_string(folder.path().join("events.jsonl")).unwrap_or_else(|error| panic!("{error}: {text}"));
    let events: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let ends: Vec<&str> = events
        .iter()
        .filter(|event| event["event"] == "step-finished")
        .filter_map(|event| event["outcome"]["outcome"].as_str())
        .collect();
    assert_eq!(ends, ["crashed", "acknowledged", "acknowledged", "mismatch"], "{text}");
    assert_eq!(events.last().map(|event| event["event"].clone()), Some("run-finished".into()));
}

#[test]
fn a_worker_whose_supervisor_is_gone_ends() {
    let mut worker = Command::new(env!("CARGO_BIN_EXE_chaos"))
        .arg("worker")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(worker.stdin.take());
    assert!(worker.wait().expect("it can be waited for").success());
}

const READ_BESIDE: &str = "
readers: 2
steps:
  - start: slow
    load: {rows: [{type: Person, data: {name: ann}}]}
    hold: load:manifest.publish
  - check: {rows: {Person: 0}}
  - release: slow
  - join: slow
  - load: {mode: overwrite, rows: [{type: Person, data: {name: bob}}]}
";

#[test]
fn readers_beside_the_steps_read_after_each_of_them_and_keep_what_they_read() {
    let folder = folder(&[("race/read", READ_BESIDE)]);
    let (code, text) = run(folder.path(), &["--bundle-all"]);
    assert_eq!(code, 0, "{text}");
    let run = fs::read_dir(folder.path().join("bundles")).expect("bundles").next().expect("one run").expect("readable");
    let evidence =
        fs::read_to_string(run.path().join("race.read@memory/evidence.json")).expect("the cell has a bundle");
    let evidence: serde_json::Value = serde_json::from_str(&evidence).expect("JSON");
    let readings = evidence["readings"].as_array().expect("a list");
    for reader in ["reader 1", "reader 2"] {
        let of = |taken: &str| -> Vec<&serde_json::Value> {
            let own = readings.iter().filter(|reading| reading["handle"] == reader);
            own.filter(|reading| reading["taken"] == taken).collect()
        };
        let mut rounds: Vec<u64> = of("fetched").iter().filter_map(|reading| reading["started"].as_u64()).collect();
        rounds.dedup();
        assert!(rounds.len() >= 6, "before the first step and after each of the five: {rounds:?}");
        let mut versions: Vec<u64> = of("fetched").iter().filter_map(|read| read["graph_version"].as_u64()).collect();
        assert!(versions.is_sorted(), "{versions:?}");
        versions.dedup();
        assert_eq!(versions, [1, 2, 3], "every commit was seen by {reader}");
        let kept: Vec<(u64, usize)> = of("kept")
            .iter()
            .map(|read| (read["graph_version"].as_u64(), read["rows"]["Person"].as_array()))
            .map(|(version, rows)| (version.expect("a number"), rows.expect("rows").len()))
            .collect();
        assert_eq!(kept, [(1, 0), (2, 1), (1, 0)], "old snapshots show what they showed");
    }
}

#[test]
fn a_case_is_run_by_its_name_alone() {
    let cases = READ_BESIDE
        .replace("steps:", "for: {mode: [append, merge]}\nsteps:")
        .replace("{mode: overwrite,", "{mode: '${mode}',");
    let folder = folder(&[("race/read", &cases)]);
    let (code, text) = run(folder.path(), &["race/read"]);
    assert!(code == 0 && text.contains("2 cells: 2 held"), "{text}");
    let (code, text) = run(folder.path(), &["race/read/merge"]);
    assert!(code == 0 && text.contains("1 cell: 1 held") && text.contains("race/read/merge@memory"), "{text}");
    let (code, text) = run(folder.path(), &["race/read/overwrite"]);
    assert_eq!(code, 4, "{text}");
}

#[test]
fn the_matrix_is_json_on_one_line() {
    let folder = folder(&[("area/a", HOLDS), ("area/b", HOLDS)]);
    let (code, text) = ended(chaos(folder.path(), &["matrix", "--github"]));
    assert_eq!(code, 0, "{text}");
    let matrix: serde_json::Value = serde_json::from_str(text.trim()).expect("JSON");
    let jobs = matrix["include"].as_array().expect("a list");
    assert!(jobs.iter().all(|job| job["backend"].is_string() && job["shard"].is_string() && job["id"].is_string()));
}

#[test]
fn durations_are_recorded_from_a_run_and_divide_the_next_one() {
    let folder = folder(&[("area/a", HOLDS), ("area/b", HOLDS), ("area/c", HOLDS)]);
    run(folder.path(), &["--json-lines", "events.jsonl"]);
    let (code, text) = ended(chaos(folder.path(), &["matrix", "--record", "events.jsonl"]));
    assert_eq!(code, 0, "{text}");
    let recorded: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert!(recorded["memory"]["area/b"].as_u64().is_some_and(|ms| ms > 0), "{text}");

    let long = r#"{"memory": {"area/a": 100, "area/b": 900, "area/c": 100}}"#;
    fs::write(folder.path().join("scenarios/durations.json"), long).expect("the file can be written");
    let (_, text) = run(folder.path(), &["--shard", "1/2"]);
    assert!(text.contains("shard 1/2 takes 1 cells:\n  area/b@memory"), "{text}");
    fs::write(folder.path().join("scenarios/durations.json"), "[]").expect("the file can be written");
    assert_eq!(run(folder.path(), &[]).0, 2, "durations that nobody can read are not taken for none");
}

#[test]
fn coverage_is_red_while_a_window_is_dark_without_a_reason() {
    let folder = folder(&[("area/breaks", BREAKS)]);
    let events = run(folder.path(), &["--json-lines", "events.jsonl"]).1;
    let with_reasons = |reasons: &str| {
        fs::write(folder.path().join("dark.yaml"), reasons).expect("the file can be written");
        ended(chaos(folder.path(), &["coverage", "events.jsonl", "--dark", "dark.yaml"]))
    };
    let (code, text) = with_reasons("[]");
    assert_eq!(code, 1, "{text}{events}");
    assert!(text.contains("error at load:table.commit on memory is dark"), "{text}");
    assert!(text.contains("## load\n"), "{text}");
    let (code, text) = with_reasons("- {failpoint: '*', reason: 'this folder has one scenario and no more'}");
    assert_eq!(code, 0, "{text}");
    fs::write(folder.path().join("coverage.md"), &text).expect("the file can be written");
    let check = ["coverage", "events.jsonl", "--dark", "dark.yaml", "--check", "coverage.md"];
    assert_eq!(ended(chaos(folder.path(), &check)).0, 0);
    fs::write(folder.path().join("coverage.md"), text.replace("dark [1], dark [1]", "error, crash")).expect("writable");
    assert_eq!(ended(chaos(folder.path(), &check)).0, 1);
}

#[test]
fn a_run_writes_a_page() {
    let folder = folder(&[("area/a", HOLDS)]);
    let (_, text) = run(folder.path(), &["--html", "out/page.html"]);
    let page =
        fs::read_to_string(folder.path().join("out/page.html")).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert!(page.contains("<h1>") && page.trim_end().ends_with("</html>"));
}

#[test]
fn a_scenario_is_listed_and_explained_on_the_backends_on_which_it_runs() {
    let wired = "
steps:
  - refresh: {}
    wire: [{on: {operation: list}, do: slow-down, when: {nth: 1}}]
  - check: {rows: {Person: 0}}
";
    let folder = folder(&[("area/wired", wired), ("area/holds", HOLDS)]);
    let (code, text) = ended(chaos(folder.path(), &["list"]));
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("area/wired  [s3, rustfs]"), "{text}");
    assert!(text.contains("area/holds  [local, memory, s3, rustfs]"), "{text}");
    let (code, text) = ended(chaos(folder.path(), &["explain", "area/wired"]));
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("It runs on s3 and rustfs. Not on local (line "), "{text}");
    assert!(text.contains("the step asks for a wire to the store, which memory has not)"), "{text}");
}

#[test]
fn a_run_says_what_it_did_not_judge_and_claims_no_reader_that_it_did_not_have() {
    let read = format!("\nreaders: 1{HOLDS}");
    let folder = folder(&[("area/holds", HOLDS), ("area/read", read.as_str())]);
    let (code, text) = run(folder.path(), &["--json-lines", "events.jsonl"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("not judged: readers-saw-whole-commits, in 1 of 2 cells"), "{text}");
    assert!(!text.contains("not judged: readings-between-calls"), "{text}");
    let events = fs::read_to_string(folder.path().join("events.jsonl")).expect("the events are there");
    let finished = |name: &str| {
        let found = events.lines().find(|line| line.contains("cell-finished") && line.contains(name));
        found.unwrap_or_else(|| panic!("{name} did not finish: {events}"))
    };
    assert!(finished("area/holds").contains("nobody read while a call that writes or recovers was under way"));
    assert!(!finished("area/read").contains("nobody read while"));
}
