//! A failure in a long scenario becomes a short scenario file that fails in the same way.

use std::fs;

use rstest::rstest;

use crate::program::{bundles_of, chaos, ended, folder, run, run_on};

/// The store lies about one publish among many other things: faults that do no harm, readers, a step that is held, a second
/// process, chance.
const LONG: &str = r#"
steps:
  - load: {rows: [{type: Person, data: {name: bob, age: 1}}, {type: Person, data: {name: carl}}]}
  - check: {rows: {Person: 2}}
  - load: {rows: [{type: Person, data: {name: dora}}]}
    actor: somebody
    failpoints: {load:sidecar.write: return}
    expect: refused
  - open: read-only
    handle: reader
  - query: {sql: SELECT name FROM Person, rows: 2}
    handle: reader
  - load: {generate: {type: Person, count: 20, key-prefix: p, data: {age: 4}}}
    start: writer
    hold: load:sidecar.written
  - release: writer
  - join: writer
  - mutate: INSERT INTO Person (name) VALUES ('eve'); UPDATE Person SET age = 6 WHERE name = 'bob'
  - arm: {as: weather, faults: [{on: {class: sidecar}, do: {latency: 2}, when: {probability: 0.9}}]}
  - load: {rows: [{type: Person, data: {name: finn, age: 7}}, {type: Person, data: {name: gail}}]}
    faults:
      - {on: {operation: put-if-absent, path: "__manifest/_versions/**"}, do: lost-write}
    expect: any
  - lift: weather
  - restart: {}
  - open: read-write
  - load: {rows: [{type: Person, data: {name: hal}}]}
    expect: any
  - refresh: {}
    expect: any
"#;

#[rstest]
fn a_lie_of_the_store_in_a_long_scenario_shrinks_to_a_file_that_stands_on_its_own(
    #[values("memory", "local", "s3")] backend: &str,
) {
    let folder = folder(&[("found/long", LONG)]);
    let (code, text) = run_on(backend, folder.path(), &[]);
    assert_eq!(code, 1, "{text}");
    let bundle = bundles_of(&text)[0];
    let (code, told) = ended(chaos(folder.path(), &["shrink", bundle, "--minutes", "2", "--candidates", "400"]));
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("failed in each of 3 more runs"), "{told}");

    let file = "scenarios/regression/acknowledged-writes-visible-exactly-once-after-a-load.yaml";
    let left = fs::read_to_string(folder.path().join(file)).unwrap_or_else(|error| panic!("{error}: {told}"));
    assert_eq!(left.matches("\n- load:").count(), 1, "the write that was lost is all that it needs: {left}");
    assert!(left.contains("lost-write") && left.contains("nth: 1") && !left.contains("latency"), "{left}");
    assert!(!left.contains("seed: ") && !left.contains("mutate") && !left.contains("restart"), "{left}");

    // It fails by itself, whatever the seed, with what the long one failed with.
    let again = ["run", "--backend", backend, "--no-preflight", "--seed", "99", "--bundle-dir", "again", file];
    let (code, again) = ended(chaos(folder.path(), &again));
    assert_eq!(code, 1, "{again}");
    assert!(again.contains("acknowledged-writes-visible-exactly-once: does not hold"), "{again}");
}

#[test]
fn what_holds_when_it_is_run_again_is_not_shrunk() {
    let folder = folder(&[("found/long", LONG)]);
    let (_, text) = run(folder.path(), &[]);
    let bundle = bundles_of(&text)[0];
    // As if the store had been mended since: it no longer lies. The manifest of a bundle knows the size of each file.
    let scenario = folder.path().join(bundle).join("scenario.yaml");
    let mended =
        fs::read_to_string(&scenario).expect("the bundle has a scenario").replace("do: lost-write", "do: timeout   ");
    fs::write(&scenario, mended).expect("it can be changed");
    let (code, told) = ended(chaos(folder.path(), &["shrink", bundle]));
    assert_eq!(code, 4, "{told}");
    assert!(told.contains("did not happen again in 3 runs"), "{told}");
    assert!(!folder.path().join("scenarios/regression").exists(), "{told}");
}
