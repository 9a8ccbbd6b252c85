use super::*;
use crate::event::{FinishedCell, Record, StepRef, StoreCall};
use crate::seed::Seed;

fn sweep() -> Arc<Scenario> {
    let text = "
summary: a load
why: because
graph: {schema: 'node Person { name: String @key }'}
steps: []
sweep:
  operation:
    load: {rows: [{type: Person, data: {name: a}}]}
";
    Arc::new(crate::scenario::parse("sweep/a", "a.yaml", text.as_bytes()).unwrap_or_else(|report| panic!("{report}")))
}

/// The events of a cell whose step of this number makes these calls.
fn events(cell: &CellId, number: u64, operations: &[&str]) -> Vec<Record> {
    let step = StepRef { number, kind: "load".into(), line: None, process: "main".into(), handle: "main".into() };
    let call = |operation: &&str| Event::StoreCall {
        cell: cell.clone(),
        call: StoreCall {
            process: "main".into(),
            sequence: 0,
            realm: "control".into(),
            operation: (*operation).to_owned(),
            class: "sidecar".into(),
            path: "__recovery/a.json".into(),
            bytes: 1,
            outcome: "ok".into(),
        },
    };
    let ended = Event::StepFinished {
        cell: cell.clone(),
        step: step.clone(),
        outcome: crate::event::Outcome::done(),
        as_expected: true,
        duration_ms: 1,
    };
    let started = Event::StepStarted { cell: cell.clone(), step };
    let all = std::iter::once(started).chain(operations.iter().map(call)).chain([ended]);
    all.map(|event| Record { elapsed_ms: 0, event }).collect()
}

fn end(sweeper: &Sweeper, plan: &CellPlan, verdict: Verdict, events: &[Record]) -> Followed {
    finish(sweeper, plan, verdict, events, Vec::new())
}

fn finish(
    sweeper: &Sweeper,
    plan: &CellPlan,
    verdict: Verdict,
    events: &[Record],
    faults: Vec<crate::event::FaultTally>,
) -> Followed {
    let finished = FinishedCell {
        cell: plan.id.clone(),
        summary: String::new(),
        tags: Vec::new(),
        file: String::new(),
        seed: Seed(1).0,
        canary: false,
        verdict,
        duration_ms: 1,
        faults,
        held: Vec::new(),
        waived: Vec::new(),
        replay: String::new(),
        bundle: None,
    };
    sweeper.follow(&EndedCell { plan, finished: &finished, events })
}

fn names(followed: &Followed) -> Vec<&str> {
    followed.cells.iter().map(|plan| plan.id.scenario.as_str()).collect()
}

#[test]
fn every_count_is_cut_at_each_of_its_writes_and_reads_do_not_count() {
    let (plans, sweeper) = Sweeper::plan(&[sweep()], &[BackendKind::Memory], None, false);
    let calls = events(&plans[0].id, 1, &["put-if-absent", "get", "multipart-part", "delete", "list"]);
    let cut = end(&sweeper, &plans[0], Verdict::Held, &calls);
    assert_eq!(
        names(&cut),
        ["sweep/a#cut-0", "sweep/a#cut-1", "sweep/a#cut-2", "sweep/a#unanswered", "sweep/a#answered"]
    );
    let calls = events(&cut.cells[1].id, 3, &["put", "get"]);
    let again = end(&sweeper, &cut.cells[1], Verdict::Held, &calls);
    assert_eq!(names(&again), ["sweep/a#cut-1/recovery-1-cut-0", "sweep/a#cut-1/recovery-1-cut-1"]);
    for plan in [0, 2, 3, 4].map(|at| &cut.cells[at]).into_iter().chain(&again.cells[..1]) {
        assert!(end(&sweeper, plan, Verdict::Held, &[]).news.is_empty(), "it ends with its last case");
    }
    let over = end(&sweeper, &again.cells[1], Verdict::Held, &[]);
    let [Event::SweepFinished(report)] = &over.news[..] else { panic!("{over:?}") };
    assert_eq!((report.cuts, report.answer_cuts, report.recovery_cuts, report.verdicts.total()), (3, 2, 2, 8));
}

#[test]
fn an_operation_that_writes_more_on_another_day_is_cut_further() {
    let (plans, sweeper) = Sweeper::plan(&[sweep()], &[BackendKind::Memory], None, false);
    let cut = end(&sweeper, &plans[0], Verdict::Held, &events(&plans[0].id, 1, &["put"]));
    let answered = cut.cells.last().expect("there are cuts");
    let more = end(&sweeper, answered, Verdict::Held, &events(&answered.id, 1, &["put", "put", "delete"]));
    assert_eq!(names(&more), ["sweep/a#cut-2", "sweep/a#cut-3"]);
}

#[test]
fn an_operation_without_a_write_is_cut_all_the_same_so_that_it_cannot_be_green() {
    let (plans, sweeper) = Sweeper::plan(&[sweep()], &[BackendKind::Memory], None, false);
    let cut = end(&sweeper, &plans[0], Verdict::Held, &events(&plans[0].id, 1, &["get"]));
    assert_eq!(names(&cut)[0], "sweep/a#cut-0");
}

#[test]
fn nothing_follows_from_a_case_that_did_not_hold() {
    let (plans, sweeper) = Sweeper::plan(&[sweep()], &[BackendKind::Memory], None, false);
    let reason = "no Docker".to_owned();
    let over = end(&sweeper, &plans[0], Verdict::Skipped { reason }, &[]);
    assert!(over.cells.is_empty());
    let [Event::SweepFinished(report)] = &over.news[..] else { panic!("{over:?}") };
    assert_eq!(report.writes, None);
}

#[test]
fn a_window_is_first_made_to_kill_and_then_to_fail_and_what_is_called_after_it_fails_second() {
    let (plans, sweeper) = Sweeper::plan(&[sweep()], &[BackendKind::Memory], None, true);
    let cut = end(&sweeper, &plans[0], Verdict::Held, &events(&plans[0].id, 1, &["put"]));
    let probe = cut.cells.last().expect("there are cases");
    assert_eq!(probe.id.scenario, "sweep/a#windows");
    let fault = crate::event::FaultId {
        step: 1,
        ordinal: 1,
        family: crate::event::FaultFamily::Failpoint,
        site: "load:table.commit".into(),
        action: "yield".into(),
    };
    let tally = crate::event::FaultTally { reached: 2, fired: 2, ..crate::event::FaultTally::armed(fault) };
    let firsts = finish(&sweeper, probe, Verdict::Held, &[], vec![tally]);
    assert_eq!(names(&firsts), ["sweep/a#load:table.commit-1-crash", "sweep/a#load:table.commit-2-crash"]);

    let mut seen = events(&firsts.cells[0].id, 1, &["list", "put"]);
    seen.extend(events(&firsts.cells[0].id, 3, &["delete"]));
    let second = end(&sweeper, &firsts.cells[0], Verdict::Held, &seen);
    assert!(names(&second).contains(&"sweep/a#load:table.commit-1-crash/recovery-1-delete-sidecar-1-ack-lost"));
    assert!(names(&second).iter().all(|name| !name.contains("operation-")), "a dead process calls nothing");

    let failing = second.cells.last().expect("there are cases");
    assert_eq!(failing.id.scenario, "sweep/a#load:table.commit-1-error");
    let mut seen = events(&failing.id, 1, &["list", "put", "put", "delete"]);
    seen.extend(events(&failing.id, 2, &["list"]));
    let second = end(&sweeper, failing, Verdict::Held, &seen);
    let operations: std::collections::BTreeSet<&str> = names(&second)
        .into_iter()
        .filter_map(|name| name.split("/operation-").nth(1))
        .filter(|rest| rest.ends_with("timeout"))
        .collect();
    // The list came before the window, and so did the first of the puts.
    assert_eq!(operations.into_iter().collect::<Vec<_>>(), ["delete-sidecar-1-timeout", "put-sidecar-2-timeout"]);
}
