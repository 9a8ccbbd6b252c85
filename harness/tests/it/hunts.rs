//! `chaos sweep` and `chaos swarm` from outside: what they draw and kill, what they say of it, and how they end.

use std::fs;
use std::path::Path;

use crate::program::{HOLDS, bundles_of, chaos, ended, folder, run};

const SWEEP: &str = "
steps: []
sweep:
  operation:
    load: {rows: [{type: Person, data: {name: ann}}]}
";

const SWEEP_WITHOUT_A_SIDECAR: &str = "
steps:
  - arm: {as: liar, faults: [{on: {operation: put-if-absent, class: sidecar}, do: lost-write}]}
sweep:
  operation:
    load: {rows: [{type: Person, data: {name: ann}}]}
";

const SWEEP_OF_NOTHING: &str = "
steps: []
sweep:
  operation:
    refresh: {}
";

fn sweep(folder: &Path) -> (i32, String) {
    let always = ["sweep", "--backend", "memory", "--no-preflight", "--seed", "7", "--bundle-dir", "bundles"];
    ended(chaos(folder, &always))
}

#[test]
fn a_run_leaves_sweeps_out_and_counts_them() {
    let folder = folder(&[("area/holds", HOLDS), ("area/sweep", SWEEP)]);
    let (code, text) = run(folder.path(), &[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("1 held, 1 not applicable") && text.contains("'chaos sweep' runs it"), "{text}");
}

#[test]
fn what_is_left_out_waives_nothing() {
    let waiver = "waive: [{invariant: one-audit-row-per-recovered-operation, reason: because}]\n";
    let (case, sweep) = (format!("{HOLDS}\n{waiver}"), format!("{SWEEP}{waiver}"));
    let folder = folder(&[("area/holds", &case), ("area/sweep", &sweep)]);
    let (code, text) = run(folder.path(), &[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("waived: one-audit-row-per-recovered-operation, in 1 cell\n"), "{text}");
}

#[test]
fn a_sweep_dies_at_every_write_and_says_what_it_tried_and_what_not() {
    let folder = folder(&[("area/holds", HOLDS), ("area/sweep", SWEEP)]);
    let (code, text) = sweep(folder.path());
    assert_eq!(code, 0, "{text}");
    // The data file, the sidecar, a transaction and a version, three objects of the manifest, and the sidecar's deletion.
    assert!(text.contains("area/sweep@memory  W 8: 9 cuts, 2 around the answer"), "{text}");
    assert!(text.contains("not explored: a third death") && !text.contains("area/holds"), "{text}");
}

#[test]
fn a_sweep_finds_a_sidecar_that_is_only_missed_after_a_death() {
    let folder = folder(&[("area/sweep", SWEEP_WITHOUT_A_SIDECAR)]);
    let (code, text) = sweep(folder.path());
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("head-equals-pin") && text.contains("BROKEN area/sweep#cut-4@memory"), "{text}");
    let bundle = bundles_of(&text)[0];
    let (code, text) = ended(chaos(folder.path(), &["replay", bundle, "--bundle-dir", "again"]));
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("reproduced: the same thing broke again"), "{text}");
}

#[test]
fn a_sweep_of_an_operation_that_writes_nothing_is_not_green() {
    let folder = folder(&[("area/sweep", SWEEP_OF_NOTHING)]);
    let (code, text) = sweep(folder.path());
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("NOT EXERCISED area/sweep#cut-0@memory"), "{text}");
}

/// The chances of every fault and of all company, turned off but for what follows.
fn swarm_of(weather: &str) -> String {
    format!(
        "
swarm:
  processes: 1
  handles: 1
  weights: {{load-merge: 0, load-overwrite: 0, update: 0, delete: 0, mixed: 0, restart: 0, kill: 0}}
  concurrency: {{held: 0, beside: 0}}
  weather:
    failpoint-error: 0
    failpoint-crash: 0
    store: {{throttled: 0, timeout: 0, permission-denied: 0, connection-lost: 0, ack-lost: 0, latency: 0, crash-before: 0, crash-after: 0{weather}}}
"
    )
}

fn swarm(folder: &Path, args: &[&str]) -> (i32, String) {
    let always = ["swarm", "--backend", "memory", "--no-preflight", "--seed", "7", "--bundle-dir", "bundles"];
    ended(chaos(folder, &[&always[..], args].concat()))
}

#[test]
fn a_swarm_finds_that_a_store_loses_writes_and_its_universe_replays_from_the_bundle() {
    let folder = folder(&[("swarm/lies", &swarm_of(", lost-write: 0.7"))]);
    let (code, text) =
        swarm(folder.path(), &["--universes", "6", "--operations", "8", "--failures", "1", "--jobs", "1"]);
    assert_eq!(code, 1, "{text}");
    let replay = *bundles_of(&text).first().unwrap_or_else(|| panic!("{text}"));
    let scenario = fs::read_to_string(folder.path().join(replay).join("scenario.yaml")).expect("the bundle holds it");
    assert!(scenario.contains("\nsteps:") && !scenario.contains("\nswarm:"), "{scenario}");
    let (code, text) = ended(chaos(folder.path(), &["replay", replay, "--no-preflight", "--bundle-dir", "again"]));
    assert_eq!(code, 1, "{text}");
}

/// The file that was left beside a bundle of a failure, which fails by itself with the same invariant.
fn shrunk_beside_a_bundle(folder: &Path, text: &str, invariant: &str) {
    let file = text.lines().find(|line| line.ends_with(".shrunk.yaml")).unwrap_or_else(|| panic!("{text}")).trim();
    let bundle = file.strip_suffix(".shrunk.yaml").expect("it was found by it");
    assert!(folder.join(bundle).join("verdict.json").exists(), "{bundle} is the bundle");
    let steps = |file: &Path| fs::read_to_string(file).expect("it was written").matches("\n- ").count();
    assert!(steps(&folder.join(file)) <= steps(&folder.join(bundle).join("scenario.yaml")), "{text}");
    let (code, again) = run(folder, &[file]);
    assert_eq!(code, 1, "{again}");
    assert!(again.contains(invariant), "{again}");
}

#[test]
fn the_first_failures_of_a_swarm_are_shrunk_when_it_is_over() {
    let folder = folder(&[("swarm/lies", &swarm_of(", lost-write: 0.7"))]);
    let few = [
        "--universes",
        "6",
        "--operations",
        "8",
        "--failures",
        "2",
        "--jobs",
        "2",
        "--shrink",
        "1",
        "--format",
        "quiet",
    ];
    let (code, text) = swarm(folder.path(), &few);
    assert_eq!(code, 1, "{text}");
    assert_eq!(text.matches("shrinking ").count(), 1, "{text}");
    shrunk_beside_a_bundle(folder.path(), &text, "does not hold");
}

#[test]
fn the_first_failures_of_a_sweep_are_shrunk_when_it_is_over() {
    let folder = folder(&[("area/sweep", SWEEP_WITHOUT_A_SIDECAR)]);
    let always = ["sweep", "--backend", "memory", "--no-preflight", "--seed", "7", "--bundle-dir", "bundles"];
    let (code, text) = ended(chaos(folder.path(), &[&always[..], &["--shrink", "1"]].concat()));
    assert_eq!(code, 1, "{text}");
    shrunk_beside_a_bundle(folder.path(), &text, "head-equals-pin");
}

#[test]
fn a_swarm_in_which_no_fault_fires_is_not_green() {
    let folder = folder(&[("swarm/fine", &swarm_of(""))]);
    let (code, text) = swarm(folder.path(), &["--universes", "1", "--operations", "3"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("1 universes: 1 held") && text.contains("no fault fired"), "{text}");
}

#[test]
fn whether_a_swarm_is_vacuous_does_not_hang_on_its_format() {
    let folder = folder(&[("swarm/fine", &swarm_of(""))]);
    for format in ["human", "json-lines", "quiet"] {
        let (code, text) = swarm(folder.path(), &["--universes", "1", "--operations", "1", "--format", format]);
        assert_eq!(code, 1, "{format}: {text}");
        assert!(text.contains("no fault fired in any universe"), "{format}: {text}");
    }
}

#[test]
fn a_swarm_that_may_fail_once_begins_no_universe_after_that_in_any_format() {
    let folder = folder(&[("swarm/lies", &swarm_of(", lost-write: 0.7"))]);
    for format in ["human", "json-lines", "quiet"] {
        let events = format!("{format}.jsonl");
        let few = ["--universes", "6", "--operations", "8", "--failures", "1", "--jobs", "1", "--format", format];
        let (code, text) = swarm(folder.path(), &[&few[..], &["--json-lines", &events]].concat());
        assert_eq!(code, 1, "{format}: {text}");
        let report = swarm_finished(&folder.path().join(events));
        let verdicts = report["verdicts"].as_object().expect("counts");
        let failed = verdicts.iter().filter(|(name, _)| *name != "held").filter_map(|(_, count)| count.as_u64());
        assert_eq!(failed.sum::<u64>(), 1, "{format}: {report}");
    }
}

/// What the stream says that a swarm came to on its only backend.
fn swarm_finished(events: &Path) -> serde_json::Value {
    let lines = fs::read_to_string(events).expect("the stream was written");
    let events = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let mut finished: Vec<_> = events.filter(|event| event["event"] == "swarm-finished").collect();
    assert_eq!(finished.len(), 1, "one backend, one report");
    finished.remove(0)
}

#[test]
fn the_stream_says_what_a_swarm_came_to() {
    let folder = folder(&[("swarm/late", &swarm_of("").replace("latency: 0", "latency: 0.9"))]);
    let (code, text) = swarm(folder.path(), &["--universes", "2", "--operations", "4", "--json-lines", "events.jsonl"]);
    assert_eq!(code, 0, "{text}");
    let report = swarm_finished(&folder.path().join("events.jsonl"));
    assert_eq!((&report["backend"], &report["verdicts"]["held"]), (&"memory".into(), &2.into()), "{report}");
    assert!(report["faults"]["store latency"]["fired"].as_u64().is_some_and(|fired| fired > 0), "{report}");
    assert!(report["outcomes"]["open"]["acknowledged"].as_u64().is_some_and(|opens| opens > 1), "{report}");
    assert!(report["unexplored"].as_array().is_some_and(|lines| !lines.is_empty()), "{report}");
}

#[test]
fn a_swarm_of_other_backends_takes_no_universe_from_those_that_run_here() {
    let elsewhere = format!("backends: [s3]\n{}", swarm_of(""));
    let folder = folder(&[("swarm/elsewhere", &elsewhere), ("swarm/fine", &swarm_of(""))]);
    let (_, text) = swarm(folder.path(), &["--universes", "3", "--operations", "1"]);
    assert!(text.contains("3 universes: 3 held"), "{text}");
    assert!(text.contains("not explored: swarm/elsewhere on memory"), "{text}");
}

#[test]
fn a_run_leaves_swarms_out_and_says_so() {
    let folder = folder(&[("swarm/fine", &swarm_of("")), ("good/holds", HOLDS)]);
    let (code, text) = run(folder.path(), &[]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("it is a swarm; 'chaos swarm' runs it") && text.contains("1 held, 1 not applicable"),
        "{text}"
    );
}
