//! What follows the last step: every fault is lifted, the graph converges, and is looked at from all sides.

use super::super::crew::Seat;
use super::{CellRun, Ended, Stop};
use crate::event::{Event, Outcome};
use crate::runner::protocol::{Order, Report};

impl CellRun<'_> {
    /// Makes the container run again, lifts every fault, waits for what still runs, lets arrive what is late, converges, and makes the closing observations.
    pub(super) async fn close(&mut self) {
        self.lasting.clear();
        if self.revive_container().await.is_err() {
            return;
        }
        let paused: Vec<String> =
            self.processes.iter().filter(|(_, state)| state.paused).map(|(name, _)| name.clone()).collect();
        for process in paused {
            self.crew.pause(&process, false);
        }
        let living: Vec<String> =
            self.processes.iter().filter(|(_, state)| state.lives).map(|(name, _)| name.clone()).collect();
        for process in &living {
            let report = match self.lift(process).await {
                Ok(Ended::Report(report)) => report,
                Ok(_) => {
                    let reason = format!("the faults of process {process} were not lifted in time");
                    self.found.limit.get_or_insert(reason);
                    return;
                }
                Err(Stop) => return,
            };
            self.take_panic("lifting the faults", &report);
            self.ledger.count(&report.tallies);
        }
        let background = std::mem::take(&mut self.background);
        // Steps that were not joined are told to go on; where they are held they would stay until their bound.
        for background in background.values() {
            if let Some(fault) = &background.hold {
                self.crew.release(background.step.process(), fault).await;
            }
        }
        for (_, background) in background {
            let ended = self.wait(background.ticket, self.step_deadline()).await;
            let report = self.report_of(&background.step, background.number, ended).await;
            let outcome = report.outcome.clone().unwrap_or_else(Outcome::done);
            self.ledger.end(background.begun, &outcome);
            self.ledger.count(&report.tallies);
        }
        self.count_wire();
        if self.arrive_all().await.is_err() {
            return;
        }
        if !self.ledger.may_have_graph() {
            return;
        }
        let close = Order::Close { versions: self.ledger.versions(), or_create: self.ledger.may_lack_graph() };
        match self.carry_out(Seat::Outside, close).await {
            Ok(Ended::Report(report)) => self.converged(*report),
            Ok(_) => {
                self.found.limit.get_or_insert_with(|| "the closing observations did not end in time".to_owned());
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
                Some(report) => {
                    self.take_panic("a write through an open handle", &report);
                    self.ledger.probe(report);
                }
                None => {
                    let reason = || "a write through an open handle did not end in time".to_owned();
                    self.found.limit.get_or_insert_with(reason);
                }
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
}
