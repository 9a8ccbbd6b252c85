//! What the model makes of short cells.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::trajectory::{Trajectory, follow};
use super::write::{Refusal, apply};
use super::{Candidate, State};
use crate::event::{ErrorData, Outcome, WriteData};
use crate::oracle::evidence::{
    Damage, Evidence, LoadMode, MovedHead, OUTSIDE, OperationCall, OperationRecord, Reading, SidecarSighting, Taken,
    Tick,
};
use crate::oracle::rows::Row;
use crate::oracle::sound;

fn load(mode: LoadMode, rows: &[Value]) -> OperationCall {
    OperationCall::Load { mode, rows: rows.to_vec() }
}

fn person(name: &str, age: i64) -> Value {
    json!({"type": "Person", "data": {"name": name, "age": age}})
}

fn company(name: &str) -> Value {
    json!({"type": "Company", "data": {"name": name}})
}

fn edge(from: &str, to: &str) -> Value {
    json!({"type": "WorksAt", "from": from, "to": to})
}

fn sql(text: &str) -> OperationCall {
    OperationCall::Mutate { sql: text.into() }
}

fn after(calls: &[OperationCall]) -> Result<State, Refusal> {
    let schema = sound::evidence().schema.expect("a schema");
    calls.iter().try_fold(State::default(), |state, call| apply(&schema, &state, call))
}

fn ages(state: &State) -> Vec<(String, Option<i64>)> {
    let age = |row: &Row| (row["name"].as_str().unwrap_or_default().to_owned(), row.get("age").and_then(Value::as_i64));
    state.rows("Person").map(|(_, row)| age(row)).collect()
}

fn known(pairs: &[(&str, i64)]) -> Vec<(String, Option<i64>)> {
    pairs.iter().map(|(name, age)| ((*name).to_owned(), Some(*age))).collect()
}

#[test]
fn the_three_load_modes_differ_in_what_they_do_to_known_rows() {
    let first = load(LoadMode::Append, &[person("a", 1), person("b", 2)]);
    assert!(matches!(after(&[first.clone(), load(LoadMode::Append, &[person("a", 3)])]), Err(Refusal::Forbidden(_))));
    let merged = after(&[first.clone(), load(LoadMode::Merge, &[person("a", 3), person("c", 4)])]).expect("a merge");
    assert_eq!(ages(&merged), known(&[("a", 3), ("b", 2), ("c", 4)]));
    let replaced = after(&[first, load(LoadMode::Overwrite, &[person("c", 4)])]).expect("an overwrite");
    assert_eq!(ages(&replaced), known(&[("c", 4)]));
}

#[test]
fn statements_of_one_mutate_see_each_other() {
    let first = load(LoadMode::Append, &[person("a", 1), person("b", 2)]);
    let mixed = sql("INSERT INTO Person (name, age) VALUES ('c', 2); UPDATE Person SET age = age + 10 WHERE age = 2; \
                     DELETE FROM Person WHERE age > 11 AND name <> 'c'");
    assert_eq!(ages(&after(&[first, mixed]).expect("a mutate")), known(&[("a", 1), ("c", 12)]));
}

/// Universe 1890 of `swarm/storms` with the seed 20261122 did this in doubt, and it landed.
#[test]
fn what_is_checked_of_a_mutate_is_what_its_statements_leave_together() {
    let graph = load(LoadMode::Append, &[person("a", 1), company("x"), edge("a", "x")]);
    let added_and_gone = "INSERT INTO WorksAt (src, dst) VALUES ('a', 'x'); DELETE FROM WorksAt WHERE src = 'a'";
    let state = after(&[graph.clone(), sql(added_and_gone)]).expect("a mutate");
    assert_eq!(state.rows("WorksAt").count(), 0);
    let twice = sql("INSERT INTO WorksAt (src, dst) VALUES ('a', 'x'); DELETE FROM WorksAt WHERE src = 'b'");
    assert!(matches!(after(&[graph.clone(), twice]), Err(Refusal::Forbidden(_))));
    // Who is not there takes no edge along.
    let nobody = sql("INSERT INTO WorksAt (src, dst) VALUES ('b', 'x'); DELETE FROM Person WHERE name = 'b'");
    assert!(matches!(after(&[graph.clone(), nobody]), Err(Refusal::Forbidden(_))));
    let somebody = sql("INSERT INTO WorksAt (src, dst) VALUES ('a', 'x'); DELETE FROM Person WHERE name = 'a'");
    assert_eq!(after(&[graph, somebody]).expect("a mutate").rows("WorksAt").count(), 0);
}

#[test]
fn deleting_a_node_deletes_its_edges() {
    let graph = load(LoadMode::Append, &[person("a", 1), person("b", 2), company("x"), edge("a", "x"), edge("b", "x")]);
    let state = after(&[graph.clone(), sql("DELETE FROM Person WHERE name = 'a'")]).expect("a delete");
    assert_eq!(state.rows("WorksAt").count(), 1);
    let state = after(&[graph, sql("DELETE FROM Company")]).expect("a delete");
    assert_eq!(state.rows("WorksAt").count(), 0);
}

#[test]
fn what_the_schema_forbids_the_model_forbids() {
    for forbidden in [
        load(LoadMode::Append, &[edge("nobody", "nowhere")]),
        load(LoadMode::Append, &[person("a", 1), person("a", 2)]),
        load(LoadMode::Append, &[json!({"type": "Ghost", "data": {}})]),
        load(LoadMode::Append, &[json!({"type": "Person", "data": {"age": 3}})]),
        sql("INSERT INTO Person (name, email) VALUES ('a', 'x'), ('b', 'x')"),
        load(LoadMode::Append, &[person("a", i64::MAX)]),
        load(LoadMode::Append, &[json!({"type": "Person", "data": {"name": "a", "agee": 3}})]),
        load(LoadMode::Append, &[json!({"type": "Person", "data": {"name": 3}})]),
    ] {
        assert!(matches!(after(std::slice::from_ref(&forbidden)), Err(Refusal::Forbidden(_))), "{forbidden:?}");
    }
}

/// A cell of writes through handles of their own; one that starts at `2n` ends at `2n + 1`.
fn cell(writes: Vec<(OperationCall, Outcome)>) -> Evidence {
    let record = |(at, (call, outcome)): (usize, (OperationCall, Outcome))| OperationRecord {
        step: Some(at as u64 + 1),
        started: at as u64 * 2,
        ended: Some(at as u64 * 2 + 1),
        handle: format!("writer {at}"),
        process: "main".into(),
        actor: None,
        name: None,
        calls: Vec::new(),
        call,
        outcome,
    };
    Evidence {
        schema: sound::evidence().schema,
        operations: writes.into_iter().enumerate().map(record).collect(),
        ..Evidence::default()
    }
}

fn ok(graph_version: u64) -> Outcome {
    let commit = format!("C{graph_version}");
    Outcome::Acknowledged { write: Some(WriteData { commit, graph_version, ..WriteData::default() }) }
}

fn doubt() -> Outcome {
    Outcome::InDoubt { error: ErrorData::new("in-doubt", "the answer was lost") }
}

fn ends(evidence: &Evidence) -> Vec<Vec<(String, Option<i64>)>> {
    let Trajectory::Followed { candidates, .. } = follow(evidence) else { panic!("followed") };
    let mut ends: Vec<_> = candidates.iter().map(|candidate: &Candidate| ages(candidate.last())).collect();
    ends.sort();
    ends.dedup();
    ends
}

#[test]
fn a_write_in_doubt_forks_and_a_refused_one_does_not() {
    let append = |name: &str| load(LoadMode::Append, &[person(name, 1)]);
    let refused = Outcome::Refused { error: ErrorData::new("conflict", "moved") };
    let evidence = cell(vec![(append("a"), ok(2)), (append("b"), doubt()), (append("c"), refused)]);
    assert_eq!(ends(&evidence), [known(&[("a", 1)]), known(&[("a", 1), ("b", 1)])]);
}

/// Moves what happened from `at` on by ten, and lets somebody look from outside in between.
fn looked_at(mut evidence: Evidence, at: Tick, people: &[(&str, i64)]) -> Evidence {
    for operation in evidence.operations.iter_mut().filter(|operation| operation.started >= at) {
        operation.started += 10;
        operation.ended = operation.ended.map(|ended| ended + 10);
    }
    let row = |(name, age): &(&str, i64)| sound::row(&[("name", (*name).into()), ("age", (*age).into())]);
    evidence.readings.push(Reading {
        step: Some(at / 2),
        handle: OUTSIDE.into(),
        process: OUTSIDE.into(),
        started: at,
        ended: at + 1,
        graph_version: 9,
        taken: Taken::Fetched,
        rows: BTreeMap::from([("Person".to_owned(), people.iter().map(row).collect())]),
    });
    evidence
}

fn nothing_pending(mut evidence: Evidence, at: Tick) -> Evidence {
    let sighting =
        SidecarSighting { at, after_step: 1, writers_in_flight: false, operation_ids: Vec::new(), drift: None };
    evidence.sightings.push(sighting);
    evidence
}

#[test]
fn a_wrong_state_is_found_also_when_a_later_write_hides_it() {
    let set = |age| load(LoadMode::Overwrite, &[person("a", age)]);
    let writes = || cell(vec![(set(1), ok(2)), (set(2), ok(3))]);
    assert_eq!(ends(&looked_at(writes(), 2, &[("a", 1)])), [known(&[("a", 2)])]);
    let Trajectory::Contradicted { why } = follow(&looked_at(writes(), 2, &[("a", 7)])) else {
        panic!("a wrong state")
    };
    assert!(why.contains("after step 1") && why.contains("surplus"), "{why}");
}

#[test]
fn what_was_visible_says_whether_a_write_in_doubt_had_landed_by_then() {
    let append = |name: &str| load(LoadMode::Append, &[person(name, 1)]);
    let writes = || cell(vec![(append("a"), ok(2)), (append("b"), doubt()), (append("c"), ok(3))]);
    assert_eq!(ends(&looked_at(writes(), 4, &[("a", 1), ("b", 1)])), [known(&[("a", 1), ("b", 1), ("c", 1)])]);
    // It may still have landed between the look and the next write.
    assert_eq!(ends(&looked_at(writes(), 4, &[("a", 1)])).len(), 2);
}

#[test]
fn once_nothing_is_pending_a_write_in_doubt_has_landed_or_never_will() {
    let writes = cell(vec![
        (load(LoadMode::Append, &[person("a", 1)]), ok(2)),
        (load(LoadMode::Append, &[person("b", 1)]), doubt()),
    ]);
    let gone = nothing_pending(looked_at(writes.clone(), 4, &[("a", 1)]), 6);
    assert_eq!(ends(&looked_at(gone.clone(), 8, &[("a", 1)])), [known(&[("a", 1)])]);
    let risen = nothing_pending(looked_at(writes, 4, &[("a", 1)]), 4);
    assert_eq!(ends(&risen).len(), 2, "it may have landed between the two");
    let risen = looked_at(nothing_pending(looked_at(gone, 10, &[("a", 1)]), 12), 14, &[("a", 1), ("b", 1)]);
    assert!(matches!(follow(&risen), Trajectory::Contradicted { .. }), "what had not landed has");
}

#[test]
fn a_write_in_doubt_never_lands_on_top_of_a_later_write_to_its_table() {
    let set = |age| load(LoadMode::Merge, &[person("a", age)]);
    let evidence = cell(vec![(set(1), ok(2)), (set(2), doubt()), (set(3), ok(3))]);
    assert_eq!(ends(&evidence), [known(&[("a", 3)])]);
}

#[test]
fn a_write_in_doubt_may_land_after_a_later_write_to_another_table() {
    let graph = load(LoadMode::Append, &[person("a", 1)]);
    let evidence = cell(vec![
        (graph, ok(2)),
        (load(LoadMode::Append, &[person("b", 1)]), doubt()),
        (load(LoadMode::Append, &[company("x")]), ok(3)),
    ]);
    let Trajectory::Followed { candidates, .. } = follow(&evidence) else { panic!("followed") };
    let between = |candidate: &Candidate| {
        candidate
            .past
            .iter()
            .any(|moment| moment.state.rows("Company").count() == 1 && moment.state.rows("Person").count() == 1)
            && candidate.last().rows("Person").count() == 2
    };
    assert!(candidates.iter().any(between), "the write in doubt landed last in none of {}", candidates.len());
}

#[test]
fn overlapping_acknowledged_writes_follow_the_versions_they_report() {
    let set = |age| load(LoadMode::Merge, &[person("a", age)]);
    let mut evidence = cell(vec![(set(1), ok(2)), (set(2), ok(4)), (set(3), ok(3))]);
    assert_eq!(ends(&evidence), [known(&[("a", 3)])], "one after the other: versions do not matter");
    evidence.operations[1].ended = Some(9);
    assert_eq!(ends(&evidence), [known(&[("a", 2)])]);
}

#[test]
fn what_is_not_modelled_is_said_with_its_step() {
    let first = load(LoadMode::Append, &[person("a", 1)]);
    let mut evidence = cell(vec![(first, ok(2)), (sql("UPDATE Person SET age = abs(age)"), ok(3))]);
    let silent = follow(&evidence).silent_at_the_end().expect("a statement outside the subset");
    assert!(silent.contains("step 2"), "{silent}");
    evidence.operations.pop();
    assert_eq!(follow(&evidence).silent_at_the_end(), None);
    let damage = Damage { may_change_rows: true, at: 5, ..sound::damage(7, "nodes/x") };
    evidence.damage.push(damage);
    assert!(follow(&evidence).silent_at_the_end().is_some_and(|silent| silent.contains("step 7")));
}

/// A stranger's commit at this tick, of a row if there is an age.
fn stranger(at: u64, name: &str, age: Option<i64>) -> Damage {
    let row = age.map(|age| sound::row(&[("name", name.into()), ("age", age.into())]));
    Damage { at, moved: Some(MovedHead { type_name: "Person".into(), row }), ..sound::damage(1, "nodes/x") }
}

fn confirm(published: Option<&[&str]>) -> OperationCall {
    let published = published.map(|types| types.iter().map(|name| (*name).to_owned()).collect());
    OperationCall::Repair { confirmed: true, published }
}

/// A row, a stranger's commit and a repair of these types that ended so.
fn repaired(age: Option<i64>, published: Option<&[&str]>, outcome: Outcome) -> Evidence {
    let mut evidence = cell(vec![
        (load(LoadMode::Append, &[person("a", 1)]), ok(2)),
        (confirm(published), outcome),
        (load(LoadMode::Append, &[person("b", 2)]), ok(4)),
    ]);
    let at = evidence.operations[1].started;
    // Between the load and the repair; nothing else is as fine as a tick.
    evidence.operations.iter_mut().for_each(|operation| {
        operation.started *= 10;
        operation.ended = operation.ended.map(|ended| ended * 10);
    });
    evidence.damage.push(stranger(at * 10 - 1, "stranger", age));
    evidence
}

#[test]
fn a_repair_makes_visible_what_a_stranger_committed_and_nothing_else() {
    let acknowledged = || Outcome::Acknowledged { write: None };
    let with = || known(&[("a", 1), ("b", 2), ("stranger", 9)]);
    let without = || known(&[("a", 1), ("b", 2)]);
    assert_eq!(ends(&repaired(Some(9), Some(&["Person"]), acknowledged())), [with()]);
    assert_eq!(ends(&repaired(None, Some(&["Person"]), acknowledged())), [without()]);
    assert_eq!(ends(&repaired(Some(9), Some(&[]), acknowledged())), [without()], "it found nothing");
    let either = ends(&repaired(Some(9), None, doubt()));
    assert!(either.len() == 2 && either.contains(&with()) && either.contains(&without()), "{either:?}");
}

#[test]
fn what_one_repair_made_visible_the_next_does_not_again() {
    let mut evidence = repaired(Some(9), None, doubt());
    let mut again = evidence.operations[1].clone();
    (again.started, again.ended, again.step) = (100, Some(101), Some(9));
    (again.call, again.outcome) = (confirm(Some(&["Person"])), Outcome::Acknowledged { write: None });
    evidence.operations.push(again);
    let with = known(&[("a", 1), ("b", 2), ("stranger", 9)]);
    assert!(ends(&evidence).iter().all(|end| *end == with), "{:?}", ends(&evidence));
}

#[test]
fn drift_of_another_origin_ends_what_is_known() {
    let acknowledged = || Outcome::Acknowledged { write: None };
    let silent = |evidence: &Evidence| follow(evidence).silent_at_the_end().is_some();
    assert!(silent(&repaired(Some(9), Some(&["Person", "Company"]), acknowledged())), "nobody moved Company");
    let mut evidence = repaired(Some(9), Some(&["Person"]), acknowledged());
    assert!(!silent(&evidence));
    evidence.damage.push(Damage { at: 0, ..sound::damage(1, "__recovery/x.json") });
    assert!(silent(&evidence), "what else a hand did may have left drift, too");
    evidence.damage.clear();
    assert!(silent(&evidence), "and so may the engine");
    let mut evidence = repaired(Some(9), Some(&["Person"]), acknowledged());
    evidence.damage[0] = stranger(evidence.damage[0].at, "a", Some(9));
    assert!(silent(&evidence), "nobody checks keys");
    let mut evidence = repaired(Some(9), Some(&["Person"]), acknowledged());
    evidence.operations[0].ended = evidence.operations[2].ended;
    assert!(silent(&evidence), "nobody knows which of two that ran beside each other came first");
}

#[test]
fn what_may_have_landed_and_is_not_modelled_ends_what_is_known() {
    let first = load(LoadMode::Append, &[person("a", 1)]);
    // In words it is modelled; what it does to these rows is not.
    let evidence = cell(vec![(first, ok(2)), (sql("UPDATE Person SET age = age || 'x'"), doubt())]);
    let silent = follow(&evidence).silent_at_the_end().expect("nobody knows the rows if it has landed");
    assert!(silent.contains("step 2"), "{silent}");
}

#[test]
fn more_ways_than_the_limit_are_inconclusive() {
    let append = |at: usize| (load(LoadMode::Append, &[person(&format!("p{at}"), 1)]), doubt());
    assert!(matches!(follow(&cell((0..12).map(append).collect())), Trajectory::TooMany));
}

#[test]
fn eight_writes_in_doubt_one_after_the_other_can_still_be_told() {
    let append = |at: usize| (load(LoadMode::Append, &[person(&format!("p{at}"), 1)]), doubt());
    assert_eq!(ends(&cell((0..8).map(append).collect())).len(), 256);
}

#[test]
fn an_acknowledged_impossibility_is_a_contradiction() {
    let append = load(LoadMode::Append, &[person("a", 1)]);
    let evidence = cell(vec![(append.clone(), ok(2)), (append, ok(3))]);
    let Trajectory::Contradicted { why } = follow(&evidence) else { panic!("contradicted") };
    assert!(why.contains("step 2") && why.contains("there already"), "{why}");
}

#[test]
fn a_refusal_of_what_nothing_forbids_is_a_contradiction() {
    let invalid = || Outcome::Refused { error: ErrorData::new("invalid", "no such number") };
    let add = |name: &str| load(LoadMode::Append, &[person(name, 1)]);
    let refused = |call: OperationCall| cell(vec![(add("a"), ok(2)), (call, invalid())]);
    let Trajectory::Contradicted { why } = follow(&refused(sql("UPDATE Person SET age = age + 1"))) else {
        panic!("nothing forbids it")
    };
    assert!(why.contains("step 2") && why.contains("no such number"), "{why}");
    for rightly in [
        sql("UPDATE Person SET age = age + 2147483647"),
        sql("UPDATE Person SET age = abs(age)"),
        sql("UPDATE Person SET age = 3 WHERE name = 'nobody'"),
        add("a"),
    ] {
        assert!(matches!(follow(&refused(rightly.clone())), Trajectory::Followed { .. }), "{rightly:?}");
    }
    let mut beside = refused(add("b"));
    beside.operations[0].ended = beside.operations[1].ended;
    assert!(matches!(follow(&beside), Trajectory::Followed { .. }), "another write may have stood in its way");
    let conflict = Outcome::Refused { error: ErrorData::new("conflict", "moved") };
    let evidence = cell(vec![(add("a"), ok(2)), (add("b"), conflict)]);
    assert!(matches!(follow(&evidence), Trajectory::Followed { .. }), "the store's or another write's");
}

#[test]
fn a_reader_cannot_see_what_began_after_it_ended() {
    let set = |age| load(LoadMode::Merge, &[person("a", age)]);
    let evidence = cell(vec![(set(1), ok(2)), (set(2), ok(3))]);
    let schema = evidence.schema.clone().expect("a schema");
    let Trajectory::Followed { candidates, .. } = follow(&evidence) else { panic!("followed") };
    let seen = |age: i64, ended| Reading {
        step: None,
        handle: "reader".into(),
        process: "main".into(),
        started: 0,
        ended,
        graph_version: 2,
        taken: Taken::Held,
        rows: BTreeMap::from([("Person".to_owned(), vec![sound::row(&[("name", "a".into()), ("age", age.into())])])]),
    };
    let explained = |reading: &Reading| candidates.iter().any(|way| way.explains(&evidence, &schema, &[reading]));
    assert!(explained(&seen(1, 2)));
    assert!(!explained(&seen(2, 2)), "the second write begins at 2");
    assert!(explained(&seen(2, 3)));
    assert!(!explained(&seen(3, 9)));
}

#[test]
fn a_write_in_doubt_may_land_after_one_that_found_nothing_to_change() {
    let found_nothing = Outcome::Acknowledged { write: Some(WriteData { graph_version: 2, ..WriteData::default() }) };
    let evidence = cell(vec![
        (load(LoadMode::Append, &[person("a", 1)]), ok(2)),
        (load(LoadMode::Append, &[person("b", 1)]), doubt()),
        (sql("DELETE FROM Person WHERE name = 'b'"), found_nothing),
    ]);
    assert_eq!(ends(&evidence), [known(&[("a", 1)]), known(&[("a", 1), ("b", 1)])]);
}

#[test]
fn a_handle_owes_nothing_that_was_under_way_when_it_took_the_place_of_another_one() {
    let set = |age| load(LoadMode::Merge, &[person("a", age)]);
    let reads_the_first = |opened: Tick| {
        let open = (OperationCall::Open { read_only: false }, Outcome::done());
        let mut evidence = cell(vec![(set(1), ok(2)), (set(2), ok(3)), open]);
        for operation in &mut evidence.operations {
            operation.handle = "main".into();
        }
        // The second write lasts from 2 to 20.
        evidence.operations[1].ended = Some(20);
        (evidence.operations[2].started, evidence.operations[2].ended) = (opened, Some(opened + 1));
        let reading = Reading {
            step: None,
            handle: "main".into(),
            process: "main".into(),
            started: 40,
            ended: 41,
            graph_version: 2,
            taken: Taken::Held,
            rows: BTreeMap::from([("Person".to_owned(), vec![sound::row(&[("name", "a".into()), ("age", 1.into())])])]),
        };
        let schema = evidence.schema.clone().expect("a schema");
        let Trajectory::Followed { candidates, .. } = follow(&evidence) else { panic!("followed") };
        candidates.iter().any(|way| way.explains(&evidence, &schema, &[&reading]))
    };
    assert!(reads_the_first(10), "the handle was opened before the write was visible");
    assert!(!reads_the_first(30), "the handle was opened once the write was acknowledged");
}

#[test]
fn a_write_in_doubt_may_have_landed_before_a_longer_one_that_began_earlier() {
    let doubt = Outcome::InDoubt { error: ErrorData::new("in-doubt", "nobody knows") };
    let mut evidence = cell(vec![
        (load(LoadMode::Append, &[person("a", 1)]), ok(2)),
        (load(LoadMode::Append, &[company("x")]), ok(4)),
        (sql("UPDATE Person SET age = 2"), doubt),
    ]);
    // The second write is under way until after the third has ended.
    evidence.operations[1].ended = Some(90);
    let Trajectory::Followed { candidates, .. } = follow(&evidence) else { panic!("followed") };
    let was = |age: i64, companies: usize| {
        candidates.iter().flat_map(|way| &way.past).any(|moment| {
            ages(&moment.state) == known(&[("a", age)]) && moment.state.rows("Company").count() == companies
        })
    };
    assert!(was(2, 0), "the update was there before the company was");
    assert!(was(1, 1), "or it came later");
}

#[test]
fn an_overwrite_that_leaves_edges_dangling_is_forbidden() {
    let graph = load(LoadMode::Append, &[person("a", 1), company("x"), edge("a", "x")]);
    let taken = load(LoadMode::Overwrite, &[person("b", 1)]);
    assert!(matches!(after(&[graph.clone(), taken]), Err(Refusal::Forbidden(_))));
    let kept = load(LoadMode::Overwrite, &[person("a", 9), person("b", 1)]);
    assert_eq!(ages(&after(&[graph, kept]).expect("endpoints stay")), known(&[("a", 9), ("b", 1)]));
}
