//! One cell from its first worker to its verdict: the loop over the steps.
//!
//! - this file: the set-up, and a step from its handle to its order;
//! - [`background`]: steps that run beside others, and processes that a step kills; [`finish`]: the end of a step;
//! - [`store`]: what a step does to the wire and to the store's container; [`late`]: what reaches the store later; [`readers`]:
//!   readers beside the steps;
//! - [`closing`]: what follows the last step; [`orders`]: giving orders, and hearing what becomes of them.

mod background;
mod closing;
mod finish;
mod late;
mod orders;
mod readers;
mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use omnigraph::storage::LateCall;
use tokio::time::Instant;

use self::readers::Reader;
use super::crew::{Crew, Seat};
use super::ledger::{Begun, Ledger, load_call};
use super::log::CellLog;
use super::verdict::Found;
use super::wire::Wire;
use crate::backend::Container;
use crate::event::{Breach, Event, FaultId, FaultTally, Outcome, StepRef};
use crate::fault::{ArmedGuard, FaultOrder, Rule};
use crate::oracle::evidence::{Evidence, OperationCall};
use crate::oracle::{Waiver, judge};
use crate::runner::limits::Limits;
use crate::runner::protocol::{Order, Report, StepOrder, Ticket};
use crate::scenario::Scenario;
use crate::scenario::model::{
    Action, Arm, ContainerCall, DEFAULT_HANDLE, DEFAULT_PROCESS, FailpointName, InvariantName, Load, LoadMode,
    OpenMode, Step, StoreFault, WireFault,
};
use crate::workload::SavedObject;

/// What a cell came to, with everything that it was judged by.
pub struct Outcomes {
    /// What was found.
    pub found: Found,
    /// The evidence.
    pub evidence: Evidence,
    /// What the workers wrote to their standard error, by process.
    pub logs: BTreeMap<String, String>,
    /// Every object of the store of a cell that is not green, or why they are not here.
    pub objects: Result<Vec<SavedObject>, String>,
}

/// Runs the steps of one scenario on one backend.
pub struct CellRun<'a> {
    scenario: &'a Scenario,
    crew: Crew,
    log: Arc<CellLog>,
    limits: Limits,
    keep_objects: bool,
    deadline: Instant,
    ledger: Ledger,
    found: Found,
    processes: BTreeMap<String, ProcessState>,
    background: BTreeMap<String, Background>,
    ended: BTreeMap<Ticket, Ended>,
    held: BTreeSet<FaultId>,
    last_fault: Option<FaultId>,
    saved: BTreeMap<String, Vec<SavedObject>>,
    commits_before: usize,
    /// What its processes have written to the store, as far as they said so.
    written_bytes: u64,
    readers: BTreeMap<u64, Reader>,
    wire: Option<Wire>,
    container: Option<Arc<dyn Container>>,
    /// What was done to the container, while that keeps it from answering.
    down: Option<ContainerCall>,
    /// Calls to the store that have not arrived yet, in the order in which they were made, with the names that let them.
    late: Vec<(String, LateCall)>,
    /// Wire faults that stay armed, by the process and the name under which they are lifted.
    lasting: BTreeMap<(String, String), ArmedGuard>,
}

/// What the supervisor knows of a process.
#[derive(Default)]
struct ProcessState {
    /// Whether it runs.
    lives: bool,
    /// Whether it was stopped where it stands.
    paused: bool,
    /// Its handles, as they were last asked for.
    modes: BTreeMap<String, OpenMode>,
    /// Handles that are open.
    open: BTreeSet<String>,
    /// Handles that were open when it died.
    lost: BTreeSet<String>,
}

impl ProcessState {
    fn die(&mut self) {
        self.lives = false;
        self.paused = false;
        self.lost.append(&mut self.open);
    }
}

/// A step in the background.
struct Background {
    number: u64,
    step: Step,
    ticket: Ticket,
    begun: Begun,
    started: Instant,
    hold: Option<FaultId>,
    /// Its wire faults.
    _wire: Option<ArmedGuard>,
}

/// How an order ended.
enum Ended {
    Report(Box<Report>),
    Died(String),
    Panicked(String),
    Late,
}

/// Why no further step is run.
struct Stop;

impl<'a> CellRun<'a> {
    /// Nothing has happened yet. With `keep_objects` the store is read at the end also when nothing failed.
    pub fn new(scenario: &'a Scenario, crew: Crew, log: Arc<CellLog>, limits: Limits, keep_objects: bool) -> Self {
        let deadline = Instant::now() + Duration::from_millis(limits.cell_max_ms);
        CellRun {
            scenario,
            crew,
            log,
            limits,
            keep_objects,
            deadline,
            ledger: Ledger::default(),
            found: Found::default(),
            processes: BTreeMap::new(),
            background: BTreeMap::new(),
            ended: BTreeMap::new(),
            held: BTreeSet::new(),
            last_fault: None,
            saved: BTreeMap::new(),
            commits_before: 0,
            written_bytes: 0,
            readers: BTreeMap::new(),
            wire: None,
            container: None,
            down: None,
            late: Vec::new(),
            lasting: BTreeMap::new(),
        }
    }

    /// The store is reached over this wire, and runs in this container.
    #[must_use]
    pub fn with_wire(mut self, wire: Option<Wire>, container: Option<Arc<dyn Container>>) -> Self {
        self.wire = wire;
        self.container = container;
        self
    }

    /// Runs everything.
    pub async fn run(mut self) -> Outcomes {
        let ended = self.steps().await;
        self.dismiss_readers().await;
        if ended.is_ok() || self.may_close() {
            self.close().await;
        }
        self.look_at_the_end();
        let evidence = std::mem::take(&mut self.ledger).into_evidence();
        self.found.faults.clone_from(&evidence.faults);
        if self.found.limit.is_none() && self.found.trouble.is_none() {
            let waivers = self.scenario.waive.iter().map(|waiver| Waiver {
                invariant: waiver.invariant.as_str().to_owned(),
                reason: waiver.reason.clone(),
            });
            // Faults that were drawn need not fire; whoever drew them looks whether enough of them did.
            let missed = self.scenario.may_miss.iter().map(|reason| Waiver {
                invariant: InvariantName::EveryArmedFaultFired.as_str().to_owned(),
                reason: reason.clone(),
            });
            self.found.judgement = Some(judge(&evidence, &waivers.chain(missed).collect::<Vec<_>>()));
        }
        let objects = self.objects().await;
        let logs = self.crew.dismiss().await;
        Outcomes { found: self.found, evidence, logs, objects }
    }

    /// What the store holds, for the bundle of a cell.
    async fn objects(&mut self) -> Result<Vec<SavedObject>, String> {
        let failed = self.found.verdict().is_failure() && self.scenario.canary.is_none();
        if !(failed || self.keep_objects) {
            return Err("the cell did not fail".to_owned());
        }
        self.deadline = Instant::now() + Duration::from_millis(self.limits.step_max_ms);
        let order = Order::Objects { bytes_max: self.limits.bundle_store_max_bytes };
        match self.carry_out(Seat::Outside, order).await {
            Ok(Ended::Report(report)) => report.objects.unwrap_or_else(|| Err("the worker did not read it".to_owned())),
            _ => Err("the worker did not read it".to_owned()),
        }
    }

    /// A step that did not end as expected says nothing against looking what has become of the graph.
    fn may_close(&self) -> bool {
        self.found.limit.is_none() && self.found.trouble.is_none() && self.ledger.may_have_graph()
    }

    async fn steps(&mut self) -> Result<(), Stop> {
        self.set_up().await?;
        self.start_readers().await?;
        for (index, step) in self.scenario.steps.iter().enumerate() {
            self.step(index as u64 + 1, step).await?;
            self.let_readers_look().await?;
        }
        Ok(())
    }

    async fn set_up(&mut self) -> Result<(), Stop> {
        self.state(DEFAULT_PROCESS).lives = true;
        if self.scenario.creates_by_step() {
            return Ok(());
        }
        let load = Load { mode: LoadMode::Append, rows: self.scenario.graph.setup.clone(), generate: None };
        let mut begun = vec![self.ledger.begin_call(DEFAULT_PROCESS, DEFAULT_HANDLE, OperationCall::Create)];
        if !load.rows.is_empty() {
            begun.push(self.ledger.begin_call(DEFAULT_PROCESS, DEFAULT_HANDLE, load_call(&load)));
        }
        let order =
            Order::SetUp { process: DEFAULT_PROCESS.into(), handle: DEFAULT_HANDLE.into(), load: Box::new(load) };
        let ended = self.carry_out(Seat::Process(DEFAULT_PROCESS), order).await?;
        let Ended::Report(report) = ended else {
            return self.trouble("the graph could not be created: the worker died or did not answer");
        };
        let outcome = report.outcome.clone().unwrap_or_else(Outcome::done);
        for begun in begun {
            self.ledger.end(begun, &outcome);
        }
        match &outcome {
            Outcome::Acknowledged { .. } => {}
            Outcome::Trouble { reason } => return self.trouble(&format!("the graph could not be created: {reason}")),
            other => {
                let message = format!("the graph could not be set up: {other}");
                self.found.breaches.push(Breach::new(InvariantName::Expectation.as_str(), message));
                return Err(Stop);
            }
        }
        self.ledger.created(&report);
        self.commits_before = report.commits.unwrap_or(0);
        let main = self.state(DEFAULT_PROCESS);
        main.open.insert(DEFAULT_HANDLE.to_owned());
        main.modes.insert(DEFAULT_HANDLE.to_owned(), OpenMode::ReadWrite);
        self.observe(0).await
    }

    async fn step(&mut self, number: u64, step: &Step) -> Result<(), Stop> {
        self.log.emit(Event::StepStarted { cell: self.log.cell(), step: step_ref(number, step) });
        match &step.action {
            Action::Release(name) => return self.release(number, step, name).await,
            Action::Arrive(name) => return self.arrive(number, step, name).await,
            Action::Join(name) => return self.join(number, step, name).await,
            Action::Kill(_) | Action::Restart(_) => return self.kill(number, step).await,
            Action::Container(call) => return self.contain(number, step, *call).await,
            Action::Pause(_) | Action::Continue(_) => return self.pause(number, step).await,
            _ => {}
        }
        if let Some(outcome) = self.reopen(step).await? {
            // The handle that the step needs cannot be had: that is how the step ends.
            let begun = self.ledger.begin(number, step);
            return self.finish(number, step, begun, Instant::now(), Report::of(outcome)).await;
        }
        let (faults, hold) = fault_orders(number, step);
        for fault in &faults {
            self.log.emit(Event::FaultArmed { cell: self.log.cell(), fault: fault.id.clone() });
            self.ledger.count(&[FaultTally::armed(fault.id.clone())]);
        }
        let (on_wire, faults): (Vec<_>, Vec<_>) =
            faults.into_iter().partition(|fault| matches!(fault.rule, Rule::Wire(_)));
        let wire = self.arm_wire(step, &on_wire)?;
        let undo = match &step.action {
            Action::Undo(name) => self.saved.get(name).cloned().unwrap_or_default(),
            _ => Vec::new(),
        };
        let alone = !self.ledger.is_busy();
        let begun = self.ledger.begin(number, step);
        let started = Instant::now();
        let commits_before = self.commits_before;
        let order = StepOrder { number, step: step.clone(), faults, commits_before, undo, alone };
        let order = Order::Step(Box::new(order));
        self.let_readers_read_beside();
        let ticket = match step.start {
            Some(_) => self.order_in_background(seat_of(step), order).await?,
            None => self.order(seat_of(step), order).await?,
        };
        if let Some(name) = &step.start {
            let background = Background { number, step: step.clone(), ticket, begun, started, hold, _wire: wire };
            return self.leave_in_background(name, background).await;
        }
        let ended = self.wait(ticket, self.step_deadline()).await;
        drop(wire);
        let report = self.report_of(step, number, ended).await;
        self.finish(number, step, begun, started, report).await
    }

    /// Opens the handle that a step needs, when its process has died or never lived.
    async fn reopen(&mut self, step: &Step) -> Result<Option<Outcome>, Stop> {
        let (process, handle) = (step.process(), step.handle());
        let needs_handle = matches!(
            step.action,
            Action::Load(_) | Action::Mutate(_) | Action::Query(_) | Action::Refresh(_) | Action::Repair(_)
        );
        let state = self.state(process);
        let is_new = !state.lives && state.lost.is_empty() && state.modes.is_empty();
        if !needs_handle || state.open.contains(handle) || !(is_new || state.lost.contains(handle)) {
            if step.action.runs_the_engine() || matches!(step.action, Action::Arm(_)) {
                state.lives = true;
            }
            return Ok(None);
        }
        let mode = state.modes.get(handle).copied().unwrap_or(OpenMode::ReadWrite);
        let call = OperationCall::Open { read_only: mode == OpenMode::ReadOnly };
        let begun = self.ledger.begin_call(process, handle, call);
        let order = Order::Reopen { process: process.to_owned(), handle: handle.to_owned(), mode };
        let ended = self.carry_out(Seat::Process(process), order).await?;
        let report = match ended {
            Ended::Report(report) => *report,
            _ => {
                return self
                    .trouble("a handle could not be opened again: the worker died or did not answer")
                    .map(|()| None);
            }
        };
        let outcome = report.outcome.unwrap_or_else(Outcome::done);
        self.ledger.end(begun, &outcome);
        if !matches!(outcome, Outcome::Acknowledged { .. }) {
            return Ok(Some(outcome));
        }
        let state = self.state(process);
        state.lives = true;
        state.lost.remove(handle);
        state.open.insert(handle.to_owned());
        state.modes.insert(handle.to_owned(), mode);
        Ok(None)
    }

    /// What lies in the store after a step, and which versions became visible.
    async fn observe(&mut self, number: u64) -> Result<(), Stop> {
        let asked = self.ledger.now();
        match self.carry_out(Seat::Outside, Order::Observe { drift: !self.ledger.is_busy() }).await? {
            Ended::Report(report) => {
                if self.take_panic("looking at the graph from outside", &report) {
                    return Err(Stop);
                }
                self.ledger.observe(number, asked, *report);
                Ok(())
            }
            _ => self.trouble("the worker that looks from outside died or did not answer"),
        }
    }

    fn state(&mut self, process: &str) -> &mut ProcessState {
        if !self.processes.contains_key(process) {
            self.processes.insert(process.to_owned(), ProcessState::default());
        }
        self.processes.get_mut(process).expect("it was put there if it was missing")
    }

    fn step_deadline(&self) -> Instant {
        let step = Instant::now() + Duration::from_millis(self.limits.step_max_ms);
        step.min(self.deadline)
    }

    fn trouble(&mut self, reason: &str) -> Result<(), Stop> {
        // Where a limit was hit before, the trouble is that a worker was killed for it.
        if self.found.limit.is_none() {
            self.found.trouble = Some(reason.to_owned());
        }
        Err(Stop)
    }
}

/// Who carries a step out.
fn seat_of(step: &Step) -> Seat<'_> {
    match step.action {
        Action::Check(_) | Action::Damage(_) | Action::Undo(_) | Action::MoveHead(_) | Action::PlantSidecar(_) => {
            Seat::Outside
        }
        _ => Seat::Process(step.process()),
    }
}

/// Whether it is worth looking at the store after such a step.
fn may_change_the_store(action: &Action) -> bool {
    !matches!(
        action,
        Action::Check(_)
            | Action::Query(_)
            | Action::Close(_)
            | Action::Arm(_)
            | Action::Lift(_)
            | Action::Release(_)
            | Action::Open(OpenMode::ReadOnly)
    )
}

/// Names the faults of a step, and the one that holds it.
fn fault_orders(number: u64, step: &Step) -> (Vec<FaultOrder>, Option<FaultId>) {
    let mut rules: Vec<Rule> = Vec::new();
    let failpoint = |(name, actions): (&FailpointName, &crate::scenario::model::Actions)| Rule::Failpoint {
        name: name.clone(),
        actions: actions.clone(),
    };
    let store = |fault: &StoreFault| Rule::Store(fault.clone());
    let on_wire = |fault: &WireFault| Rule::Wire(fault.clone());
    if let Action::Arm(Arm { failpoints, faults, wire, .. }) = &step.action {
        rules.extend(failpoints.iter().map(failpoint));
        rules.extend(faults.iter().map(store));
        rules.extend(wire.iter().map(on_wire));
    }
    rules.extend(step.failpoints.iter().map(failpoint));
    rules.extend(step.faults.iter().map(store));
    rules.extend(step.crash.map(Rule::Crash));
    rules.extend(step.wire.iter().map(on_wire));
    rules.extend(step.hold.iter().map(|name| Rule::Hold { name: name.clone(), crossing: step.crossing.unwrap_or(1) }));
    let orders: Vec<FaultOrder> =
        rules.into_iter().zip(1..).map(|(rule, ordinal)| FaultOrder::new(number, ordinal, rule)).collect();
    let hold = if step.hold.is_some() { orders.last().map(|order| order.id.clone()) } else { None };
    (orders, hold)
}

fn step_ref(number: u64, step: &Step) -> StepRef {
    StepRef {
        number,
        kind: step.action.name().to_owned(),
        line: step.line(),
        process: step.process().to_owned(),
        handle: step.handle().to_owned(),
    }
}
