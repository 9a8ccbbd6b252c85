//! Every scenario file in memory, a test each, so that an ordinary test run covers them; `chaos run` runs them on every backend.
//!
//! Races, and what arrives late, are products of writers, windows and backends: hundreds of cases each. All of them run here on memory,
//! and a quarter, always the same, on local files and on the embedded endpoint. The night runs the rest.

use std::path::{Path, PathBuf};
use std::process::Command;

use rstest::rstest;

#[rstest]
fn holds_on_memory(#[files("../scenarios/**/*.yaml")] file: PathBuf) {
    hold(&file, "memory", &[]);
}

#[rstest]
fn a_quarter_of_a_product_holds(
    #[files("../scenarios/races/*.yaml")]
    #[files("../scenarios/late/*.yaml")]
    file: PathBuf,
    #[values("local", "s3")] backend: &str,
) {
    hold(&file, backend, &["--shard", "1/4"]);
}

#[rstest]
fn a_swarm_holds(#[files("../scenarios/swarm/*.yaml")] file: PathBuf, #[values("local", "s3")] backend: &str) {
    hold(&file, backend, &[]);
}

fn hold(file: &Path, backend: &str, sample: &[&str]) {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace");
    let text = std::fs::read_to_string(file).expect("the file can be read");
    // Of what is drawn from a seed, a little.
    let command: &[&str] = if text.contains("\nswarm:") { &["swarm", "--universes", "2"] } else { &["run"] };
    let output = Command::new(env!("CARGO_BIN_EXE_chaos"))
        .current_dir(top)
        .args(command)
        .arg(file)
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
        // A scenario that does not run on this backend says so, and only then is nothing run.
        Some(4) if text.contains("not applicable") => {}
        code => panic!("exit code {code:?}\n{text}"),
    }
}
