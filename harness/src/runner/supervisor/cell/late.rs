//! What its caller has given up, and what reaches the store all the same.

use omnigraph::storage::LateCall;
use tokio::time::Instant;

use super::super::crew::Seat;
use super::{CellRun, Ended, Stop};
use crate::event::{Event, Outcome, StoreCall};
use crate::fault::wire::Arrived;
use crate::runner::protocol::{Order, Report};
use crate::scenario::model::Step;

/// Calls of one cell that may be on their way at a time.
const CALLS_MAX_COUNT: usize = 64;
/// Bytes that they may carry together.
const CALLS_MAX_BYTES: u64 = 64 << 20;

impl CellRun<'_> {
    /// A process has made a call that arrives later.
    pub(super) fn keep_late(&mut self, name: String, call: LateCall) {
        let bytes: u64 = self.late.iter().map(|(_, late)| late.call.bytes).sum();
        if self.late.len() >= CALLS_MAX_COUNT || bytes + call.call.bytes > CALLS_MAX_BYTES {
            let (count, megabytes) = (CALLS_MAX_COUNT, CALLS_MAX_BYTES >> 20);
            let reason = format!("more than {count} calls or {megabytes} MB are late at a time");
            self.found.limit.get_or_insert(reason);
            return;
        }
        self.late.push((name, call));
    }

    /// A step lets arrive what is late under this name.
    pub(super) async fn arrive(&mut self, number: u64, step: &Step, name: &str) -> Result<(), Stop> {
        let started = Instant::now();
        let begun = self.ledger.begin(number, step);
        let report = self.arrived(Some(name)).await?;
        self.finish(number, step, begun, started, report).await
    }

    /// Lets everything arrive that is still late.
    pub(super) async fn arrive_all(&mut self) -> Result<(), Stop> {
        let report = self.arrived(None).await?;
        for call in report.calls {
            self.log.keep(Event::StoreCall { cell: self.log.cell(), call });
        }
        match report.outcome {
            Some(Outcome::Trouble { reason }) => self.trouble(&reason),
            _ => Ok(()),
        }
    }

    async fn arrived(&mut self, name: Option<&str>) -> Result<Report, Stop> {
        let is_due = |late: &str| name.is_none_or(|name| name == late);
        let (due, later) = std::mem::take(&mut self.late).into_iter().partition(|(late, _)| is_due(late));
        self.late = later;
        let calls: Vec<LateCall> = Vec::into_iter(due).map(|(_, call)| call).collect();
        let mut report = Report::of(Outcome::done());
        if !calls.is_empty() {
            report = match self.carry_out(Seat::Outside, Order::Arrive { calls }).await? {
                Ended::Report(report) => *report,
                _ => Report::of(Outcome::Trouble { reason: "late calls did not arrive in time".to_owned() }),
            };
        }
        let Some(wire) = &self.wire else { return Ok(report) };
        match wire.arrive(name).await {
            Ok(arrived) => arrived.iter().for_each(|arrived| told(arrived, &mut report)),
            Err(reason) => report.outcome = Some(Outcome::Trouble { reason }),
        }
        Ok(report)
    }
}

/// Adds to a report what has arrived over the wire.
fn told(arrived: &Arrived, report: &mut Report) {
    for call in &arrived.calls {
        report.calls.push(StoreCall {
            process: "(late)".to_owned(),
            sequence: report.calls.len() as u64 + 1,
            realm: call.realm.as_str().to_owned(),
            operation: call.operation.as_str().to_owned(),
            class: call.class.as_str().to_owned(),
            path: call.path.clone(),
            bytes: call.bytes,
            outcome: format!("status {}", arrived.status),
        });
    }
    if !arrived.is_quiet() {
        let calls: Vec<String> = arrived.calls.iter().map(ToString::to_string).collect();
        let reason = format!("the late request ({}) was answered with status {}", calls.join(", "), arrived.status);
        report.outcome = Some(Outcome::Trouble { reason });
    }
}
