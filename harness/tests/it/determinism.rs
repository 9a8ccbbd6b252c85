//! A seed fixes a run on memory: two programs that are given the same one leave the same, byte by byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

/// What a run left of every cell: the files of its bundle, by path.
type Left = BTreeMap<String, Vec<u8>>;

/// Runs scenarios with a program of its own, and takes what it left of each cell, whether it held or not.
fn left(what: &[&str], backend: &str, seed: &str, jobs: &str) -> Left {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace");
    let bundles = TempDir::new().expect("there is a temporary folder");
    let output = Command::new(env!("CARGO_BIN_EXE_chaos"))
        .current_dir(top)
        .args(what)
        .args([
            "--backend",
            backend,
            "--seed",
            seed,
            "--jobs",
            jobs,
            "--no-preflight",
            "--format",
            "quiet",
            "--bundle-all",
        ])
        .arg("--bundle-dir")
        .arg(bundles.path())
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let runs: Vec<PathBuf> = fs::read_dir(bundles.path())
        .expect("it left something")
        .map(|run| run.expect("it can be read").path())
        .collect();
    let [run] = runs.as_slice() else { panic!("one run leaves one folder: {runs:?}") };
    let mut left = Left::new();
    gather(run, run, &mut left);
    assert!(!left.is_empty());
    left
}

fn gather(top: &Path, folder: &Path, left: &mut Left) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            gather(top, &path, left);
            continue;
        }
        let name = path.strip_prefix(top).expect("it lies below").display().to_string();
        let bytes = fs::read(&path).expect("the file can be read");
        match path.file_name().and_then(|name| name.to_str()) {
            // Of this very run by its nature: its id, when it was written, how it was called.
            Some("manifest.json") => {}
            Some("events.jsonl" | "store-calls.jsonl") => {
                left.insert(name, without_stopwatch(&bytes).into_bytes());
            }
            Some("engine.log") => {
                left.insert(name, without_thread_ids(&bytes).into_bytes());
            }
            _ => {
                left.insert(name, bytes);
            }
        }
    }
}

/// The lines without what the supervisor, which is not simulated, measured by its own watch: when it heard of an event, and how
/// long a step took. Nothing is decided by either.
fn without_stopwatch(lines: &[u8]) -> String {
    let lines = std::str::from_utf8(lines).expect("text").lines().map(|line| {
        let mut event: Value = serde_json::from_str(line).expect("an event a line");
        let members = event.as_object_mut().expect("an event is an object");
        members.remove("elapsed_ms").expect("every record says when it was heard of");
        members.remove("duration_ms");
        event.to_string() + "\n"
    });
    lines.collect()
}

/// The log without the kernel's ids of threads, which stand in the message of a panic: `thread 'cell' (4029) panicked at`.
fn without_thread_ids(log: &[u8]) -> String {
    let lines = String::from_utf8_lossy(log);
    let lines = lines.lines().map(|line| match (line.find("' ("), line.find(") panicked at ")) {
        (Some(from), Some(to)) if line.starts_with("thread '") && from < to => {
            format!("{}{}\n", &line[..=from], &line[to + 1..])
        }
        _ => format!("{line}\n"),
    });
    lines.collect()
}

/// The first lines that differ, with the file that they stand in; none where both runs left the same.
fn difference(one: &Left, other: &Left) -> Option<String> {
    let names: Vec<&String> = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name))).collect();
    let name = names.into_iter().find(|name| one.get(*name) != other.get(*name))?;
    let text = |left: &Left| left.get(name).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let (one, other) = (text(one), text(other));
    let (Some(one), Some(other)) = (&one, &other) else { return Some(format!("{name} was left by one run alone")) };
    let lines = one.lines().map(Some).chain([None]).zip(other.lines().map(Some).chain([None]));
    let line = lines.into_iter().find(|(one, other)| one != other);
    Some(format!("{name}:\n{line:#?}"))
}

/// A part of everything: cases, races of every kind, with readers beside them and with steps in the background, and universes.
#[rstest]
#[case::scenarios(&["run", "--without-tag", "races", "--shard", "1/12"])]
#[case::races(&["run", "--tag", "races", "--shard", "5/72"])]
#[case::universes(&["swarm", "--universes", "12"])]
fn a_seed_fixes_a_run_on_memory_byte_by_byte(#[case] what: &[&str]) {
    // With another cell beside each, and alone: a cell must not depend on its neighbours.
    let of = |jobs| left(what, "memory", "7", jobs);
    let (one, other) = (of("2"), of("1"));
    assert_eq!(difference(&one, &other), None);
    let calls = one.iter().filter(|(name, bytes)| name.ends_with("store-calls.jsonl") && !bytes.is_empty());
    assert!(calls.count() > 10, "store calls are among what is compared");
    assert!(one.keys().any(|name| name.contains("/store/")), "and so are the bytes of the store");
}

/// The comparison can see: with another seed, and on a backend whose processes are real, a scenario leaves something else.
#[test]
fn another_seed_or_real_processes_leave_something_else() {
    let of = |backend, seed| {
        left(&["run", "ordinary/every-kind-of-load-and-mutation-with-nothing-wrong"], backend, seed, "2")
    };
    assert!(difference(&of("memory", "7"), &of("memory", "8")).is_some());
    let (one, other) = (of("local", "7"), of("local", "7"));
    assert!(difference(&one, &other).is_some());
    let files = |left: &Left| left.keys().filter(|name| name.contains("/data/")).cloned().collect::<Vec<_>>();
    assert!(!files(&one).is_empty());
    assert_ne!(files(&one), files(&other), "nobody simulates Lance there, which draws the names of its files");
}
