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
        not_judged: Vec::new(),
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
    let of_a_step_before = crate::event::FaultId {
        step: 0,
        site: "load:manifest.publish".into(),
        action: "crash".into(),
        ..fault.clone()
    };
    let fired =
        |fault, fired| crate::event::FaultTally { reached: fired, fired, ..crate::event::FaultTally::armed(fault) };
    let tallies = vec![fired(of_a_step_before, 1), fired(fault, 2)];
    let firsts = finish(&sweeper, probe, Verdict::Held, &[], tallies);
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

/// Runs a sweep with pairs to its end, in which every cell holds and makes these calls in each of its steps, of which a second
/// fault keeps the first from the store.
fn swept_with_pairs(backends: &[BackendKind], calls: &[&str]) -> (Vec<CellId>, Vec<crate::event::SweepReport>) {
    let (plans, sweeper) = Sweeper::plan(&[sweep()], backends, None, true);
    let mut waiting: std::collections::VecDeque<CellPlan> = plans.into();
    let (mut cells, mut reports) = (Vec::new(), Vec::new());
    while let Some(plan) = waiting.pop_front() {
        cells.push(plan.id.clone());
        let mut seen = Vec::new();
        for number in 1..=plan.scenario.steps.len() as u64 {
            seen.extend(events(&plan.id, number, calls));
        }
        if plan.id.scenario.contains("/recovery-1-")
            && let Some(Event::StoreCall { call, .. }) = seen.get_mut(1).map(|record| &mut record.event)
        {
            call.outcome = "transport".to_owned();
        }
        let fault = crate::event::FaultId {
            step: 1,
            ordinal: 1,
            family: crate::event::FaultFamily::Failpoint,
            site: "load:sidecar.written".into(),
            action: "yield".into(),
        };
        let crossed = crate::event::FaultTally { reached: 1, fired: 1, ..crate::event::FaultTally::armed(fault) };
        let followed = finish(&sweeper, &plan, Verdict::Held, &seen, vec![crossed]);
        waiting.extend(followed.cells);
        reports.extend(followed.news.into_iter().filter_map(|news| match news {
            Event::SweepFinished(report) => Some(report),
            _ => None,
        }));
    }
    (cells, reports)
}

#[test]
fn of_pairs_after_which_the_same_calls_reach_the_store_other_backends_try_one() {
    let (cells, reports) = swept_with_pairs(&[BackendKind::Memory, BackendKind::Local], &["list"]);
    let [memory, local] = &reports[..] else { panic!("{reports:?}") };
    assert_eq!((memory.backend.as_str(), local.backend.as_str()), ("memory", "local"));
    assert_eq!((memory.firsts, local.firsts), (2, 2), "{cells:?}");
    assert!(local.pairs > 0 && local.pairs < memory.pairs, "{local:?}");
    let left_out = local.pruned.iter().find(|(argument, _)| argument == alike::ARGUMENT).map(|(_, count)| *count);
    assert_eq!(left_out, Some(memory.pairs - local.pairs));
    let tried = |backend: &str| cells.iter().filter(|cell| cell.backend == backend).count() as u64;
    assert_eq!((tried("memory"), tried("local")), (memory.verdicts.total(), local.verdicts.total()));
    assert_eq!(tried("memory") - tried("local"), memory.pairs - local.pairs + 1, "the probe is memory's alone");
}

#[test]
fn calls_that_come_again_are_counted_and_not_tried() {
    let (_, once) = swept_with_pairs(&[BackendKind::Memory], &["list"]);
    let (_, three_times) = swept_with_pairs(&[BackendKind::Memory], &["list", "list", "list"]);
    // Before an error at the window the operation has made as many as in all, so that only recoveries count.
    assert_eq!((three_times[0].pairs, once[0].later), (once[0].pairs, 0));
    assert_eq!(three_times[0].later, 2 * three_times[0].pairs);
}

#[test]
fn without_memory_each_backend_tries_every_pair() {
    let (_, with_memory) = swept_with_pairs(&[BackendKind::Memory], &["list"]);
    let (_, without) = swept_with_pairs(&[BackendKind::Local], &["list"]);
    assert_eq!(with_memory[0].pairs, without[0].pairs);
    assert_eq!(with_memory[0].pruned, without[0].pruned);
}

#[test]
fn a_backend_that_is_not_there_waits_for_no_pairs() {
    let (plans, sweeper) = Sweeper::plan(&[sweep()], &[BackendKind::Memory, BackendKind::Rustfs], None, true);
    let rustfs = plans.iter().find(|plan| plan.backend == BackendKind::Rustfs).expect("it is planned");
    let over = end(&sweeper, rustfs, Verdict::Skipped { reason: "no Docker".into() }, &[]);
    assert!(matches!(&over.news[..], [Event::SweepFinished(report)] if report.backend == "rustfs"), "{over:?}");
}
