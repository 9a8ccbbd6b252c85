//! Every scenario file on every backend that needs nothing but this machine, a test each, so that an ordinary test run
//! covers them. The container is left to `chaos run`.
//!
//! Races, and what arrives late, are products of writers, windows and backends: hundreds of cases each. All of them run here on memory,
//! and a quarter, always the same, on the other backends. The night runs the rest.

use std::path::{Path, PathBuf};
use std::process::Command;

use rstest::rstest;

#[rstest]
fn holds(#[files("../scenarios/**/*.yaml")] file: PathBuf, #[values("memory", "local", "s3")] backend: &str) {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace");
    let text = std::fs::read_to_string(&file).expect("the file can be read");
    // Of what is drawn from a seed, a little.
    let command: &[&str] = if text.contains("\nswarm:") { &["swarm", "--universes", "2"] } else { &["run"] };
    let is_product = ["races", "late"].iter().any(|area| file.parent().is_some_and(|folder| folder.ends_with(area)));
    let sample: &[&str] = if is_product && backend != "memory" { &["--shard", "1/4"] } else { &[] };
    let output = Command::new(env!("CARGO_BIN_EXE_chaos"))
        .current_dir(top)
        .args(command)
        .arg(&file)
        .args(sample)
        .args(["--backend", backend, "--require", backend, "--jobs", "1", "--seed", "20261122", "--color", "never"])
        // Each backend is asked for its promises by tests of its own.
        .arg("--no-preflight")
        .arg("--bundle-dir")
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("bundles"))
        .output()
        .expect("the program starts");
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    match output.status.code() {
        Some(0) => {}
        // A scenario that does not run on this backend says so, and only then, or where a sample takes none of its cases, is nothing run.
        Some(4) if text.contains("not applicable") || !sample.is_empty() => {}
        code => panic!("exit code {code:?}\n{text}"),
    }
}
