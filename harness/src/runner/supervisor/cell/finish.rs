//! The end of a step: what it tells is taken, and it is judged by what was expected.

use tokio::time::Instant;

use super::super::expect;
use super::super::ledger::Begun;
use super::{CellRun, Ended, Stop, may_change_the_store, seat_of, step_ref};
use crate::event::{Event, Outcome};
use crate::runner::protocol::Report;
use crate::scenario::model::{Action, InvariantName, OpenMode, Step};

impl CellRun<'_> {
    /// Takes what a step's report tells, judges it, and looks at the store.
    pub(super) async fn finish(
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
        // What ends because a limit was hit ends otherwise than it would have, and says nothing.
        let cut_short = hung || self.found.limit.is_some();
        let differences = if cut_short { Vec::new() } else { expect::differences(&step.expect, &outcome, &report) };
        self.log.emit(Event::StepFinished {
            cell: self.log.cell(),
            step: step_ref(number, step),
            outcome: outcome.clone(),
            as_expected: differences.is_empty() && !cut_short,
            duration_ms: started.elapsed().as_millis() as u64,
        });
        let name = match &outcome {
            Outcome::Mismatch { .. } => InvariantName::Check,
            _ => InvariantName::Expectation,
        };
        let breaches =
            differences.into_iter().map(|difference| difference.breach(name.as_str()).at_step(number, step.line()));
        self.found.breaches.extend(breaches);
        if let Outcome::Hung { doing } = &outcome {
            let reason = if Instant::now() >= self.deadline {
                format!("the cell did not end within {} ms; it was {doing}", self.limits.cell_max_ms)
            } else {
                format!("step {number} did not end within {} ms while {doing}", self.limits.step_max_ms)
            };
            self.found.limit.get_or_insert(reason);
        }
        if !self.found.breaches.is_empty() || self.found.limit.is_some() {
            return Err(Stop);
        }
        // A store that does not answer shows nothing new; what is missed now is seen when it does.
        if may_change_the_store(&step.action) && self.down.is_none() { self.observe(number).await } else { Ok(()) }
    }

    fn take_report(&mut self, number: u64, step: &Step, report: &Report) {
        self.ledger.count(&report.tallies);
        self.count_wire();
        for call in &report.calls {
            self.log.keep(Event::StoreCall { cell: self.log.cell(), call: call.clone() });
        }
        if let Some(recovered) = &report.recovered {
            self.log.emit(Event::RecoveryObserved {
                cell: self.log.cell(),
                step: Some(step_ref(number, step)),
                rolled_forward: recovered.rolled_forward.clone(),
                rolled_back: recovered.rolled_back.clone(),
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
    pub(super) async fn report_of(&mut self, step: &Step, number: u64, ended: Ended) -> Report {
        match ended {
            Ended::Report(report) => *report,
            Ended::Died(place) => Report::of(Outcome::Crashed { at: Some(place) }),
            Ended::Panicked(message) => Report::of(Outcome::Panicked { message }),
            Ended::Late => {
                let kind = step.action.name();
                let mut doing = format!("running step {number} ({kind}) in process {}", step.process());
                if let Some(fault) = &self.last_fault {
                    doing.push_str(&format!(", after this fault had fired: {fault}"));
                }
                self.crew.kill(seat_of(step));
                Report::of(Outcome::Hung { doing })
            }
        }
    }
}
