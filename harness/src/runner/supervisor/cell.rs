//! One cell from its first worker to its verdict: the loop over the steps, and what follows the last one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::crew::{Crew, Death, Happening, Seat};
use super::expect;
use super::ledger::{Begun, Ledger, load_call};
use super::log::CellLog;
use super::verdict::Found;
use crate::event::{Breach, Event, FaultId, FaultTally, Outcome, StepRef};
use crate::fault::{FaultOrder, Rule};
use crate::oracle::evidence::{Evidence, OperationCall};
use crate::oracle::{Waiver, judge};
use crate::runner::limits::Limits;
use crate::runner::protocol::{Note, Order, Report, StepOrder, Ticket};
use crate::scenario::Scenario;
use crate::scenario::model::{
    Action, Arm, DEFAULT_HANDLE, DEFAULT_PROCESS, FailpointName, InvariantName, Load, LoadMode, OpenMode, Step,
    StoreFault,
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
    deadline: Instant,
    ledger: Ledger,
    found: Found,
    processes: BTreeMap<String, ProcessState>,
    background: BTreeMap<String, Background>,
    ended: BTreeMap<Ticket, Ended>,
    held: BTreeSet<FaultId>,
    saved: BTreeMap<String, Vec<SavedObject>>,
    commits_before: usize,
}

/// What the supervisor knows of a process.
#[derive(Default)]
struct ProcessState {
    /// Whether it runs.
    lives: bool,
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
    /// Nothing has happened yet.
    pub fn new(scenario: &'a Scenario, crew: Crew, log: Arc<CellLog>, limits: Limits) -> Self {
        let deadline = Instant::now() + Duration::from_millis(limits.cell_max_ms);
        CellRun {
            scenario,
            crew,
            log,
            limits,
            deadline,
            ledger: Ledger::default(),
            found: Found::default(),
            processes: BTreeMap::new(),
            background: BTreeMap::new(),
            ended: BTreeMap::new(),
            held: BTreeSet::new(),
            saved: BTreeMap::new(),
            commits_before: 0,
        }
    }

    /// Runs everything.
    pub async fn run(mut self) -> Outcomes {
        if self.steps().await.is_ok() || self.may_close() {
            self.close().await;
        }
        let evidence = std::mem::take(&mut self.ledger).into_evidence();
        self.found.faults.clone_from(&evidence.faults);
        if self.found.limit.is_none() && self.found.trouble.is_none() {
            let waivers = self.scenario.waive.iter().map(|waiver| Waiver {
                invariant: waiver.invariant.as_str().to_owned(),
                reason: waiver.reason.clone(),
            });
            self.found.judgement = Some(judge(&evidence, &waivers.collect::<Vec<_>>()));
        }
        let objects = self.objects().await;
        let logs = self.crew.dismiss().await;
        Outcomes { found: self.found, evidence, logs, objects }
    }

    /// What the store holds, for the bundle of a cell that is not green.
    async fn objects(&mut self) -> Result<Vec<SavedObject>, String> {
        if !self.found.verdict().is_failure() || self.scenario.canary.is_some() {
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
        self.found.limit.is_none() && self.found.trouble.is_none() && self.ledger.has_graph()
    }

    async fn steps(&mut self) -> Result<(), Stop> {
        self.set_up().await?;
        for (index, step) in self.scenario.steps.iter().enumerate() {
            self.step(index as u64 + 1, step).await?;
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
        let order = Order::SetUp { process: DEFAULT_PROCESS.into(), handle: DEFAULT_HANDLE.into(), load };
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
            Action::Join(name) => return self.join(number, step, name).await,
            Action::Kill(_) | Action::Restart(_) => return self.kill(number, step).await,
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
            self.ledger.count(&[FaultTally { fault: fault.id.clone(), reached: 0, fired: 0 }]);
        }
        let undo = match &step.action {
            Action::Undo(name) => self.saved.get(name).cloned().unwrap_or_default(),
            _ => Vec::new(),
        };
        let alone = !self.ledger.is_busy();
        let begun = self.ledger.begin(number, step);
        let started = Instant::now();
        let commits_before = self.commits_before;
        let order = StepOrder { number, step: step.clone(), faults, commits_before, undo, alone };
        let ticket = self.order(seat_of(step), Order::Step(Box::new(order))).await?;
        if let Some(name) = &step.start {
            let background = Background { number, step: step.clone(), ticket, begun, started, hold };
            return self.leave_in_background(name, background).await;
        }
        let ended = self.wait(ticket, self.step_deadline()).await;
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

    async fn leave_in_background(&mut self, name: &str, background: Background) -> Result<(), Stop> {
        let mut outcome = Outcome::Started;
        if let Some(fault) = background.hold.clone() {
            let deadline = self.step_deadline();
            while !self.held.contains(&fault) && !self.ended.contains_key(&background.ticket) {
                if !self.pump(deadline).await {
                    break;
                }
            }
            outcome = Outcome::Held { at: fault.site.clone() };
            if !self.held.contains(&fault) {
                let message = format!("nobody reached {}, where the step was to be held", fault.site);
                let breach = Breach::new(InvariantName::Expectation.as_str(), message);
                self.found.breaches.push(breach.at_step(background.number, background.step.line()));
                outcome = Outcome::Started;
            }
        }
        let as_expected = self.found.breaches.is_empty();
        self.log.emit(Event::StepFinished {
            cell: self.log.cell(),
            step: step_ref(background.number, &background.step),
            outcome,
            as_expected,
            duration_ms: background.started.elapsed().as_millis() as u64,
        });
        self.background.insert(name.to_owned(), background);
        if as_expected { Ok(()) } else { Err(Stop) }
    }

    async fn release(&mut self, number: u64, step: &Step, name: &str) -> Result<(), Stop> {
        let held = self
            .background
            .get(name)
            .and_then(|background| Some((background.step.process().to_owned(), background.hold.clone()?)));
        let begun = self.ledger.begin(number, step);
        let outcome = match held {
            Some((process, fault)) => {
                self.crew.release(&process, &fault).await;
                Outcome::done()
            }
            None => Outcome::Trouble { reason: format!("no step '{name}' is held in the background") },
        };
        self.finish(number, step, begun, Instant::now(), Report::of(outcome)).await
    }

    async fn join(&mut self, number: u64, step: &Step, name: &str) -> Result<(), Stop> {
        let started = Instant::now();
        let begun = self.ledger.begin(number, step);
        let Some(background) = self.background.remove(name) else {
            let reason = format!("no step '{name}' runs in the background");
            return self.finish(number, step, begun, started, Report::of(Outcome::Trouble { reason })).await;
        };
        let ended = self.wait(background.ticket, self.step_deadline()).await;
        let report = self.report_of(&background.step, background.number, ended).await;
        // The step that ran in the background is judged by what it expects; the join itself is done by then.
        let joined =
            self.finish(background.number, &background.step, background.begun, background.started, report).await;
        let ended = self.finish(number, step, begun, started, Report::of(Outcome::done())).await;
        joined.and(ended)
    }

    async fn kill(&mut self, number: u64, step: &Step) -> Result<(), Stop> {
        let started = Instant::now();
        let begun = self.ledger.begin(number, step);
        let process = step.process().to_owned();
        if self.crew.is_simulated() {
            let order = Order::Kill { process: process.clone() };
            self.carry_out(Seat::Process(&process), order).await?;
        } else if self.crew.kill(Seat::Process(&process)) {
            let deadline = self.step_deadline();
            while self.state(&process).lives && self.pump(deadline).await {}
        }
        self.state(&process).die();
        self.finish(number, step, begun, started, Report::of(Outcome::done())).await
    }

    /// Takes what a step's report tells, judges it, and looks at the store.
    async fn finish(
        &mut self,
        number: u64,
        step: &Step,
        begun: Begun,
        started: Instant,
        report: Report,
    ) -> Result<(), Stop> {
        let outcome = report.outcome.clone().unwrap_or_else(Outcome::done);
        let ended = self.ledger.end(begun, &outcome);
        self.ledger.take(number, step, begun, ended, &report);
        self.take_report(number, step, &report);
        self.remember(step, &outcome, &report);
        let hung = matches!(outcome, Outcome::Hung { .. });
        let differences = if hung { Vec::new() } else { expect::differences(&step.expect, &outcome, &report) };
        self.log.emit(Event::StepFinished {
            cell: self.log.cell(),
            step: step_ref(number, step),
            outcome: outcome.clone(),
            as_expected: differences.is_empty() && !hung,
            duration_ms: started.elapsed().as_millis() as u64,
        });
        let name = match &outcome {
            Outcome::Mismatch { .. } => InvariantName::Check,
            _ => InvariantName::Expectation,
        };
        let breaches =
            differences.into_iter().map(|message| Breach::new(name.as_str(), message).at_step(number, step.line()));
        self.found.breaches.extend(breaches);
        if let Outcome::Hung { doing } = &outcome {
            self.found.limit =
                Some(format!("step {number} did not end within {} ms while {doing}", self.limits.step_max_ms));
        }
        if !self.found.breaches.is_empty() || self.found.limit.is_some() {
            return Err(Stop);
        }
        if may_change_the_store(&step.action) { self.observe(number).await } else { Ok(()) }
    }

    fn take_report(&mut self, number: u64, step: &Step, report: &Report) {
        self.ledger.count(&report.tallies);
        for call in &report.calls {
            self.log.keep(Event::StoreCall { cell: self.log.cell(), call: call.clone() });
        }
        if let Some(recovered) = &report.recovered {
            self.log.emit(Event::RecoveryObserved {
                cell: self.log.cell(),
                step: Some(step_ref(number, step)),
                rolled_forward: recovered.rolled_forward.clone(),
                rolled_back: recovered.rolled_back.clone(),
                retired: recovered.retired.clone(),
                deferred: recovered.deferred.clone(),
            });
        }
    }

    /// Which handles are open now, and what a damage took.
    fn remember(&mut self, step: &Step, outcome: &Outcome, report: &Report) {
        let (process, handle) = (step.process().to_owned(), step.handle().to_owned());
        let done = matches!(outcome, Outcome::Acknowledged { .. });
        if let Outcome::Crashed { .. } = outcome {
            self.state(&process).die();
        }
        let mode = match &step.action {
            Action::Open(mode) => Some(*mode),
            Action::Create(_) => Some(OpenMode::ReadWrite),
            _ => None,
        };
        let state = self.state(&process);
        if let Some(mode) = mode {
            state.modes.insert(handle.clone(), mode);
            if done {
                state.lost.remove(&handle);
                state.open.insert(handle.clone());
            } else {
                state.open.remove(&handle);
                if matches!(outcome, Outcome::Crashed { .. }) {
                    state.lost.insert(handle.clone());
                }
            }
        }
        if let Action::Close(_) = step.action {
            state.open.remove(&handle);
        }
        if let Action::Create(_) = step.action
            && done
        {
            self.commits_before = 1;
        }
        if let Action::Damage(damage) = &step.action
            && let Some(name) = damage.name()
        {
            self.saved.insert(name.to_owned(), report.saved.clone());
        }
    }

    /// How a step ended, once its order did.
    async fn report_of(&mut self, step: &Step, number: u64, ended: Ended) -> Report {
        match ended {
            Ended::Report(report) => *report,
            Ended::Died(place) => Report::of(Outcome::Crashed { at: Some(place) }),
            Ended::Panicked(message) => Report::of(Outcome::Panicked { message }),
            Ended::Late => {
                let kind = step.action.name();
                let doing = format!("running step {number} ({kind}) in process {}", step.process());
                self.crew.kill(seat_of(step));
                Report::of(Outcome::Hung { doing })
            }
        }
    }

    /// What lies in the store after a step, and which versions became visible.
    async fn observe(&mut self, number: u64) -> Result<(), Stop> {
        match self.carry_out(Seat::Outside, Order::Observe).await? {
            Ended::Report(report) => {
                self.ledger.observe(number, *report);
                Ok(())
            }
            _ => self.trouble("the worker that looks from outside died or did not answer"),
        }
    }

    /// Lifts every fault, waits for what still runs, converges, and makes the closing observations.
    async fn close(&mut self) {
        let living: Vec<String> =
            self.processes.iter().filter(|(_, state)| state.lives).map(|(name, _)| name.clone()).collect();
        for process in &living {
            let Ok(Ended::Report(report)) = self.lift(process).await else { return };
            self.ledger.count(&report.tallies);
        }
        for (_, background) in std::mem::take(&mut self.background) {
            let ended = self.wait(background.ticket, self.step_deadline()).await;
            let report = self.report_of(&background.step, background.number, ended).await;
            let outcome = report.outcome.clone().unwrap_or_else(Outcome::done);
            self.ledger.end(background.begun, &outcome);
            self.ledger.count(&report.tallies);
        }
        if !self.ledger.has_graph() {
            return;
        }
        let close = Order::Close { versions: self.ledger.versions() };
        match self.carry_out(Seat::Outside, close).await {
            Ok(Ended::Report(report)) => self.converged(*report),
            Ok(_) => {
                self.found.limit = Some("the closing observations did not end in time".to_owned());
                return;
            }
            Err(Stop) => return,
        }
        for process in &living {
            if !self.state(process).lives {
                continue;
            }
            let order = Order::Probe { process: process.clone() };
            match self.probe_through(process, order).await {
                Some(report) => self.ledger.probe(report),
                None => self.found.limit = Some("a write through an open handle did not end in time".to_owned()),
            }
        }
    }

    fn converged(&mut self, report: Report) {
        if let Some(Outcome::Trouble { reason }) = &report.outcome {
            self.found.trouble = Some(reason.clone());
        }
        if let Some(recovered) = &report.recovered {
            self.log.emit(Event::RecoveryObserved {
                cell: self.log.cell(),
                step: None,
                rolled_forward: recovered.rolled_forward.clone(),
                rolled_back: recovered.rolled_back.clone(),
                retired: recovered.retired.clone(),
                deferred: recovered.deferred.clone(),
            });
        }
        self.ledger.close(report);
    }

    async fn lift(&mut self, process: &str) -> Result<Ended, Stop> {
        let order = Order::LiftAll { process: process.to_owned() };
        self.carry_out(Seat::Process(process), order).await
    }

    async fn probe_through(&mut self, process: &str, order: Order) -> Option<Report> {
        match self.carry_out(Seat::Process(process), order).await {
            Ok(Ended::Report(report)) => Some(*report),
            _ => None,
        }
    }

    async fn order(&mut self, seat: Seat<'_>, order: Order) -> Result<Ticket, Stop> {
        match self.crew.order(seat, order).await {
            Ok(ticket) => Ok(ticket),
            Err(reason) => {
                self.found.trouble = Some(reason);
                Err(Stop)
            }
        }
    }

    /// Gives an order and waits until it ends.
    async fn carry_out(&mut self, seat: Seat<'_>, order: Order) -> Result<Ended, Stop> {
        let ticket = self.order(seat, order).await?;
        let ended = self.wait(ticket, self.step_deadline()).await;
        if matches!(ended, Ended::Late) {
            self.crew.kill(seat);
        }
        Ok(ended)
    }

    /// Waits until an order ends or the deadline passes.
    async fn wait(&mut self, ticket: Ticket, deadline: Instant) -> Ended {
        loop {
            if let Some(ended) = self.ended.remove(&ticket) {
                return ended;
            }
            if !self.pump(deadline).await {
                return Ended::Late;
            }
        }
    }

    /// Takes the next thing that a worker says; false when the deadline passes first.
    async fn pump(&mut self, deadline: Instant) -> bool {
        match self.crew.next(deadline).await {
            None => return false,
            Some(Happening::Done { ticket, report }) => {
                self.ended.insert(ticket, Ended::Report(report));
            }
            Some(Happening::Note(note)) => self.take_note(note),
            Some(Happening::Died(death)) => self.take_death(*death),
        }
        true
    }

    fn take_note(&mut self, note: Note) {
        let cell = self.log.cell();
        match note {
            Note::Reached { fault } => {
                self.ledger.count(&[FaultTally { fault: fault.clone(), reached: 1, fired: 0 }]);
                self.log.emit(Event::FaultReached { cell, fault });
            }
            Note::Fired { fault } => {
                self.ledger.count(&[FaultTally { fault: fault.clone(), reached: 1, fired: 1 }]);
                self.log.emit(Event::FaultFired { cell, fault });
            }
            Note::Held { fault } => {
                self.held.insert(fault);
            }
            Note::Dying { process, tallies, calls, .. } => {
                self.ledger.count(&tallies);
                for call in calls {
                    self.log.keep(Event::StoreCall { cell: cell.clone(), call });
                }
                self.state(&process).die();
            }
        }
    }

    fn take_death(&mut self, death: Death) {
        if let Some(process) = &death.process {
            self.state(process).die();
        }
        for ticket in death.tickets {
            let ended = match (&death.place, death.end.killed) {
                (Some(place), true) => Ended::Died(place.clone()),
                _ => {
                    let last = death.log.trim().lines().last().unwrap_or("it wrote nothing");
                    Ended::Panicked(format!("the process was {}: {last}", death.end.status))
                }
            };
            self.ended.insert(ticket, ended);
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
        self.found.trouble = Some(reason.to_owned());
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
    if let Action::Arm(Arm { failpoints, faults, .. }) = &step.action {
        rules.extend(failpoints.iter().map(failpoint));
        rules.extend(faults.iter().map(store));
    }
    rules.extend(step.failpoints.iter().map(failpoint));
    rules.extend(step.faults.iter().map(store));
    rules.extend(step.hold.iter().map(|name| Rule::Hold { name: name.clone() }));
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
