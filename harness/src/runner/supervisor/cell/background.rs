//! Steps that run in the background: held, released, joined; and the death of a process by a step.

use tokio::time::Instant;

use super::super::crew::Seat;
use super::{Background, CellRun, Ended, Stop, step_ref};
use crate::event::{Breach, Event, Outcome};
use crate::runner::protocol::{Order, Report};
use crate::scenario::model::{Action, InvariantName, Step};

impl CellRun<'_> {
    pub(super) async fn leave_in_background(&mut self, name: &str, background: Background) -> Result<(), Stop> {
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

    pub(super) async fn release(&mut self, number: u64, step: &Step, name: &str) -> Result<(), Stop> {
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

    pub(super) async fn join(&mut self, number: u64, step: &Step, name: &str) -> Result<(), Stop> {
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

    /// Stops a process where it stands, or lets it go on.
    pub(super) async fn pause(&mut self, number: u64, step: &Step) -> Result<(), Stop> {
        let begun = self.ledger.begin(number, step);
        let paused = matches!(step.action, Action::Pause(_));
        let process = step.process();
        let outcome = if self.crew.pause(process, paused) {
            self.state(process).paused = paused;
            Outcome::done()
        } else {
            Outcome::Trouble { reason: format!("there is no process '{process}' to be stopped or continued") }
        };
        self.finish(number, step, begun, Instant::now(), Report::of(outcome)).await
    }

    pub(super) async fn kill(&mut self, number: u64, step: &Step) -> Result<(), Stop> {
        let started = Instant::now();
        let begun = self.ledger.begin(number, step);
        let process = step.process().to_owned();
        if self.crew.is_simulated() {
            let order = Order::Kill { process: process.clone() };
            if let Ended::Report(report) = self.carry_out(Seat::Process(&process), order).await? {
                self.take_panic("what the process held, when it was let go,", &report);
            }
        } else if self.crew.kill(Seat::Process(&process)) {
            let deadline = self.step_deadline();
            while self.state(&process).lives && self.pump(deadline).await {}
        }
        self.state(&process).die();
        self.finish(number, step, begun, started, Report::of(Outcome::done())).await
    }
}
