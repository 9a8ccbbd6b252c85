//! Credentials that the harness makes up itself: those of its S3 endpoint and of its RustFS container. Nobody types them,
//! so no redactor knows them; they must not be in what is kept of a cell to begin with.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use omnigraph_harness::backend::{BackendConfig, BackendKind, RunContext};
use omnigraph_harness::event::{Record, RunStarted, Selection, Sink};
use omnigraph_harness::runner::{Bundles, CellRecord, Durations, Limits, RunOptions, plan, run};
use omnigraph_harness::scenario::parse;

use crate::program::{BREAKS, HEAD};

/// Everything there is of every cell, before anything is taken out of it.
#[derive(Clone, Default)]
struct Raw(Arc<Mutex<String>>);

impl Raw {
    fn add(&self, text: &str) {
        self.0.lock().expect("nobody panicked").push_str(text);
    }
}

impl Sink for Raw {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.add(&serde_json::to_string(record)?);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Bundles for Raw {
    fn keep(&self, cell: &CellRecord<'_>) -> io::Result<(PathBuf, String)> {
        let mut text = String::new();
        let kept = (cell.finished, cell.scenario.to_yaml(), cell.events, cell.evidence, cell.judgement, cell.logs);
        write!(text, "{kept:?} {:?} {:?}", cell.objects, cell.backend_log).map_err(io::Error::other)?;
        text.push_str(&serde_json::to_string(&(cell.finished, cell.events, cell.evidence, cell.judgement, cell.logs))?);
        // What the store holds is kept as hexadecimal digits, in which nobody finds anything.
        for object in cell.objects.iter().flatten() {
            let bytes: Vec<u8> = object.hex.iter().flat_map(|hex| hex.as_bytes().chunks(2).map(byte)).collect();
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
        self.add(&text);
        Ok((PathBuf::from("kept"), "nobody".to_owned()))
    }
}

fn byte(digits: &[u8]) -> u8 {
    let digits = std::str::from_utf8(digits).expect("digits");
    u8::from_str_radix(digits, 16).expect("two digits")
}

/// A program that is the real one and writes down what it is told.
fn eavesdropper(folder: &Path) -> PathBuf {
    let program = folder.join("overheard");
    let (real, folder) = (env!("CARGO_BIN_EXE_chaos"), folder.display());
    let script = format!("#!/bin/sh\nexport RUST_LOG=trace\ntee '{folder}'/said.$$ | '{real}' \"$@\"\n");
    fs::write(&program, script).expect("the file can be written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it can be made a program");
    program
}

/// Every text that follows the name of a secret in what workers were told.
fn secrets(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there").flatten() {
        if entry.file_name().to_string_lossy().starts_with("said.") {
            let said = fs::read_to_string(entry.path()).expect("it can be read");
            let after = said.split("\"secret_access_key\":\"").skip(1);
            found.extend(after.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        }
    }
    found.sort();
    found.dedup();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_credentials_of_the_harness_are_in_nothing_that_is_kept_of_a_cell() {
    const REFUSED: &str = "
steps:
  - load: {rows: [{type: Person, data: {name: ann}}]}
    faults: [{on: {class: sidecar}, do: permission-denied}]
    expect: ok
  - load: {rows: [{type: Person, data: {name: bob}}]}
    failpoints: {load:table.commit: panic}
    expect: ok
  - check: {rows: {Person: 1}}
";
    let scratch = tempfile::tempdir().expect("there is a temporary folder");
    let scenario = |name: &str, rest: &str| {
        let text = format!("{HEAD}{rest}");
        Arc::new(parse(name, name, text.as_bytes()).unwrap_or_else(|report| panic!("{report}")))
    };
    let scenarios = [scenario("area/breaks", BREAKS), scenario("area/is-refused", REFUSED)];
    let plans = plan(&scenarios, &[BackendKind::S3, BackendKind::Rustfs], None, &Durations::default());
    let raw = Raw::default();
    let options = RunOptions {
        started: RunStarted {
            run: "secrets".to_owned(),
            seed: 7,
            started_at: String::new(),
            versions: BTreeMap::new(),
            selection: Selection::default(),
            failpoints: Vec::new(),
        },
        jobs: 2,
        failed_max: None,
        required: Vec::new(),
        preflight: true,
        backends: BackendConfig::default(),
        context: RunContext { run_id: "secrets".to_owned(), scratch: scratch.path().to_owned(), keep: false },
        limits: Limits::default(),
        program: eavesdropper(scratch.path()),
        called: "chaos".to_owned(),
        bundles: Some(Arc::new(raw.clone())),
        derive: None,
        bundle_all: true,
        today: "2026-01-01".to_owned(),
    };
    let result = run(plans, options, vec![Box::new(raw.clone())]).await;
    let secrets = secrets(scratch.path());
    assert!(!secrets.is_empty() && secrets.iter().all(|secret| secret.len() >= 20), "what a worker is told was heard");
    let raw = raw.0.lock().expect("nobody panicked");
    for told in ["head-equals-pin", "store-call", "sidecar", "closing", "area/is-refused"] {
        assert!(raw.contains(told), "{told} was not even kept: {:?}", result.summary);
    }
    for secret in &secrets {
        assert!(!raw.contains(secret.as_str()), "a secret of {} characters is in what is kept", secret.len());
    }
}
