//! Opens, restarts and repairs: what makes certain again what a fault has left in doubt.

use super::super::place::Place;
use super::super::stream::Consumer;
use super::super::weather::{self, Faults, Met};
use super::{Script, stricken};
use crate::scenario::model::{Action, Expect, MoveHead, Nothing, OkExpectation, OpenMode, Query, Repair};

impl Script<'_> {
    pub(super) fn repair(&mut self, operation: u32, place: Place, repair: Repair) {
        self.make_ready(place);
        let moved = match repair {
            Repair::Confirm => self.moved_head(operation),
            _ => None,
        };
        if let Some(moved) = moved {
            return self.publish_drift(operation, place, moved);
        }
        let action = Action::Repair(repair);
        let faults = self.faults(operation, &action);
        // No drift outlives the repair that it was made for, so there is nothing to publish.
        let no_drift = found(Vec::new());
        let expect = match (faults.is_empty(), self.clean) {
            _ if self.swarm.weather.lies() => stricken(&faults),
            (true, true) => no_drift,
            (true, false) => Expect::OneOf(vec![no_drift, Expect::Refused]),
            (false, _) => stricken(&faults),
        };
        self.clean &= faults.is_empty();
        self.push_under(place, action, &faults, expect);
        self.afterwards(operation, place, &faults);
    }

    /// What a stranger has done before a repair, if anything.
    fn moved_head(&self, operation: u32) -> Option<MoveHead> {
        let mut draw = self.draw(Consumer::Drift, operation);
        let comes = draw.chance(self.swarm.drift) && !self.swarm.weather.lies();
        comes.then(|| self.writer.moved_head(operation, &mut draw))
    }

    /// A repair that has something to publish. Whatever becomes of it under weather, one without any follows: nobody could write
    /// to the table before.
    fn publish_drift(&mut self, operation: u32, place: Place, moved: MoveHead) {
        // Where a write is pending, the drift would be taken for a part of it, or go with what recovery rolls back.
        if !self.clean {
            self.open_calmly(place);
        }
        let drift = found(vec![moved.type_name.clone()]);
        self.push_plain(Action::MoveHead(moved));
        self.push(place, Action::Repair(Repair::Preview), drift.clone());
        let confirm = Action::Repair(Repair::Confirm);
        let faults = self.faults_that_meet(operation, &confirm, Met { pending: false, drift: true });
        if faults.is_empty() {
            self.push(place, confirm, drift);
            return;
        }
        self.push_under(place, confirm.clone(), &faults, stricken(&faults));
        if faults.kill() {
            self.places.may_have_died(place.process);
        }
        self.open_calmly(place);
        self.push(place, confirm, Expect::OneOf(vec![drift, found(Vec::new())]));
    }

    pub(super) fn open(&mut self, operation: u32, place: Place) {
        if self.places.is_dead(place.process) {
            self.push(place, Action::Restart(Nothing {}), Expect::Ok);
            self.places.started(place.process);
        }
        let mut draw = self.draw(Consumer::ReadOnly, operation);
        if draw.chance(self.swarm.read_only) {
            // It recovers nothing, so whatever is pending stays so, and what is visible can be read all the same.
            self.push(place, Action::Open(OpenMode::ReadOnly), self.done());
            self.push(place, Action::Query(Query { sql: self.writer.query(&mut draw), rows: None }), self.done());
        }
        let action = Action::Open(OpenMode::ReadWrite);
        let faults = self.faults(operation, &action);
        self.open_under(place, &faults);
        // Whatever became of that one, this one has to succeed.
        self.open_calmly(place);
    }

    /// An open that faults lie on, if there are any; another one has to follow it.
    pub(super) fn open_under(&mut self, place: Place, faults: &Faults) {
        if !faults.is_empty() {
            self.push_under(place, Action::Open(OpenMode::ReadWrite), faults, stricken(faults));
            if faults.kill() {
                self.places.may_have_died(place.process);
            }
        }
    }

    pub(super) fn restart(&mut self, operation: u32, place: Place) {
        let open = self.places.open_in(place.process);
        self.push(place, Action::Restart(Nothing {}), Expect::Ok);
        self.places.started(place.process);
        self.open(operation, place);
        open.into_iter().filter(|other| *other != place).for_each(|other| self.open_calmly(other));
    }

    pub(super) fn open_calmly(&mut self, place: Place) {
        self.push(place, Action::Open(OpenMode::ReadWrite), self.done());
        if self.grace {
            self.push(place, Action::Open(OpenMode::ReadWriteWithGrace), self.done());
        }
        self.places.opened(place);
        self.clean = true;
    }

    /// What may have come of the faults of a step.
    pub(super) fn afterwards(&mut self, operation: u32, place: Place, faults: &Faults) {
        if faults.kill() {
            self.places.may_have_died(place.process);
        } else {
            self.places.opened(place);
        }
        let mut draw = self.draw(Consumer::Calm, operation);
        if !faults.is_empty() && draw.chance(self.swarm.weather.calm) {
            // Every other time the recovery has weather of its own before it is calm.
            if draw.chance(0.5) {
                let action = Action::Open(OpenMode::ReadWrite);
                let (mut inside, mut wire) =
                    (self.draw(Consumer::Recovery, operation), self.draw(Consumer::RecoveryWire, operation));
                let met = Met { pending: true, drift: false };
                let again = weather::draw(&self.swarm.weather, &action, met, &mut inside, &mut wire);
                self.open_under(place, &again);
            }
            self.open_calmly(place);
        }
    }
}

/// A repair that ends well and has found this drift.
fn found(drift: Vec<String>) -> Expect {
    Expect::OkWith(OkExpectation { drift: Some(drift), ..OkExpectation::default() })
}
