//! Giving orders, and hearing what becomes of them.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::super::crew::{Death, Happening, Seat};
use super::{CellRun, Ended, Stop};
use crate::event::{Breach, Event, FaultTally, Outcome};
use crate::runner::protocol::{Note, Order, Report, Ticket};
use crate::scenario::model::InvariantName;

impl CellRun<'_> {
    pub(super) async fn order(&mut self, seat: Seat<'_>, order: Order) -> Result<Ticket, Stop> {
        self.crew.order(seat, order).await.map_err(|reason| {
            self.found.trouble = Some(reason);
            Stop
        })
    }

    /// Gives an order that runs beside what follows.
    pub(super) async fn order_in_background(&mut self, seat: Seat<'_>, order: Order) -> Result<Ticket, Stop> {
        self.crew.order_in_background(seat, order).await.map_err(|reason| {
            self.found.trouble = Some(reason);
            Stop
        })
    }

    /// Gives an order and waits until it ends.
    pub(super) async fn carry_out(&mut self, seat: Seat<'_>, order: Order) -> Result<Ended, Stop> {
        let ticket = self.order(seat, order).await?;
        let ended = self.wait(ticket, self.step_deadline()).await;
        if matches!(ended, Ended::Late) {
            self.crew.kill(seat);
        }
        Ok(ended)
    }

    /// Takes a panic in an order that is no step, so that no expectation is there to be broken. Says whether there was one.
    pub(super) fn take_panic(&mut self, doing: &str, report: &Report) -> bool {
        let Some(Outcome::Panicked { message }) = &report.outcome else { return false };
        let what = format!("{doing} panicked: {message}");
        self.found.breaches.push(Breach::new(InvariantName::Expectation.as_str(), what));
        true
    }

    /// Waits until an order ends or the deadline passes.
    pub(super) async fn wait(&mut self, ticket: Ticket, deadline: Instant) -> Ended {
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
    pub(super) async fn pump(&mut self, deadline: Instant) -> bool {
        match self.crew.next(deadline).await {
            None => return false,
            Some(Happening::Done { ticket, report }) => {
                self.ended.insert(ticket, Ended::Report(report));
            }
            Some(Happening::Note(note)) => self.take_note(note),
            Some(Happening::Died(death)) => self.take_death(*death),
            Some(Happening::TooLarge { who, bytes }) => self.takes_too_much(&who, bytes),
        }
        true
    }

    /// Looks how much memory the workers take, now that the cell is over: it may have been too short to look before.
    pub(super) fn look_at_the_end(&mut self) {
        if let Some((who, bytes)) = self.crew.look() {
            self.takes_too_much(&who, bytes);
        }
    }

    fn takes_too_much(&mut self, who: &str, bytes: u64) {
        let (takes, allowed) = (bytes >> 20, self.limits.memory_max_bytes >> 20);
        self.cut_short(format!("{who} takes {takes} MB of memory; at most {allowed} MB are allowed"));
    }

    /// Whoever writes on when the cell has written what it may is killed. No death makes room for more.
    fn count_written(&mut self, process: &str, bytes: u64) {
        self.written_bytes = self.written_bytes.saturating_add(bytes);
        let allowed = self.limits.worker.store_max_bytes;
        if self.written_bytes > allowed {
            let (wrote, allowed) = (self.written_bytes >> 10, allowed >> 10);
            self.cut_short(format!(
                "the cell wrote {wrote} KB to its store, process {process} the last of them; at most {allowed} KB are allowed"
            ));
            self.crew.kill(Seat::Process(process));
        }
    }

    /// A limit was hit. What comes after it, deaths above all, is its consequence.
    fn cut_short(&mut self, reason: String) {
        self.found.limit.get_or_insert(reason);
    }

    fn take_note(&mut self, note: Note) {
        let cell = self.log.cell();
        match note {
            Note::Reached { fault } => {
                self.ledger.count(&[FaultTally { reached: 1, ..FaultTally::armed(fault.clone()) }]);
                self.log.emit(Event::FaultReached { cell, fault });
            }
            Note::Fired { fault, firing } => {
                let firings = BTreeSet::from([firing.clone()]);
                self.ledger.count(&[FaultTally { fault: fault.clone(), reached: 1, fired: 1, firings }]);
                self.last_fault = Some(fault.clone());
                self.log.emit(Event::FaultFired { cell, fault, firing });
            }
            Note::Wrote { process, bytes } => self.count_written(&process, bytes),
            Note::Held { fault } => {
                self.held.insert(fault);
            }
            Note::Late { name, call } => self.keep_late(name, *call),
            Note::Saw(saw) => self.take_reading(*saw),
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
}
