//! A sound world for tests: a short cell in which everything that may happen to a write happens once, and every promise
//! is kept. Checkers plant their defects in it.
//!
//! Ticks are even for starts and odd for ends. Versions, commits and operations are numbered alike: `OP4` is the write of
//! step 4 and, where it was published, commit `C4`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::evidence::{
    Closing, CommitFact, Damage, Evidence, LoadMode, OUTSIDE, OperationCall, OperationRecord, ReadOnlyOpen, Reading,
    RecoveredTable, RecoveryFact, SecondRecovery, SidecarSighting, TablePin, Taken, Tick, VersionReading, World,
    WriteProbe,
};
use super::facts::{ObjectFact, PropertyFacts, SchemaFacts, TypeFacts, TypeKind};
use super::invariant::Invariant;
use super::rows::{Row, digest};
use crate::event::{ErrorData, FaultFamily, FaultId, FaultTally, Outcome, WriteData};

/// The dataset of Person.
pub const PERSON: &str = "nodes/Person-01A.lance";
/// The dataset of Company.
pub const COMPANY: &str = "nodes/Company-01B.lance";
/// The dataset of WorksAt.
pub const EDGE: &str = "edges/WorksAt-01C.lance";

/// Holds on the sound world, and goes red with evidence on each of the invariant's planted defects.
pub fn prove(invariant: &dyn Invariant) {
    let sound = evidence();
    assert_eq!(invariant.missing(&sound), None, "{} is not judged on the sound world", invariant.name());
    assert_eq!(invariant.check(&sound), Ok(()), "{} is red on the sound world", invariant.name());
    for defect in invariant.defects() {
        let mut broken = evidence();
        (defect.plant)(&mut broken);
        assert_ne!(broken, sound, "{}: '{}' plants nothing", invariant.name(), defect.what);
        assert_eq!(invariant.missing(&broken), None, "{}: '{}' hides from judgement", invariant.name(), defect.what);
        match invariant.check(&broken) {
            Ok(()) => panic!("{} stays green although {}", invariant.name(), defect.what),
            Err(breach) => {
                assert!(!breach.evidence.is_empty(), "{}: no evidence for '{}'", invariant.name(), defect.what)
            }
        }
    }
}

/// The sound world.
pub fn evidence() -> Evidence {
    let first = people(&[("alice", 30), ("bob", 41)]);
    let second = people(&[("alice", 31), ("bob", 41)]);
    Evidence {
        schema: Some(schema()),
        operations: operations(),
        damage: Vec::new(),
        sightings: vec![sighting(4, 17, "OP4"), sighting(6, 25, "OP5"), sighting(8, 33, "OP6")],
        readings: vec![
            reading("main", 4, 2, Taken::Held, first.clone()),
            beside(reading("reader 1", 14, 3, Taken::Fetched, second)),
            beside(reading("reader 1", 14, 2, Taken::Kept, first.clone())),
        ],
        reader_failures: Vec::new(),
        version_readings: vec![VersionReading {
            graph_version: 2,
            type_name: "Person".into(),
            table_version: 2,
            rows: 2,
            digest: digest(&first),
            again: Some(Ok(digest(&first))),
        }],
        read_only_opens: vec![ReadOnlyOpen {
            step: None,
            result: Ok(()),
            write_calls: Vec::new(),
            before: Some(objects()),
            after: Some(objects()),
        }],
        faults: vec![tally(4, "table.committed", "crash"), tally(8, "sidecar.delete", "return")],
        closing: Some(closing()),
        closing_failed: None,
    }
}

fn schema() -> SchemaFacts {
    let property = |value: &str, optional, unique| PropertyFacts { value: value.into(), optional, unique };
    let node = |properties: &[(&str, PropertyFacts)]| TypeFacts {
        kind: TypeKind::Node { key: "name".into() },
        properties: properties.iter().map(|(name, facts)| ((*name).to_owned(), facts.clone())).collect(),
    };
    let person = node(&[
        ("name", property("String", false, true)),
        ("age", property("I32", true, false)),
        ("email", property("String", true, true)),
    ]);
    let company = node(&[("name", property("String", false, true))]);
    let works_at =
        TypeFacts { kind: TypeKind::Edge { from: "Person".into(), to: "Company".into() }, properties: BTreeMap::new() };
    let types = [("Person", person), ("Company", company), ("WorksAt", works_at)];
    SchemaFacts { types: types.into_iter().map(|(name, facts)| (name.to_owned(), facts)).collect() }
}

fn node(type_name: &str, data: Value) -> Value {
    json!({"type": type_name, "data": data})
}

fn operations() -> Vec<OperationRecord> {
    let append = |rows: Vec<Value>| OperationCall::Load { mode: LoadMode::Append, rows };
    let refused = |kind: &str, id: Option<&str>| Outcome::Refused {
        error: ErrorData { operation: id.map(str::to_owned), ..ErrorData::new(kind, "refused") },
    };
    let in_doubt = |id: &str| Outcome::InDoubt {
        error: ErrorData { operation: Some(id.into()), ..ErrorData::new("in-doubt", "the answer was lost") },
    };
    let first = vec![
        node("Person", json!({"name": "alice", "age": 30})),
        node("Person", json!({"name": "bob", "age": 41, "email": "bob@x"})),
        node("Company", json!({"name": "acme"})),
        json!({"type": "WorksAt", "from": "alice", "to": "acme"}),
    ];
    let open = OperationCall::Open { read_only: false };
    let update = OperationCall::Mutate { sql: "UPDATE Person SET age = 31 WHERE name = 'alice'".into() };
    let insert = OperationCall::Mutate { sql: "INSERT INTO Person (name, age) VALUES ('erin', 5)".into() };
    let dave = vec![node("Person", json!({"name": "dave"})), node("Company", json!({"name": "zeta"}))];
    vec![
        operation(None, 0, OperationCall::Create, Outcome::done()),
        operation(Some(1), 2, append(first), acknowledge("OP2", "C2", 2)),
        operation(Some(2), 6, update, acknowledge("OP3", "C3", 3)),
        operation(Some(3), 10, append(vec![node("Person", json!({"name": "alice"}))]), refused("already-exists", None)),
        operation(
            Some(4),
            16,
            append(vec![node("Person", json!({"name": "carol", "age": 50}))]),
            Outcome::Crashed { at: Some("table.committed".into()) },
        ),
        operation(Some(5), 20, open.clone(), Outcome::done()),
        operation(Some(6), 24, append(dave), in_doubt("OP5")),
        operation(Some(7), 28, open, Outcome::done()),
        operation(Some(8), 32, insert, acknowledge("OP6", "C6", 6)),
        operation(Some(9), 36, OperationCall::Refresh, Outcome::done()),
        operation(
            Some(10),
            40,
            append(vec![node("Person", json!({"name": "frank", "age": 7}))]),
            refused("storage", Some("OP7")),
        ),
    ]
}

fn operation(step: Option<u64>, started: Tick, call: OperationCall, outcome: Outcome) -> OperationRecord {
    let (handle, process) = ("main".to_owned(), "main".to_owned());
    OperationRecord {
        step,
        started,
        ended: Some(started + 1),
        handle,
        process,
        actor: Some("ann".into()),
        name: None,
        calls: Vec::new(),
        call,
        outcome,
    }
}

fn acknowledge(operation: &str, commit: &str, graph_version: u64) -> Outcome {
    let rows = BTreeMap::from([("Person".to_owned(), (1, 0, 0))]);
    Outcome::Acknowledged {
        write: Some(WriteData {
            operation: operation.into(),
            commit: commit.into(),
            graph_version,
            rows,
            repeated: false,
        }),
    }
}

fn sighting(after_step: u64, at: Tick, operation: &str) -> SidecarSighting {
    SidecarSighting {
        at,
        after_step,
        writers_in_flight: false,
        operation_ids: vec![operation.into()],
        drift: Some(Vec::new()),
    }
}

fn tally(step: u64, site: &str, action: &str) -> FaultTally {
    let fault = FaultId { step, ordinal: 1, family: FaultFamily::Failpoint, site: site.into(), action: action.into() };
    FaultTally { reached: 1, fired: 1, ..FaultTally::armed(fault) }
}

fn people(people: &[(&str, i64)]) -> Vec<Row> {
    people
        .iter()
        .map(|(name, age)| match *name {
            "bob" => row(&[("name", "bob".into()), ("age", (*age).into()), ("email", "bob@x".into())]),
            name => row(&[("name", name.into()), ("age", (*age).into())]),
        })
        .collect()
}

fn reading(handle: &str, started: Tick, graph_version: u64, taken: Taken, people: Vec<Row>) -> Reading {
    let mut rows = final_rows();
    rows.insert("Person".into(), people);
    let (handle, process) = (handle.to_owned(), "main".to_owned());
    Reading { step: Some(1), handle, process, started, ended: started + 1, graph_version, taken, rows }
}

/// The reading of a reader beside the steps.
fn beside(reading: Reading) -> Reading {
    Reading { step: None, process: OUTSIDE.into(), ..reading }
}

fn final_rows() -> BTreeMap<String, Vec<Row>> {
    let works_at = row(&[("src", "alice".into()), ("dst", "acme".into())]);
    BTreeMap::from([
        ("Person".to_owned(), people(&[("alice", 31), ("bob", 41), ("carol", 50), ("erin", 5)])),
        ("Company".to_owned(), vec![row(&[("name", "acme".into())])]),
        ("WorksAt".to_owned(), vec![works_at]),
    ])
}

fn closing() -> Closing {
    let world = World {
        graph_version: 6,
        tables: vec![pin("Person", PERSON, 7), pin("Company", COMPANY, 4), pin("WorksAt", EDGE, 2)],
        rows: final_rows(),
        looked_up: Some(final_rows()),
        commits: commits(),
        recoveries: recoveries(),
        objects: objects(),
    };
    let second_recovery = SecondRecovery {
        before: world.objects.clone(),
        after: world.objects.clone(),
        rows: world.rows.clone(),
        commits: world.commits.clone(),
        recoveries: world.recoveries.clone(),
    };
    let probe = WriteProbe {
        handle: "main".into(),
        process: "main".into(),
        failures: vec!["conflict: another write was published first".into()],
        attempts_max: 3,
        acknowledged: true,
        visible: Some(true),
    };
    Closing { world, second_recovery: Some(second_recovery), probes: vec![probe] }
}

fn pin(type_name: &str, path: &str, pin: u64) -> TablePin {
    TablePin { type_name: type_name.into(), path: path.into(), pin }
}

fn commits() -> Vec<CommitFact> {
    let commit = |number: u64, kind: &str, writer: Option<&str>, actor: &str, operation: Option<&str>| CommitFact {
        id: format!("C{number}"),
        parents: (number > 1).then(|| format!("C{}", number - 1)).into_iter().collect(),
        actor: actor.into(),
        kind: kind.into(),
        writer: writer.map(str::to_owned),
        operation_id: operation.map(str::to_owned),
        graph_version: number,
    };
    vec![
        commit(6, "written", Some("mutate"), "ann", Some("OP6")),
        commit(5, "rolled-back", Some("load"), "omnigraph:recovery", Some("OP5")),
        commit(4, "rolled-forward", Some("load"), "omnigraph:recovery", Some("OP4")),
        commit(3, "written", Some("mutate"), "ann", Some("OP3")),
        commit(2, "written", Some("load"), "ann", Some("OP2")),
        commit(1, "created", None, "ann", None),
    ]
}

fn recoveries() -> Vec<RecoveryFact> {
    let recovery =
        |operation: &str, kind: &str, writer: &str, commit: &str, tables: &[(&str, u64, u64)]| RecoveryFact {
            operation_id: operation.into(),
            kind: kind.into(),
            writer: writer.into(),
            actor: "ann".into(),
            commit: Some(commit.into()),
            tables: tables
                .iter()
                .map(|(table, from, to)| RecoveredTable { table: (*table).into(), from: *from, to: *to })
                .collect(),
        };
    vec![
        recovery("OP4", "RolledForward", "load", "C4", &[("Person", 3, 4)]),
        recovery("OP5", "RolledBack", "load", "C5", &[("Person", 4, 6), ("Company", 2, 4)]),
        recovery("OP6", "RolledForward", "mutate", "C6", &[("Person", 6, 7)]),
    ]
}

fn objects() -> Vec<ObjectFact> {
    let datasets = [("__manifest", 6), ("_graph_commit_recoveries.lance", 4), (PERSON, 7), (COMPANY, 4), (EDGE, 2)];
    let mut objects = vec![object("__schema/0123abcd.json")];
    for (dataset, head) in datasets {
        for version in 1..=head {
            objects.extend(version_objects(dataset, version));
        }
    }
    objects.sort();
    objects
}

fn version_objects(dataset: &str, version: u64) -> [ObjectFact; 3] {
    [
        object(&format!("{dataset}/_versions/{:020}.manifest", u64::MAX - version)),
        object(&format!("{dataset}/_transactions/{}-{version}.txn", version - 1)),
        object(&format!("{dataset}/data/{version}.lance")),
    ]
}

/// An object with some content.
pub fn object(path: &str) -> ObjectFact {
    ObjectFact { path: path.into(), bytes: 10, hash: "aa".into() }
}

/// A row.
pub fn row(columns: &[(&str, Value)]) -> Row {
    columns.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

/// Damage to one object that changes no row.
pub fn damage(step: u64, path: &str) -> Damage {
    Damage {
        step,
        at: step * 4,
        description: format!("write {path}"),
        paths: vec![path.into()],
        may_change_rows: false,
        moved: None,
    }
}

/// The closing observations.
pub fn closing_mut(evidence: &mut Evidence) -> &mut Closing {
    evidence.closing.as_mut().expect("the sound world has been closed")
}

/// The world after the steps.
pub fn world(evidence: &mut Evidence) -> &mut World {
    &mut closing_mut(evidence).world
}

/// The visible rows of one type.
pub fn rows<'a>(evidence: &'a mut Evidence, type_name: &str) -> &'a mut Vec<Row> {
    world(evidence).rows.get_mut(type_name).expect("a type of the sound world")
}

/// One commit.
pub fn commit<'a>(evidence: &'a mut Evidence, id: &str) -> &'a mut CommitFact {
    world(evidence).commits.iter_mut().find(|commit| commit.id == id).expect("a commit of the sound world")
}

/// One audit row.
pub fn recovery<'a>(evidence: &'a mut Evidence, operation: &str) -> &'a mut RecoveryFact {
    let mut rows = world(evidence).recoveries.iter_mut();
    rows.find(|row| row.operation_id == operation).expect("an audit row of the sound world")
}

/// What the acknowledged write of this index reported.
pub fn acknowledged(evidence: &mut Evidence, index: usize) -> &mut WriteData {
    match &mut evidence.operations[index].outcome {
        Outcome::Acknowledged { write: Some(write) } => write,
        other => panic!("operation {index} reported nothing: {other:?}"),
    }
}

/// Adds an object to the world's listing.
pub fn add_object(evidence: &mut Evidence, path: &str) {
    world(evidence).objects.push(object(path));
}

/// Adds a version to a dataset.
pub fn add_version(evidence: &mut Evidence, dataset: &str, version: u64) {
    world(evidence).objects.extend(version_objects(dataset, version));
}

/// Forgets every write and fault that failed, as if nothing ever had.
pub fn calm(evidence: &mut Evidence) {
    evidence.faults.clear();
    evidence.operations.retain(|operation| operation.outcome.name() == crate::event::OutcomeName::Acknowledged);
}
