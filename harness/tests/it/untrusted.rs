//! Scenarios from strangers: they take no more than they may, reach nothing but their own graph, and learn no secret.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::commands::served;
use crate::program::{bundles_of, chaos, ended, folder, run, run_on};

/// Rows that are larger than they look.
const GREEDY: &str = "
steps:
  - load: {generate: {type: Person, count: 10000, key-prefix: a-key-that-is-much-longer-than-any-key-has-to-be-in-real-life-}}
  - check: {rows: {Person: 10000}}
";

#[test]
fn a_process_that_writes_too_much_is_killed_and_nothing_is_said_about_the_engine() {
    let folder = folder(&[("area/greedy", GREEDY)]);
    for backend in ["memory", "local", "s3"] {
        let (code, text) = run(folder.path(), &["--backend", backend, "--store-max-kb", "16"]);
        assert_eq!(code, 3, "{text}");
        assert!(text.contains("KB to its store") && text.contains("at most 16 KB are allowed"), "{text}");
    }
}

#[test]
fn what_a_process_wrote_in_an_earlier_life_counts() {
    let load =
        |life: usize| format!("  - load: {{generate: {{type: Person, count: 2000, key-prefix: of-life-{life}-}}}}\n");
    let lives = |count: usize| {
        let steps: Vec<String> = (1..=count).map(load).collect();
        format!("\nsteps:\n{}  - check: {{sidecars: 0}}\n", steps.join("  - restart: {}\n  - open: read-write\n"))
    };
    let (one, many) = (lives(1), lives(4));
    let folder = folder(&[("area/one-life", one.as_str()), ("area/many-lives", many.as_str())]);
    for backend in ["memory", "local"] {
        let bound = ["--store-max-kb", "100"];
        let (code, text) = run_on(backend, folder.path(), &[&bound[..], &["scenarios/area/one-life.yaml"]].concat());
        assert_eq!(code, 0, "one life is within the bound: {text}");
        let (code, text) = run_on(backend, folder.path(), &[&bound[..], &["scenarios/area/many-lives.yaml"]].concat());
        assert_eq!(code, 3, "{text}");
        assert!(text.contains("KB to its store") && text.contains("at most 100 KB are allowed"), "{text}");
    }
}

#[test]
fn a_worker_that_takes_too_much_memory_is_killed_and_nothing_is_said_about_the_engine() {
    let folder = folder(&[("area/greedy", GREEDY)]);
    // No worker lives in so little: whatever it does is too much, and however short it is, somebody looks at its end.
    for backend in ["memory", "local"] {
        let (code, text) = run(folder.path(), &["--backend", backend, "--memory-max-mb", "1"]);
        assert_eq!(code, 3, "{text}");
        assert!(text.contains("MB of memory; at most 1 MB are allowed"), "{text}");
    }
}

#[test]
fn a_creation_that_fails_is_held_where_it_leaves_a_free_place_and_nowhere_else() {
    let refused = "
steps:
  - create: {}
    failpoints: {create.tables: return}
    expect: refused
";
    let died = "
steps:
  - create: {}
    failpoints: {create.manifest: crash}
    expect: crash
";
    let in_the_way = "  - damage: {write: __manifest/_versions/18446744073709551614.manifest, text: no manifest}\n";
    let lost = "
steps:
  - create: {}
  - check: {sidecars: 0}
  - damage: {delete: __manifest/_versions/*.manifest}
";
    let occupied = format!("{refused}{in_the_way}");
    let folder = folder(&[
        ("free/refused", refused),
        ("free/died", died),
        ("broken/occupied", &occupied),
        ("broken/lost", lost),
    ]);
    let (code, text) = run(folder.path(), &["--backend", "local", "free"]);
    assert_eq!(code, 0, "whoever comes next can create the graph: {text}");
    for name in ["broken/occupied", "broken/lost"] {
        let (code, text) = run(folder.path(), &["--backend", "local", name]);
        assert_eq!(code, 1, "{name}: {text}");
        assert!(text.contains("recovery-converges: does not hold"), "nobody can open or create it: {text}");
    }
}

/// Places outside of a graph, in the ways in which people write them.
const OUTSIDE: &[&str] = &[
    "../escaped",
    "../../escaped",
    "a/../../escaped",
    "/escaped",
    "//escaped",
    "./../escaped",
    "~/escaped",
    "..\\\\escaped",
    "file:///escaped",
    "s3://other/escaped",
    "%2e%2e/%2e%2e/escaped",
    "..%2fescaped",
    "%2E%2E%5Cescaped",
    "a/%2e%2e/%2e%2e/%2e%2e/escaped",
    "..;/escaped",
    "...//escaped",
    "\\u002e\\u002e/escaped",
    "\\uff0e\\uff0e/escaped",
    "a\\0/../../escaped",
    "%00/../escaped",
    "%2fescaped",
    "a%2f..%2f..%2fescaped",
    "..%5c..%5cescaped",
    "%252e%252e/escaped",
];

/// Every step that takes a path, with a path in it.
fn steps_with(path: &str) -> Vec<String> {
    vec![
        format!("  - damage: {{write: \"{path}\", text: escaped}}\n"),
        format!("  - damage: {{rename: the schema object, to: \"{path}\", as: gone}}\n  - undo: gone\n"),
        format!("  - damage: {{delete: \"{path}\"}}\n"),
        format!(
            "  - load: {{rows: [{{type: Person, data: {{name: a}}}}]}}\n    faults: [{{on: {{operation: put-if-absent, \
             class: sidecar}}, do: {{misdirect: \"{path}\"}}}}]\n    expect: any\n"
        ),
    ]
}

#[test]
fn no_path_in_a_scenario_leads_out_of_its_graph() {
    let scenarios: Vec<(String, String)> = OUTSIDE
        .iter()
        .flat_map(|path| steps_with(path))
        .enumerate()
        .map(|(number, steps)| {
            (format!("area/n{number}"), format!("\nsteps:\n{steps}  - check: {{unreadable-sidecars: 0}}\n"))
        })
        .collect();
    let pairs: Vec<(&str, &str)> = scenarios.iter().map(|(name, rest)| (name.as_str(), rest.as_str())).collect();
    let folder = folder(&pairs);
    let (_, refused) = ended(chaos(folder.path(), &["check"]));
    let valid: Vec<&str> =
        pairs.iter().map(|(name, _)| *name).filter(|name| !refused.contains(&format!("{name}.yaml:"))).collect();
    assert!(valid.len() < pairs.len() / 2, "most of them are refused before anything is run: {valid:?}");
    let place = folder.path().join("tmp");
    fs::create_dir(&place).expect("the folder can be made");
    let mut command = Command::new(env!("CARGO_BIN_EXE_chaos"));
    command.current_dir(folder.path()).env("TMPDIR", &place).stdin(Stdio::null());
    command.args([
        "run",
        "--backend",
        "local",
        "--no-preflight",
        "--keep",
        "--format",
        "quiet",
        "--bundle-dir",
        "bundles",
    ]);
    command.args(&valid);
    if !valid.is_empty() {
        let (_, text) = ended(command.output().expect("the program starts"));
        // What lies in the graph, or in the copy of it that a bundle has, has not escaped.
        let escaped = named(folder.path(), "escaped")
            .into_iter()
            .filter(|path| !path.components().any(|part| part.as_os_str() == "graph" || part.as_os_str() == "store"));
        assert_eq!(escaped.collect::<Vec<_>>(), Vec::<PathBuf>::new(), "{text}");
    }
    assert!(!Path::new("/escaped").exists());
}

#[test]
fn a_bundle_from_a_stranger_leads_nowhere_but_into_the_folder_of_bundles() {
    let folder = folder(&[("area/breaks", crate::program::BREAKS)]);
    let (_, text) = run(folder.path(), &["--backend", "local"]);
    let mut replayed = 0;
    for bundle in bundles_of(&text) {
        let file = folder.path().join(bundle).join("manifest.json");
        let mut manifest: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&file).expect("a manifest")).expect("JSON");
        manifest["run"] = "../../escaped".into();
        manifest["cell"]["scenario"] = "../../../escaped/a".into();
        fs::write(&file, manifest.to_string()).expect("a disk");
        let mut command = Command::new(env!("CARGO_BIN_EXE_chaos"));
        let place = tempfile::tempdir().expect("there is a temporary folder");
        command.current_dir(folder.path()).env("TMPDIR", place.path()).stdin(Stdio::null());
        command.args(["replay", bundle, "--no-preflight", "--keep", "--bundle-dir", "replayed"]);
        let (code, text) = ended(command.output().expect("the program starts"));
        assert_eq!(code, 1, "it is what it was: {text}");
        let mut around: Vec<String> = entries(folder.path());
        around.retain(|name| !["bundles", "replayed", "scenarios", "scratch"].contains(&name.as_str()));
        assert_eq!(around, Vec::<String>::new(), "{text}");
        assert!(entries(place.path()).iter().all(|name| name.starts_with("chaos-")), "{:?}", entries(place.path()));
        replayed += 1;
    }
    assert_eq!(replayed, 2, "on memory and on local: {text}");
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there").flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Every file below a folder whose path has this word in its last part.
fn named(folder: &Path, word: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(named(&path, word));
        } else if path.file_name().is_some_and(|name| name.to_string_lossy().contains(word)) {
            found.push(path);
        }
    }
    found
}

/// In the address of an endpoint where nobody listens.
const PASSWORD: &str = "hunter2secret";

const SWEEP: &str = "
steps: []
sweep:
  operation: {load: {rows: [{type: Person, data: {name: ann}}]}}
";

const SWARM: &str = "
swarm: {weather: {failpoint-error: 0.5}}
";

/// What every command says where the only backend is down, whose address has a password in it.
fn told_of_a_service_that_is_down(folder: &Path, secret: &str, bundle: &str) -> Vec<(PathBuf, String)> {
    let on = ["--backend", "service", "--require", "service", "--bundle-dir", "down"];
    let reports = ["--github", "--html", "down.html", "--junit", "down.xml", "--json-lines", "down.jsonl"];
    let commands: Vec<Vec<&str>> = vec![
        [&["run", "area/holds"], &on[..]].concat(),
        [&["run", "area/holds"], &on[..], &reports[..]].concat(),
        [&["sweep", "area/swept"], &on[..]].concat(),
        [&["swarm", "area/drawn", "--universes", "1"], &on[..]].concat(),
        vec!["replay", bundle, "--bundle-dir", "down"],
        vec!["shrink", bundle, "-o", "down.yaml"],
        vec!["inspect", "s3://nowhere/graph"],
        vec!["inspect", "https://bob:hunter2secret@nowhere/graph"],
    ];
    let told = commands.into_iter().map(|command| {
        let mut chaos = Command::new(env!("CARGO_BIN_EXE_chaos"));
        chaos.current_dir(folder).args(&command).stdin(Stdio::null());
        chaos.env("GITHUB_STEP_SUMMARY", folder.join("down.summary.md")).env("CHAOS_S3_BUCKET", "nowhere");
        chaos.env("AWS_ENDPOINT_URL", format!("http://bob:{PASSWORD}@127.0.0.1:1")).env("AWS_REGION", "us-east-1");
        chaos.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").env("AWS_SECRET_ACCESS_KEY", secret);
        let (code, text) = ended(chaos.output().expect("the program starts"));
        assert_ne!(code, 0, "{command:?}: {text}");
        assert!(text.contains("[redacted]@"), "{command:?} never had it, so this proves nothing: {text}");
        (PathBuf::from(command.join(" ")), text)
    });
    told.collect()
}

#[test]
fn no_output_holds_a_secret() {
    let (_server, variables) = served(&[]);
    let secret = variables.iter().find(|(name, _)| name == "AWS_SECRET_ACCESS_KEY").expect("it is printed").1.clone();
    // One that is held, one that is broken, one whose worker logs, one that hangs, one that the store refuses.
    let folder = folder(&[
        ("area/holds", crate::program::HOLDS),
        ("area/breaks", crate::program::BREAKS),
        ("area/swept", SWEEP),
        ("area/drawn", SWARM),
        (
            "area/panics",
            "
steps:
  - load: {rows: [{type: Person, data: {name: ann}}]}
    failpoints: {load:table.commit: panic}
    expect: ok
  - check: {rows: {Person: 1}}
",
        ),
        (
            "area/is-refused",
            "
steps:
  - load: {rows: [{type: Person, data: {name: ann}}]}
    faults: [{on: {class: sidecar}, do: permission-denied}]
    expect: ok
  - check: {rows: {Person: 1}}
",
        ),
    ]);
    let mut texts = Vec::new();
    for format in ["human", "json-lines", "quiet"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chaos"));
        command
            .current_dir(folder.path())
            .envs(variables.iter().cloned())
            .env("RUST_LOG", "debug")
            .stdin(Stdio::null());
        command.env("GITHUB_STEP_SUMMARY", folder.path().join(format!("{format}.summary.md")));
        command.args(["run", "--backend", "service", "--seed", "7", "--github", "--bundle-all", "--format", format]);
        command.args([
            "--junit",
            &format!("{format}.xml"),
            "--json-lines",
            &format!("{format}.jsonl"),
            "--html",
            &format!("{format}.html"),
            "--bundle-dir",
            "bundles",
        ]);
        let (code, text) = ended(command.output().expect("the program starts"));
        assert_eq!(code, 1, "{text}");
        texts.push((PathBuf::from(format), text));
    }
    let bundle = *bundles_of(&texts[0].1).first().expect("cells on the service have failed");
    let told = told_of_a_service_that_is_down(folder.path(), &secret, bundle);
    texts.extend(told);
    let mut kinds = BTreeSet::new();
    for path in named(folder.path(), "") {
        kinds.insert(path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default());
        let bytes = fs::read(&path).expect("it can be read");
        texts.push((path, String::from_utf8_lossy(&bytes).into_owned()));
    }
    for written in [
        "events.jsonl",
        "engine.log",
        "evidence.json",
        "store-calls.jsonl",
        "human.xml",
        "quiet.jsonl",
        "human.summary.md",
        "human.html",
        "down.html",
        "down.summary.md",
    ] {
        assert!(kinds.contains(written), "{written} was not even written: {kinds:?}");
    }
    for (path, text) in texts {
        assert!(!text.contains(&secret), "{} holds the secret", path.display());
        assert!(!text.contains(PASSWORD), "{} holds the password: {text}", path.display());
    }
    // The search finds it where it is.
    assert!(variables.iter().any(|(_, value)| value.contains(&secret)));
}
