//! Handles, processes, background steps, armed faults and damage, from one step to the next.

use std::collections::{BTreeMap, BTreeSet};

use super::super::model::{Action, ContainerCall, DEFAULT_HANDLE, DEFAULT_PROCESS, OpenMode, Step, Task};
use super::super::nearest::nearest;
use super::super::tree::Node;
use super::{contradiction, key_span};
use crate::diagnostic::{Code, Diagnostic, Span};

/// Follows the steps and adds what contradicts what came before.
pub(super) fn judge(steps: &[(&Node, &Step)], mistakes: &mut Vec<Diagnostic>) {
    let created_by_step = steps.iter().any(|(_, step)| matches!(step.action, Action::Create(_)));
    let mut flow = Flow::new(created_by_step, mistakes);
    for (node, step) in steps {
        flow.step(node, step);
    }
    flow.end();
}

/// How sure it is that a handle is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Handle {
    Open(OpenMode),
    /// A step may have ended either way.
    Unsure,
    Closed(Span),
}

#[derive(Default)]
struct Process {
    /// Where it died, if it is dead for sure.
    died: Option<Span>,
    /// Where it was stopped, if it was.
    paused: Option<Span>,
    /// Whether it may be dead.
    unsure: bool,
    handles: BTreeMap<String, Handle>,
    /// Names of armed faults, where they were armed, and whether they can kill.
    armed: BTreeMap<String, (Span, bool)>,
}

struct Background<'a> {
    process: &'a str,
    held: bool,
    started: Span,
    step: &'a Step,
}

struct Flow<'a, 'm> {
    processes: BTreeMap<String, Process>,
    background: BTreeMap<&'a str, Background<'a>>,
    /// Damage that can be undone, with where it was done.
    damage: BTreeMap<&'a str, Span>,
    /// Names under which calls may be late so far.
    late: BTreeSet<&'a str>,
    /// What was done to the container, while that keeps it from answering.
    container: Option<(ContainerCall, Span)>,
    mistakes: &'m mut Vec<Diagnostic>,
}

impl<'a, 'm> Flow<'a, 'm> {
    fn new(created_by_step: bool, mistakes: &'m mut Vec<Diagnostic>) -> Self {
        let mut main = Process::default();
        if !created_by_step {
            main.handles.insert(DEFAULT_HANDLE.to_owned(), Handle::Open(OpenMode::ReadWrite));
        }
        let processes = BTreeMap::from([(DEFAULT_PROCESS.to_owned(), main)]);
        Flow {
            processes,
            background: BTreeMap::new(),
            damage: BTreeMap::new(),
            late: BTreeSet::new(),
            container: None,
            mistakes,
        }
    }

    fn process(&mut self, name: &str) -> &mut Process {
        self.processes.entry(name.to_owned()).or_default()
    }

    fn step(&mut self, node: &'a Node, step: &'a Step) {
        let action_span = key_span(node, step.action.name());
        self.late.extend(late_names(step));
        match &step.action {
            Action::Restart(_) => {
                self.process_ends(step.process());
                self.processes.insert(step.process().to_owned(), Process::default());
                return;
            }
            Action::Container(call) => return self.container(*call, action_span),
            Action::Release(name) => return self.release(name, node.nearest(&["release"]).span),
            Action::Arrive(name) => return self.arrive(name, node.nearest(&["arrive"]).span),
            Action::Join(name) => return self.join(name, node.nearest(&["join"]).span),
            Action::Damage(damage) => {
                self.needs_container(step, action_span);
                return self.damaged(damage.name(), node);
            }
            Action::Undo(name) => {
                self.needs_container(step, action_span);
                return self.undo(name, node.nearest(&["undo"]).span);
            }
            Action::Check(_) | Action::MoveHead(_) | Action::PlantSidecar(_) => {
                return self.needs_container(step, action_span);
            }
            _ => {}
        }
        if let Some(died) = self.process(step.process()).died {
            let message = format!("process '{}' is dead", step.process());
            let mistake = contradiction(action_span, message).relate(died, "it dies here");
            self.mistakes.push(mistake.suggest("start it anew with a step 'restart', then open its handles"));
            return;
        }
        if let Action::Pause(_) | Action::Continue(_) = step.action {
            return self.pause(step, action_span);
        }
        if let Some(paused) = self.process(step.process()).paused
            && !matches!(step.action, Action::Kill(_))
        {
            let message = format!("process '{}' does nothing until it goes on", step.process());
            let mistake = contradiction(action_span, message).relate(paused, "it is stopped here");
            return self.mistakes.push(mistake.suggest("let it go on with a step 'continue'"));
        }
        match &step.action {
            Action::Kill(_) => self.killed(step.process(), action_span),
            Action::Arm(arm) => self.arm(step, &arm.name, node),
            Action::Lift(name) => self.lift(step.process(), name, node.nearest(&["lift"]).span),
            _ => self.engine_step(node, step, action_span),
        }
    }

    fn pause(&mut self, step: &Step, span: Span) {
        let process = self.process(step.process());
        match (&step.action, process.paused) {
            (Action::Pause(_), None) => process.paused = Some(span),
            (Action::Pause(_), Some(paused)) => {
                let mistake = contradiction(span, format!("process '{}' is stopped already", step.process()));
                self.mistakes.push(mistake.relate(paused, "stopped here"));
            }
            (_, Some(_)) => process.paused = None,
            (_, None) => {
                let mistake = contradiction(span, format!("process '{}' is not stopped", step.process()));
                self.mistakes.push(mistake.suggest("stop it with a step 'pause' first"));
            }
        }
    }

    fn container(&mut self, call: ContainerCall, span: Span) {
        let undoes = matches!(call, ContainerCall::Start | ContainerCall::Unpause | ContainerCall::Connect);
        match self.container {
            None if undoes => {
                let message = format!("the container answers, so there is nothing to {}", call.as_str());
                self.mistakes.push(contradiction(span, message));
            }
            Some((before, at)) if before.undone_by() != Some(call) => {
                let message = format!("the container cannot be asked to {} now", call.as_str());
                let way_out = before.undone_by().map(|undo| format!("write 'container: {}' first", undo.as_str()));
                let mistake = contradiction(span, message).relate(at, "what was done here comes first");
                self.mistakes.push(mistake.suggest_maybe(way_out));
            }
            _ => {}
        }
        self.container = call.undone_by().map(|_| (call, span));
    }

    /// Whoever looks from outside needs a store that answers; the engine may be asked to do without one.
    fn needs_container(&mut self, step: &Step, span: Span) {
        let Some((call, at)) = self.container else { return };
        let undo = call.undone_by().map_or("start", ContainerCall::as_str);
        let message = format!("'{}' needs a store that answers", step.action.name());
        let mistake = contradiction(span, message).relate(at, "it does not since here");
        self.mistakes.push(mistake.suggest(format!("write 'container: {undo}' first")));
    }

    fn engine_step(&mut self, node: &'a Node, step: &'a Step, span: Span) {
        self.needs_handle(node, step, span);
        self.concurrency(node, step, span);
        self.death(node, step, span);
        let handle = step.handle().to_owned();
        let after = match &step.action {
            Action::Open(mode) => Some(Handle::Open(*mode)),
            Action::Create(_) => Some(Handle::Open(OpenMode::ReadWrite)),
            Action::Close(_) => Some(Handle::Closed(span)),
            _ => None,
        };
        let process = self.process(step.process());
        if let Some(after) = after {
            let state = match (step.expect.allows_ok(), step.expect.allows_error()) {
                (true, false) => after,
                (true, true) => Handle::Unsure,
                // The handle that was to be replaced is gone all the same.
                _ => Handle::Closed(span),
            };
            process.handles.insert(handle, state);
        }
    }

    fn needs_handle(&mut self, node: &Node, step: &Step, span: Span) {
        if matches!(step.action, Action::Open(_) | Action::Create(_)) {
            return;
        }
        let (name, process_name) = (step.handle(), step.process());
        let state = self.process(process_name).handles.get(name).copied();
        let of = if process_name == DEFAULT_PROCESS { String::new() } else { format!(" of process '{process_name}'") };
        let place = node.get("handle").map_or(span, |handle| handle.span);
        match state {
            None => {
                let message = format!("handle '{name}'{of} was never opened");
                self.mistakes.push(contradiction(place, message).suggest("open it with a step 'open' first"));
            }
            Some(Handle::Closed(closed)) => {
                let message = format!("handle '{name}'{of} is not open");
                let mistake = contradiction(place, message).relate(closed, "not open since here");
                self.mistakes.push(mistake.suggest("open it again with a step 'open'"));
            }
            Some(Handle::Open(OpenMode::ReadOnly))
                if matches!(step.action, Action::Load(_) | Action::Mutate(_)) && !step.expect.allows_error() =>
            {
                let message = format!("handle '{name}'{of} is read-only, so this write cannot end well");
                self.mistakes
                    .push(contradiction(span, message).suggest("expect {error: read-only}, or open it read-write"));
            }
            _ => {}
        }
    }

    fn concurrency(&mut self, node: &'a Node, step: &'a Step, span: Span) {
        let pauses = step.failpoints.values().any(|actions| actions.can(&Task::Pause));
        if step.hold.is_none()
            && let Some(entry) = node.entry("crossing")
        {
            let mistake = contradiction(entry.key_span, "no failpoint is said that it could be a crossing of");
            self.mistakes.push(mistake.suggest("say which one with 'hold: failpoint'"));
        }
        let Some(name) = &step.start else {
            if let Some(entry) = node.entry("hold") {
                let mistake = contradiction(entry.key_span, "a step that is held would hold the scenario, too");
                self.mistakes.push(mistake.suggest("run it in the background with 'start: name'"));
            }
            if pauses {
                let mistake =
                    contradiction(key_span(node, "failpoints"), "a step that pauses would hold the scenario, too");
                self.mistakes.push(mistake.suggest("run it in the background with 'start: name'"));
            }
            return;
        };
        let held = step.hold.is_some() || pauses;
        let new = Background { process: step.process(), held, started: span, step };
        if let Some(running) = self.background.insert(name, new) {
            let message = format!("a background step '{name}' runs already");
            let place = node.nearest(&["start"]).span;
            self.mistakes.push(contradiction(place, message).relate(running.started, "it begins here"));
        }
    }

    /// What a step that may kill its process leaves behind.
    fn death(&mut self, node: &Node, step: &Step, span: Span) {
        let armed_elsewhere = self.process(step.process()).armed.values().any(|(_, kills)| *kills);
        let armed_here = kills(step);
        let expects = step.expect.allows_crash();
        if expects && !armed_here && !armed_elsewhere && step.start.is_none() {
            let place = node.nearest(&["expect"]).span;
            let mistake = contradiction(place, "nothing can kill the process in this step");
            self.mistakes.push(mistake.suggest("arm a failpoint with the action 'crash'"));
        }
        if armed_here && !expects {
            let mistake = contradiction(span, "the step kills its process, but is not expected to");
            self.mistakes.push(mistake.suggest("write 'expect: crash'"));
        }
        if !expects || step.start.is_some() {
            return;
        }
        if step.expect == super::super::model::Expect::Crash {
            self.killed(step.process(), span);
        } else {
            let process = self.process(step.process());
            process.unsure = true;
            process.handles.values_mut().for_each(|handle| *handle = Handle::Unsure);
        }
    }

    fn killed(&mut self, name: &str, span: Span) {
        self.process_ends(name);
        let process = self.process(name);
        process.died = Some(span);
        process.paused = None;
        process.handles.clear();
        process.armed.clear();
    }

    /// Background steps end with their process, whether they are held or not.
    fn process_ends(&mut self, name: &str) {
        self.background.values_mut().filter(|running| running.process == name).for_each(|running| running.held = false);
    }

    fn arm(&mut self, step: &Step, name: &str, node: &Node) {
        let Action::Arm(arm) = &step.action else { return };
        let crash = arm.failpoints.values().any(|actions| actions.can(&Task::Crash))
            || arm.faults.iter().any(|fault| fault.effect.crashes());
        let span = node.nearest(&["arm", "as"]).span;
        if let Some((armed, _)) = self.process(step.process()).armed.insert(name.to_owned(), (span, crash)) {
            let message = format!("faults '{name}' are armed already");
            self.mistakes.push(
                contradiction(span, message)
                    .relate(armed, "armed here")
                    .suggest("lift them first, or take another name"),
            );
        }
    }

    fn lift(&mut self, process: &str, name: &str, span: Span) {
        if name == "all" {
            self.process(process).armed.clear();
        } else if self.process(process).armed.remove(name).is_none() {
            let names: Vec<String> = self.process(process).armed.keys().cloned().collect();
            self.unknown("armed fault", name, span, &names.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }

    fn release(&mut self, name: &str, span: Span) {
        match self.background.get_mut(name) {
            None => self.unknown("background step", name, span, &self.background.keys().copied().collect::<Vec<_>>()),
            Some(running) if running.held => running.held = false,
            Some(running) => {
                let mistake = contradiction(span, format!("background step '{name}' is not held"))
                    .relate(running.started, "it begins here");
                self.mistakes.push(mistake.suggest("hold it with 'hold: failpoint' where it starts"));
            }
        }
    }

    fn arrive(&mut self, name: &str, span: Span) {
        if !self.late.contains(name) {
            self.unknown("late call", name, span, &self.late.iter().copied().collect::<Vec<_>>());
        }
    }

    fn join(&mut self, name: &str, span: Span) {
        let Some(running) = self.background.remove(name) else {
            return self.unknown("background step", name, span, &self.background.keys().copied().collect::<Vec<_>>());
        };
        if let Some(paused) = self.process(running.process).paused {
            let message = format!("background step '{name}' runs in a process that is stopped, and would never end");
            let mistake = contradiction(span, message).relate(paused, "the process is stopped here");
            self.mistakes.push(mistake.suggest("let it go on with a step 'continue' first"));
        }
        if running.held {
            let mistake = contradiction(span, format!("background step '{name}' is still held and would never end"));
            self.mistakes.push(
                mistake.relate(running.started, "it begins here").suggest(format!("write 'release: {name}' first")),
            );
        }
        if running.step.expect == super::super::model::Expect::Crash && self.process(running.process).died.is_none() {
            let alive = !kills(running.step) && !self.process(running.process).handles.is_empty();
            if alive {
                let message = format!("background step '{name}' is expected to crash, but nothing kills its process");
                self.mistakes.push(contradiction(span, message).relate(running.started, "it begins here"));
            } else if kills(running.step) {
                self.killed(running.process, span);
            }
        }
    }

    fn damaged(&mut self, name: Option<&'a str>, node: &Node) {
        let Some(name) = name else { return };
        let span = node.nearest(&["damage", "as"]).span;
        if let Some(first) = self.damage.insert(name, span) {
            let message = format!("damage '{name}' is done already");
            self.mistakes.push(contradiction(span, message).relate(first, "done here").suggest("take another name"));
        }
    }

    fn undo(&mut self, name: &str, span: Span) {
        if self.damage.remove(name).is_none() {
            self.unknown("damage", name, span, &self.damage.keys().copied().collect::<Vec<_>>());
        }
    }

    fn unknown(&mut self, what: &str, name: &str, span: Span, names: &[&str]) {
        let suggestion = nearest(name, names).map(|near| format!("did you mean '{near}'?"));
        self.mistakes
            .push(contradiction(span, format!("there is no {what} '{name}' at this point")).suggest_maybe(suggestion));
    }

    fn end(self) {
        for (name, running) in self.background {
            let message = format!("background step '{name}' is never joined, so nobody sees how it ends");
            let mistake = Diagnostic::new(Code::Contradiction, running.started, message);
            self.mistakes.push(mistake.suggest(format!("add a step 'join: {name}'")));
        }
    }
}

/// The names under which calls may be late once a step has begun.
fn late_names(step: &Step) -> impl Iterator<Item = &str> {
    let (faults, wire) = match &step.action {
        Action::Arm(arm) => (&arm.faults, &arm.wire),
        _ => (&step.faults, &step.wire),
    };
    let on_wire = wire.iter().filter_map(|fault| fault.effect.late());
    faults.iter().filter_map(|fault| fault.effect.late()).chain(on_wire)
}

/// Whether a step's own faults kill its process.
fn kills(step: &Step) -> bool {
    step.crash.is_some()
        || step.failpoints.values().any(|actions| actions.can(&Task::Crash))
        || step.faults.iter().any(|fault| fault.effect.crashes())
}
