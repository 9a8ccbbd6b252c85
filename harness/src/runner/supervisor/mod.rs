//! The supervisor: brings backends up, runs the cells of a plan side by side, judges each, and tells of all of it.
//!
//! - [`backends`]: the backends of the run. [`pool`], [`worker_process`]: workers as child processes.
//! - [`crew`]: the workers of one cell. [`cell`]: the loop over a scenario's steps. [`expect`]: whether a step ended as it
//!   had to. [`ledger`]: the evidence as it comes in. [`verdict`]: what a cell came to.
//! - [`wire`]: the proxies before a cell's store, where a scenario disturbs it. [`log`]: where events go.

mod backends;
mod cell;
mod crew;
mod expect;
mod ledger;
mod log;
mod pool;
pub mod verdict;
mod wire;
mod worker_process;

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures::stream::FuturesUnordered;
use futures::{Stream, StreamExt};
use tokio::task::JoinSet;

use self::backends::{Backends, Standing};
use self::cell::{CellRun, Outcomes};
use self::crew::Crew;
use self::log::{Bus, CellLog};
use self::pool::Pool;
use self::wire::Wire;
use super::derive::{Derive, EndedCell};
use super::limits::Limits;
use super::plan::{CellPlan, has_container, has_wire, seed_of};
use super::protocol;
use crate::backend::{Backend, BackendConfig, BackendKind, CellStore, RunContext};
use crate::event::{CellId, Event, FinishedCell, Record, RunStarted, Sink, Summary, Verdict, shell_word};
use crate::oracle::{Evidence, Judgement};
use crate::scenario::Scenario;
use crate::seed::Seed;
use crate::workload::SavedObject;

/// How a run is done.
pub struct RunOptions {
    /// What was asked for and what it came to; the first event.
    pub started: RunStarted,
    /// Cells that run at the same time.
    pub jobs: usize,
    /// Failures after which no more cells are begun.
    pub failed_max: Option<u64>,
    /// Backends that must be there.
    pub required: Vec<BackendKind>,
    /// Whether backends are asked for their promises first.
    pub preflight: bool,
    /// Settings of the backends.
    pub backends: BackendConfig,
    /// What the backends are told of the run.
    pub context: RunContext,
    /// Bounds of a cell.
    pub limits: Limits,
    /// The program that a worker is started from.
    pub program: PathBuf,
    /// How the program was called, for commands that are printed.
    pub called: String,
    /// Whoever keeps what a failure left.
    pub bundles: Option<Arc<dyn Bundles>>,
    /// Whoever says what follows from a cell; without it, the plan is all there is.
    pub derive: Option<Arc<dyn Derive>>,
    /// Whether every cell is kept, and not only those that fail.
    pub bundle_all: bool,
    /// Today as `YYYY-MM-DD`, for failures that are accepted until a date.
    pub today: String,
}

/// Everything there is of a cell that is kept.
pub struct CellRecord<'a> {
    /// What it came to.
    pub finished: &'a FinishedCell,
    /// The scenario as it was run.
    pub scenario: &'a Scenario,
    /// Every event of the cell, store calls included.
    pub events: &'a [Record],
    /// What it was judged by; none where it was not run.
    pub evidence: Option<&'a Evidence>,
    /// What the oracle says; none where it was not judged.
    pub judgement: Option<&'a Judgement>,
    /// What the workers wrote to their standard error, by process.
    pub logs: &'a BTreeMap<String, String>,
    /// Every object of its store, or why they are not here.
    pub objects: &'a Result<Vec<SavedObject>, String>,
    /// What the backend logged, where it logs.
    pub backend_log: Option<String>,
}

/// Keeps what a cell left.
pub trait Bundles: Send + Sync {
    /// Keeps a cell. Returns the folder, and the command that runs it again.
    ///
    /// # Errors
    /// It cannot be written.
    fn keep(&self, cell: &CellRecord<'_>) -> std::io::Result<(PathBuf, String)>;
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// The table of verdicts.
    pub summary: Summary,
    /// Trouble that belongs to no cell: a report that could not be written, a backend that could not be taken down.
    pub trouble: Vec<String>,
    /// Whether somebody ended the run from outside.
    pub interrupted: bool,
}

/// Runs every cell of `plans`, and what follows from them.
pub async fn run(plans: Vec<CellPlan>, options: RunOptions, sinks: Vec<Box<dyn Sink>>) -> RunResult {
    let runnable = plans.iter().filter(|plan| plan.not_applicable.is_none());
    let kinds = runnable.map(|plan| plan.backend).collect();
    run_as_they_come(kinds, futures::stream::iter(plans), options, sinks).await
}

/// Runs cells on backends of these `kinds`, and what follows from them, until `plans` ends, as for a search whose next cell depends on the last.
pub async fn run_as_they_come(
    mut kinds: Vec<BackendKind>,
    plans: impl Stream<Item = CellPlan>,
    options: RunOptions,
    sinks: Vec<Box<dyn Sink>>,
) -> RunResult {
    let bus = Bus::new(sinks);
    bus.emit(Event::RunStarted(options.started.clone()));
    let cells = plans.size_hint().1.unwrap_or(usize::MAX).min(kinds.len().max(options.jobs));
    kinds.extend(&options.required);
    kinds.sort_unstable();
    kinds.dedup();
    let jobs = options.jobs.max(1);
    // Up to three workers a cell are common: the one that looks from outside, and two processes.
    let pool = Arc::new(Pool::new(options.program.clone(), jobs * 3));
    pool.warm_up((jobs + 1).min(cells + 1));
    let backends = Backends::start(&kinds, &options, &bus);
    let run = Run {
        options,
        bus: Arc::clone(&bus),
        pool,
        backends,
        summary: Mutex::default(),
        cleaning: Mutex::default(),
        trouble: Mutex::default(),
    };
    let signal = tokio::select! {
        () = run.cells(plans, jobs) => None,
        signal = interrupted() => Some(signal),
    };
    let ended = |signal| format!("the run was ended by {signal}, and not every cell was run");
    let mut trouble: Vec<String> = signal.map(ended).into_iter().collect();
    let cleaning = std::mem::take(&mut *run.cleaning.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
    trouble.extend(cleaning.join_all().await.into_iter().filter_map(Result::err));
    trouble.append(&mut run.trouble.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
    trouble.extend(run.required_trouble().await);
    trouble.extend(run.backends.stop().await);
    let mut summary = run.summary.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    summary.duration_ms = bus.elapsed_ms();
    bus.emit(Event::RunFinished { summary: summary.clone() });
    trouble.extend(bus.finish());
    RunResult { summary, trouble, interrupted: signal.is_some() }
}

/// Waits until somebody ends the run from outside. Backends are still taken down then, containers above all.
async fn interrupted() -> &'static str {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => "an interrupt",
        _ = terminate.recv() => "a request to terminate",
    }
}

struct Run {
    options: RunOptions,
    bus: Arc<Bus>,
    pool: Arc<Pool>,
    backends: Backends,
    summary: Mutex<Summary>,
    cleaning: Mutex<JoinSet<Result<(), String>>>,
    trouble: Mutex<Vec<String>>,
}

impl Run {
    /// A required backend that is not ready is trouble, also when no cell of it was selected.
    async fn required_trouble(&self) -> Vec<String> {
        let mut trouble = Vec::new();
        for &kind in &self.options.required {
            if let Standing::Failed(reason) | Standing::Skipped(reason) = self.backends.standing(kind).await {
                trouble.push(reason);
            }
        }
        trouble
    }

    /// Runs cells side by side. What follows from a cell goes first, so that what belongs together ends together.
    async fn cells(&self, plans: impl Stream<Item = CellPlan>, jobs: usize) {
        let mut plans = std::pin::pin!(plans.fuse());
        let mut followers = VecDeque::new();
        let mut running = FuturesUnordered::new();
        loop {
            let has_room = running.len() < jobs;
            if has_room && let Some(plan) = followers.pop_front() {
                running.push(self.cell(plan));
                continue;
            }
            tokio::select! {
                Some(plan) = plans.next(), if has_room => running.push(self.cell(plan)),
                Some(following) = running.next() => {
                    following.into_iter().rev().for_each(|plan| followers.push_front(plan));
                }
                else => return,
            }
        }
    }

    /// Runs a cell; returns what follows from it.
    async fn cell(&self, plan: CellPlan) -> Vec<CellPlan> {
        if let Some(why) = &plan.not_applicable {
            let verdict = Verdict::NotApplicable { reason: why.reason.clone(), line: why.line };
            return self.finish_unrun(&plan, verdict);
        }
        if let Some(reason) = self.ended_early() {
            return self.finish_unrun(&plan, Verdict::Skipped { reason });
        }
        let backend = match self.backends.standing(plan.backend).await {
            Standing::Ready(backend) => backend,
            Standing::Skipped(reason) => return self.finish_unrun(&plan, Verdict::Skipped { reason }),
            Standing::Failed(reason) => return self.finish_unrun(&plan, Verdict::Infrastructure { reason }),
        };
        let started = Instant::now();
        let seed = seed_of(&plan.scenario, Seed(self.options.started.seed));
        let log = CellLog::new(Arc::clone(&self.bus), plan.id.clone());
        log.emit(Event::CellStarted { cell: plan.id.clone(), seed: seed.0 });
        self.run_on(&plan, backend.as_ref(), seed, &log, started).await
    }

    /// Why no more cells are begun, if that is so.
    fn ended_early(&self) -> Option<String> {
        let failed = self.summary.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).failed.len() as u64;
        let max = self.options.failed_max.filter(|max| failed >= *max)?;
        Some(format!("the run was to end after {max} failed"))
    }

    async fn run_on(
        &self,
        plan: &CellPlan,
        backend: &dyn Backend,
        seed: Seed,
        log: &Arc<CellLog>,
        started: Instant,
    ) -> Vec<CellPlan> {
        let place = match has_container(&plan.scenario) {
            false => backend.cell(&plan.id.to_string()).await.map(|store| (store, None)),
            true => backend.own_cell(&plan.id.to_string()).await.map(|(store, container)| (store, Some(container))),
        };
        let (store, container) = match place {
            Ok(place) => place,
            Err(error) => {
                let reason = format!("there is no place for the cell: {error}");
                return self.finish_unrun(plan, Verdict::Infrastructure { reason });
            }
        };
        let simulated = plan.backend == BackendKind::Memory;
        let worker_limits = self.options.limits.worker;
        let wire = match has_wire(&plan.scenario) {
            false => None,
            true => match Wire::start(&store.address(), seed, Arc::clone(log)).await {
                Ok(wire) => Some(wire),
                Err(reason) => {
                    self.clean_up(plan.id.clone(), store);
                    return self.finish_unrun(plan, Verdict::Infrastructure { reason });
                }
            },
        };
        let address = wire.as_ref().map_or_else(|| store.address(), Wire::faulty);
        let begin = protocol::begin(&plan.id, &plan.scenario, address, seed, simulated, worker_limits);
        let mut crew = Crew::new(Arc::clone(&self.pool), begin, self.options.limits.memory_max_bytes);
        if let Some(wire) = &wire {
            crew = crew.with_outside_at(wire.sound());
        }
        let has_own_container = container.is_some();
        let run = CellRun::new(&plan.scenario, crew, Arc::clone(log), self.options.limits, self.options.bundle_all)
            .with_wire(wire, container);
        let outcomes = run.run().await;
        let mut finished = self.judged(plan, seed, &outcomes);
        finished.duration_ms = started.elapsed().as_millis() as u64;
        // Without bundles nobody looks at what failed: a search for a smaller failure makes hundreds. And nobody else knows the
        // credentials of a container that was the cell's own.
        let is_wanted = finished.verdict.is_failure() && self.options.bundles.is_some();
        let keep_bytes = (self.options.context.keep || is_wanted) && !has_own_container;
        if finished.verdict.is_failure() {
            log.tell_calls();
        }
        let events = log.take();
        if finished.verdict.is_failure() || self.options.bundle_all {
            let backend_log = backend.logs().await;
            self.keep_bundle(&mut finished, plan, &outcomes, &events, backend_log);
        }
        if keep_bytes {
            store.keep();
        } else {
            self.clean_up(plan.id.clone(), store);
        }
        self.finish(plan, finished, &events)
    }

    /// Removes the bytes of a cell beside the cells that follow: it can take longer than the cell did.
    fn clean_up(&self, cell: CellId, store: CellStore) {
        let mut cleaning = self.cleaning.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        cleaning.spawn(async move {
            store.cleanup().await.map_err(|error| format!("the bytes of {cell} could not be removed: {error}"))
        });
    }

    fn judged(&self, plan: &CellPlan, seed: Seed, outcomes: &Outcomes) -> FinishedCell {
        let mut verdict = outcomes.found.verdict();
        if let Some(known) = &plan.scenario.known {
            verdict = verdict::of_known(verdict, known, &self.options.today);
        }
        if let Some(canary) = &plan.scenario.canary {
            verdict = verdict::of_canary(verdict, &outcomes.found.broken(), canary);
        }
        let waived = plan.scenario.waive.iter().map(|it| (it.invariant.as_str().to_owned(), it.reason.clone()));
        FinishedCell {
            faults: outcomes.found.faults.clone(),
            held: outcomes.found.held(),
            waived: waived.collect(),
            not_judged: outcomes.found.not_judged(),
            ..self.blank(plan, seed, verdict)
        }
    }

    fn blank(&self, plan: &CellPlan, seed: Seed, verdict: Verdict) -> FinishedCell {
        let scenario = &plan.scenario;
        FinishedCell {
            cell: plan.id.clone(),
            summary: scenario.summary.clone(),
            tags: scenario.tags.iter().cloned().collect(),
            file: scenario.path.clone(),
            seed: seed.0,
            canary: scenario.canary.is_some(),
            verdict,
            duration_ms: 0,
            faults: Vec::new(),
            held: Vec::new(),
            waived: Vec::new(),
            not_judged: Vec::new(),
            replay: replay_command(&self.options.called, &plan.id, &scenario.path, self.options.started.seed),
            bundle: None,
        }
    }

    fn keep_bundle(
        &self,
        finished: &mut FinishedCell,
        plan: &CellPlan,
        outcomes: &Outcomes,
        events: &[Record],
        backend_log: Option<String>,
    ) {
        let Some(bundles) = &self.options.bundles else { return };
        let kept = bundles.keep(&CellRecord {
            finished,
            scenario: &plan.scenario,
            events,
            evidence: Some(&outcomes.evidence),
            judgement: outcomes.found.judgement.as_ref(),
            logs: &outcomes.logs,
            objects: &outcomes.objects,
            backend_log,
        });
        match kept {
            Ok((folder, command)) => {
                finished.bundle = Some(folder.display().to_string());
                finished.replay = command;
            }
            Err(error) => {
                let reason = format!("the bundle of {} could not be written: {error}", plan.id);
                self.trouble.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(reason);
            }
        }
    }

    fn finish_unrun(&self, plan: &CellPlan, verdict: Verdict) -> Vec<CellPlan> {
        let seed = seed_of(&plan.scenario, Seed(self.options.started.seed));
        self.finish(plan, self.blank(plan, seed, verdict), &[])
    }

    /// Tells of the verdict, and asks what follows from it.
    fn finish(&self, plan: &CellPlan, finished: FinishedCell, events: &[Record]) -> Vec<CellPlan> {
        self.summary.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).add(&finished);
        self.bus.emit(Event::CellFinished(finished.clone()));
        let Some(derive) = &self.options.derive else { return Vec::new() };
        let followed = derive.follow(&EndedCell { plan, finished: &finished, events });
        if !followed.cells.is_empty() {
            let cells = followed.cells.iter().map(|plan| plan.id.clone()).collect();
            self.bus.emit(Event::CellsDerived { from: finished.cell, cells });
        }
        followed.news.into_iter().for_each(|event| drop(self.bus.emit(event)));
        followed.cells
    }
}

/// The command that runs a cell again where there is no bundle.
fn replay_command(called: &str, cell: &CellId, file: &str, seed: u64) -> String {
    // A case is known by its name alone: its file says others, too.
    let is_whole_file = file.rsplit_once('.').is_some_and(|(path, _)| path.ends_with(&cell.scenario));
    let what = if is_whole_file { file } else { &cell.scenario };
    format!("{called} run {} --backend {} --seed {seed}", shell_word(what), cell.backend)
}
