//! An order that is a step of the scenario: its faults are armed, it is run, its faults are lifted.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;

use super::host::Host;
use super::observe;
use super::process::{OpenHandle, Process};
use crate::event::Outcome;
use crate::oracle::evidence::ReadOnlyOpen;
use crate::runner::protocol::{Report, StepOrder};
use crate::scenario::model::{Action, Expect, OpenMode, RecoveredCounts, Repair};
use crate::workload::{self, Called, Done, Recovered};

/// Runs the step.
pub async fn run(host: &Arc<Host>, order: &StepOrder) -> Report {
    if let Some(done) = outside(host, order).await {
        return Report::from(done);
    }
    let process = host.process(order.step.process());
    match &order.step.action {
        Action::Arm(arm) => match process.board.arm(&order.faults) {
            Ok(guard) => {
                process.keep_armed(&arm.name, guard);
                return report(&process, Done::of(Outcome::done()));
            }
            Err(reason) => return report(&process, Done::trouble(reason)),
        },
        Action::Lift(name) => {
            if name == "all" {
                process.lift_all();
            } else if !process.lift(name) {
                return report(&process, Done::trouble(format!("no faults are armed under the name '{name}'")));
            }
            return report(&process, Done::of(Outcome::done()));
        }
        _ => {}
    }
    let guard = match process.board.arm(&order.faults) {
        Ok(guard) => guard,
        Err(reason) => return report(&process, Done::trouble(reason)),
    };
    let read_only_open = matches!(order.step.action, Action::Open(OpenMode::ReadOnly));
    let before = if read_only_open && order.alone { observe::objects(host.site.bare()).await.ok() } else { None };
    if read_only_open {
        process.take_calls();
    }
    let work = async {
        let done = through_handle(host, &process, order).await;
        process.board.answer().await;
        done
    };
    let done = until_death(host, &process, work).await;
    drop(guard);
    let mut report = report(&process, done);
    if read_only_open {
        report.read_only_open = read_only_evidence(host, order, &report, before).await;
    }
    report
}

/// Runs `work` on behalf of a process until it ends, panics, or the process dies in it.
pub async fn until_death(host: &Arc<Host>, process: &Arc<Process>, work: impl Future<Output = Done>) -> Done {
    let life = Arc::clone(process.board.life());
    let effects = Arc::clone(&process.board) as Arc<dyn omnigraph::failpoint::FailpointEffects>;
    let work = omnigraph::failpoint::with_effects(effects, AssertUnwindSafe(work).catch_unwind());
    let ended = tokio::select! {
        biased;
        _ = life.death() => None,
        ended = work => Some(ended),
    };
    match ended {
        // What a dead process still did is nobody's to hear.
        _ if life.is_dead() => {
            let at = life.death().await;
            host.bury(process);
            Done::of(Outcome::Crashed { at: Some(at) })
        }
        Some(Ok(done)) => done,
        Some(Err(panic)) => Done::of(Outcome::Panicked { message: message_of(panic.as_ref()) }),
        None => Done::trouble("a process died and lives"),
    }
}

/// What a panic says.
pub fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without a message".to_owned(),
    }
}

/// A report with what the process has to tell.
pub fn report(process: &Process, done: Done) -> Report {
    Report { tallies: process.board.tallies(), calls: process.take_calls(), ..Report::from(done) }
}

/// Opens a handle of a process, in place of one of the same name.
pub async fn open(process: &Arc<Process>, handle: &str, mode: OpenMode) -> Done {
    process.close_handle(handle);
    let opened = workload::open::open(process.stack.clone(), &process.given, mode).await;
    match opened {
        Ok(graph) => {
            process.put_handle(handle, OpenHandle { graph, mode });
            Done::of(Outcome::done())
        }
        Err(error) => Done::failed(&error),
    }
}

/// Steps that go past the engine.
async fn outside(host: &Arc<Host>, order: &StepOrder) -> Option<Done> {
    let bare = host.site.bare();
    Some(match &order.step.action {
        Action::Check(check) => workload::check::check(&host.site.fresh(&[]), check, order.commits_before).await,
        Action::Damage(damage) => workload::damage::damage(bare, damage).await,
        Action::Undo(_) => workload::damage::undo(bare, &order.undo).await,
        Action::MoveHead(step) => workload::move_head::move_head(&host.site.fresh(&[]), step).await,
        Action::PlantSidecar(plant) => {
            let mut rng = host.planting.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
            let done = workload::plant_sidecar::plant_sidecar(&host.site.fresh(&[]), plant, &mut rng).await;
            *host.planting.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = rng;
            done
        }
        _ => return None,
    })
}

/// Steps that go through a handle.
async fn through_handle(host: &Arc<Host>, process: &Arc<Process>, order: &StepOrder) -> Done {
    let step = &order.step;
    let name = step.handle();
    let actor = step.actor.as_deref();
    let operation = step.operation.as_deref().map(|name| workload::operation_id(host.begin.seed, name));
    let called = Called { actor, operation };
    match &step.action {
        Action::Create(_) => {
            process.close_handle(name);
            let created = workload::open::create(process.stack.clone(), &process.given, &host.begin.schema).await;
            return match created {
                Ok(graph) => {
                    process.put_handle(name, OpenHandle { graph, mode: OpenMode::ReadWrite });
                    Done::of(Outcome::done())
                }
                Err(error) => Done::failed(&error),
            };
        }
        Action::Open(mode) => {
            let before = match (*mode, asks_for_recovered(&step.expect)) {
                (OpenMode::ReadWrite | OpenMode::ReadWriteWithGrace, true) => Some(observe::recoveries(host).await),
                _ => None,
            };
            let mut done = open(process, name, *mode).await;
            if let Some(before) = before {
                done.recovered = Some(observe::recovered_since(host, &before).await);
            }
            return done;
        }
        Action::Repair(Repair::Manifest) => {
            return workload::repair::manifest(process.stack.clone(), &process.given).await;
        }
        Action::Close(_) => {
            return match process.close_handle(name) {
                true => Done::of(Outcome::done()),
                false => Done::trouble(format!("handle '{name}' of process '{}' is not open", process.name)),
            };
        }
        _ => {}
    }
    let Some(handle) = process.handle(name) else {
        return Done::trouble(format!("handle '{name}' of process '{}' is not open", process.name));
    };
    let graph = &handle.graph;
    match &step.action {
        Action::Load(load) => workload::load::load(graph, load, called).await,
        Action::Mutate(sql) => workload::mutate::mutate(graph, sql, called).await,
        Action::Query(query) => workload::query::query(graph, query).await,
        Action::Refresh(_) => workload::refresh::refresh(graph).await,
        Action::Repair(repair) => workload::repair::repair(graph, host.site.bare(), repair, actor).await,
        other => Done::trouble(format!("a worker cannot carry out a step '{}'", other.name())),
    }
}

async fn read_only_evidence(
    host: &Arc<Host>,
    order: &StepOrder,
    report: &Report,
    before: Option<Vec<crate::oracle::facts::ObjectFact>>,
) -> Option<ReadOnlyOpen> {
    let result = match &report.outcome {
        Some(Outcome::Acknowledged { .. }) => Ok(()),
        Some(Outcome::Refused { error } | Outcome::InDoubt { error }) => Err(error.to_string()),
        _ => return None,
    };
    let after = if order.alone { observe::objects(host.site.bare()).await.ok() } else { None };
    let write_calls = observe::write_calls(&report.calls);
    Some(ReadOnlyOpen { step: Some(order.number), result, write_calls, before, after })
}

fn asks_for_recovered(expect: &Expect) -> bool {
    recovered_counts(expect).is_some()
}

fn recovered_counts(expect: &Expect) -> Option<&RecoveredCounts> {
    match expect {
        Expect::OkWith(ok) => ok.recovered.as_ref(),
        Expect::OneOf(list) => list.iter().find_map(recovered_counts),
        _ => None,
    }
}

impl From<Done> for Report {
    fn from(done: Done) -> Self {
        Report {
            recovered: done.recovered.filter(|recovered: &Recovered| !recovered.is_empty()),
            drift: done.drift,
            read: done.read,
            saved: done.saved,
            damaged: done.damaged,
            ..Report::of(done.outcome)
        }
    }
}
