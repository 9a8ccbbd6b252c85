//! What a step does between the engine and its store: on the wire, and to the store's container.

use std::sync::Arc;

use tokio::time::Instant;

use super::{CellRun, Stop};
use crate::event::Outcome;
use crate::fault::{ArmedGuard, FaultOrder};
use crate::runner::protocol::Report;
use crate::scenario::model::{Action, ContainerCall, Step};

impl CellRun<'_> {
    /// Arms the wire faults of a step. Those of a step `arm` stay; the others are lifted with what is returned.
    pub(super) fn arm_wire(&mut self, step: &Step, orders: &[FaultOrder]) -> Result<Option<ArmedGuard>, Stop> {
        let process = step.process().to_owned();
        match &step.action {
            Action::Lift(name) if name == "all" => self.lasting.retain(|(armed_in, _), _| *armed_in != process),
            Action::Lift(name) => drop(self.lasting.remove(&(process.clone(), name.clone()))),
            _ => {}
        }
        let Some(wire) = self.wire.as_ref().filter(|_| !orders.is_empty()) else { return Ok(None) };
        let guard = match wire.board.arm(orders) {
            Ok(guard) => guard,
            Err(reason) => return self.trouble(&reason).map(|()| None),
        };
        if let Action::Arm(arm) = &step.action {
            self.lasting.insert((process, arm.name.clone()), guard);
            return Ok(None);
        }
        Ok(Some(guard))
    }

    /// Takes the counts of the wire's faults.
    pub(super) fn count_wire(&mut self) {
        if let Some(wire) = &self.wire {
            self.ledger.count(&wire.board.tallies());
        }
    }

    /// Does something to the store's container.
    pub(super) async fn contain(&mut self, number: u64, step: &Step, call: ContainerCall) -> Result<(), Stop> {
        let started = Instant::now();
        let begun = self.ledger.begin(number, step);
        self.act_on_container(call).await?;
        self.finish(number, step, begun, started, Report::of(Outcome::done())).await
    }

    /// Makes the container answer again, whatever was done to it.
    pub(super) async fn revive_container(&mut self) -> Result<(), Stop> {
        match self.down.and_then(ContainerCall::undone_by) {
            Some(undo) => self.act_on_container(undo).await,
            None => Ok(()),
        }
    }

    async fn act_on_container(&mut self, call: ContainerCall) -> Result<(), Stop> {
        let Some(container) = self.container.as_ref().map(Arc::clone) else {
            return self.trouble("the cell has no container of its own");
        };
        // What is waited for has bounds of its own; the step's is the outermost.
        let acted = match tokio::time::timeout_at(self.step_deadline(), container.act(call)).await {
            Ok(Ok(endpoint)) => Ok(endpoint),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("the container could not be asked to {} in time", call.as_str())),
        };
        self.down = call.undone_by().map(|_| call);
        let moved = acted.and_then(|endpoint| match (endpoint, &self.wire) {
            (Some(endpoint), Some(wire)) => wire.retarget(&endpoint),
            _ => Ok(()),
        });
        match moved {
            Ok(()) => Ok(()),
            Err(reason) => self.trouble(&reason),
        }
    }
}
