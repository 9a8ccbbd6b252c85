//! Readers that look on beside the steps.
//!
//! They read all the time, and are told after every step where the cell's order of events stands; the next step begins when
//! each of them has read a snapshot that it took after that. So nothing that a step leaves, and no window that a step is held
//! in, goes unseen, and whatever was acknowledged by then has to be in what they see.

use super::super::crew::Seat;
use super::{CellRun, Ended, Stop};
use crate::event::Outcome;
use crate::oracle::evidence::Tick;
use crate::runner::protocol::{Order, Request, Saw, Ticket};

/// A reader beside the steps.
pub struct Reader {
    ticket: Ticket,
    /// Its newest reading began after this.
    since: Tick,
}

impl CellRun<'_> {
    /// Starts the scenario's readers, each with its first reading.
    pub(super) async fn start_readers(&mut self) -> Result<(), Stop> {
        for number in 1..=self.scenario.readers {
            let ticket = self.order(Seat::Outside, Order::Read { reader: number }).await?;
            self.readers.insert(number, Reader { ticket, since: 0 });
        }
        self.let_readers_look().await
    }

    /// Waits until every reader has read what it took after now.
    pub(super) async fn let_readers_look(&mut self) -> Result<(), Stop> {
        if self.readers.is_empty() {
            return Ok(());
        }
        let now = self.ledger.now();
        self.crew.tell_readers(Request::Look { since: now }).await;
        let deadline = self.step_deadline();
        while let Some(number) = self.reader_behind(now) {
            if !self.pump(deadline).await {
                let bound = self.limits.step_max_ms;
                self.found.limit = Some(format!("reader {number} did not get through a snapshot within {bound} ms"));
                return Err(Stop);
            }
        }
        Ok(())
    }

    /// Has the readers read beside the step that is ordered next.
    pub(super) fn let_readers_read_beside(&mut self) {
        if !self.readers.is_empty() {
            let now = self.ledger.now();
            self.crew.let_readers_read_beside(now);
        }
    }

    /// A reader that still reads and has not read what it took after `now`.
    fn reader_behind(&self, now: Tick) -> Option<u64> {
        let behind = |reader: &Reader| reader.since < now && !self.ended.contains_key(&reader.ticket);
        self.readers.iter().find(|(_, reader)| behind(reader)).map(|(number, _)| *number)
    }

    /// Takes what a reader saw.
    pub(super) fn take_reading(&mut self, saw: Saw) {
        if let Some(reader) = self.readers.get_mut(&saw.reader) {
            reader.since = reader.since.max(saw.since);
        }
        self.ledger.saw(saw);
    }

    /// Tells the readers that it is enough, and hears how each of them ended.
    pub(super) async fn dismiss_readers(&mut self) {
        if self.readers.is_empty() {
            return;
        }
        self.crew.tell_readers(Request::Enough).await;
        for (number, reader) in std::mem::take(&mut self.readers) {
            let why = match self.wait(reader.ticket, self.step_deadline()).await {
                Ended::Report(report) => match report.outcome {
                    Some(Outcome::Trouble { reason }) => {
                        self.found.trouble.get_or_insert(reason);
                        continue;
                    }
                    None | Some(Outcome::Acknowledged { .. }) => continue,
                    Some(outcome) => outcome.to_string(),
                },
                // Whoever carries it out does everything else from outside as well, and is heard of there.
                Ended::Died(_) => continue,
                Ended::Panicked(message) => message,
                Ended::Late => {
                    let limit = format!("reader {number} did not end");
                    self.found.limit.get_or_insert(limit);
                    continue;
                }
            };
            self.ledger.reader_failed(number, why);
        }
    }
}
