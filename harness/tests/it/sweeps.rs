//! Every writer of the engine, and whoever else acts in a scope of its own, has a sweep in `scenarios/sweep` for each of its
//! shapes. A writer that joins without one does not compile here, and then is red.

use std::collections::BTreeSet;
use std::path::Path;

use omnigraph::failpoint::Scope;
use omnigraph::writer::WriterKind;
use omnigraph_harness::scenario::model::{Action, Load, LoadMode, OpenMode, Repair, Row, Sweep};
use omnigraph_harness::scenario::{FOLDER, discover};

/// A shape of an operation: its name, and which operations of sweeps have it.
type Shape = (&'static str, fn(&Action) -> bool);

const LOADS: &[Shape] = &[
    ("load-append to one table", |action| is_load(action, LoadMode::Append, 1)),
    ("load-append to several tables", |action| is_load(action, LoadMode::Append, 2)),
    ("load-merge into one table", |action| is_load(action, LoadMode::Merge, 1)),
    ("load-merge into several tables", |action| is_load(action, LoadMode::Merge, 2)),
    ("load-overwrite of one table", |action| is_load(action, LoadMode::Overwrite, 1)),
    ("load-overwrite of several tables", |action| is_load(action, LoadMode::Overwrite, 2)),
    ("load of an upload in parts", |action| matches!(action, Action::Load(load) if uploads_in_parts(load))),
];
const MUTATIONS: &[Shape] = &[
    ("insert", |action| is_mutation(action, &["INSERT"])),
    ("update", |action| is_mutation(action, &["UPDATE"])),
    ("delete", |action| is_mutation(action, &["DELETE"])),
    ("several statements", |action| matches!(action, Action::Mutate(sql) if verbs(sql).len() > 1)),
];
const REPAIRS: &[Shape] = &[
    ("confirmation of drift", |action| matches!(action, Action::Repair(Repair::Confirm))),
    ("quarantine", |action| matches!(action, Action::Repair(Repair::Quarantine(_)))),
];

/// The shapes of a kind of writer, and the kind that comes after it. One that joins the engine has to be named here before
/// this compiles.
fn shapes_of(writer: WriterKind) -> (&'static [Shape], Option<WriterKind>) {
    match writer {
        WriterKind::Load => (LOADS, Some(WriterKind::Mutate)),
        WriterKind::Mutate => (MUTATIONS, Some(WriterKind::Repair)),
        WriterKind::Repair => (REPAIRS, None),
    }
}

/// The shapes of what acts in a scope without being a writer.
fn shapes_in(scope: Scope) -> &'static [Shape] {
    match scope {
        Scope::Create => &[("creation", |action| matches!(action, Action::Create(_)))],
        Scope::Heal => &[("refresh", |action| matches!(action, Action::Refresh(_)))],
        Scope::Sweep => &[("read-write open", |action| matches!(action, Action::Open(OpenMode::ReadWrite)))],
        Scope::Load => LOADS,
        Scope::Mutate => MUTATIONS,
        Scope::Repair => REPAIRS,
    }
}

fn is_load(action: &Action, mode: LoadMode, tables: usize) -> bool {
    let Action::Load(load) = action else { return false };
    load.mode == mode && load.generate.is_none() && types(&load.rows).len().min(2) == tables
}

fn types(rows: &[Row]) -> BTreeSet<&str> {
    rows.iter().map(|row| row.type_name.as_str()).collect()
}

/// Whether a file of the rows is longer than the 5 MiB from which on Lance uploads it in parts; of noise three quarters are
/// bytes on disk.
fn uploads_in_parts(load: &Load) -> bool {
    let noise = load
        .generate
        .iter()
        .flat_map(|made| made.noise.values().map(move |each| u64::from(*each) * u64::from(made.count)));
    noise.sum::<u64>() / 4 * 3 > 5 << 20
}

fn is_mutation(action: &Action, wanted: &[&str]) -> bool {
    matches!(action, Action::Mutate(sql) if verbs(sql) == wanted)
}

fn verbs(sql: &str) -> Vec<String> {
    sql.split(';').filter_map(|statement| statement.split_whitespace().next()).map(str::to_ascii_uppercase).collect()
}

/// What the sweeps of this project kill.
fn operations() -> Vec<Action> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace");
    let folder = top.join(FOLDER);
    let found = discover(&folder, &folder.join("sweep")).expect("the folder of sweeps can be listed");
    let scenarios = found.iter().flat_map(|file| file.read().expect("it can be read").expect("it is valid"));
    scenarios.filter_map(|scenario| scenario.sweep).map(|Sweep { operation, .. }| operation.action).collect()
}

fn missing<'a>(shapes: impl IntoIterator<Item = &'a Shape>, operations: &[Action]) -> Vec<&'a str> {
    shapes.into_iter().filter(|(_, fits)| !operations.iter().any(fits)).map(|(name, _)| *name).collect()
}

#[test]
fn every_writer_of_the_engine_has_a_sweep_for_each_of_its_shapes() {
    let operations = operations();
    let mut next = Some(WriterKind::Load);
    while let Some(writer) = next {
        let (shapes, after) = shapes_of(writer);
        assert!(!shapes.is_empty(), "{writer} has no shape that could be swept");
        assert_eq!(missing(shapes, &operations), Vec::<&str>::new(), "of {writer} scenarios/sweep lacks a sweep");
        next = after;
    }
}

#[test]
fn whoever_acts_in_a_scope_of_its_own_has_a_sweep() {
    let operations = operations();
    for &scope in Scope::ALL {
        let shapes = shapes_in(scope);
        assert!(!shapes.is_empty(), "nothing acts in the scope {}", scope.as_str());
        let lacks = missing(shapes, &operations);
        assert_eq!(lacks, Vec::<&str>::new(), "in the scope {} scenarios/sweep lacks a sweep", scope.as_str());
    }
}
