//! Operation by operation, from what is drawn to steps.
//!
//! Two things are followed on the way. What is *hoped* for, as if nothing ever failed, decides what the next writes are
//! about: so the same operations come under every weather. What is *certain* decides how they have to end: where no
//! fault is armed, nothing is pending and every row that counts is known, a write has to do exactly what it says.
//!
//! Between processes the engine promises less (`docs/protocol.md`, *What remains open across processes*): a read-write open
//! cannot tell a live writer of another process from a dead one. So a process is opened beside a write of another one only where
//! the file asks for it, and never beside one that is to be killed: what it does after it was undone would be drift that nothing
//! covers.

use omnigraph::schema::Catalog;

use super::place::{Place, Places};
use super::rows::{Fits, Rows};
use super::stream::{Consumer, Draw, Streams};
use super::weather::{self, Faults, Met};
use super::write::{Write, Writer};
use crate::scenario::crossed_by;
use crate::scenario::model::{
    Action, Check, Deed, Expect, FailpointName, MoveHead, Nothing, OkExpectation, OpenMode, Query, Repair, Row, Step,
    Swarm,
};

/// Operations that go on beside one that is held.
const BESIDE_MAX: usize = 2;

/// Draws the steps of one universe.
#[derive(Debug)]
pub struct Script<'a> {
    swarm: &'a Swarm,
    streams: Streams,
    writer: Writer<'a>,
    hoped: Rows,
    certain: Rows,
    /// Whether nothing is pending: no sidecar, no table past its pin.
    clean: bool,
    places: Places,
    background: Option<Background>,
    steps: Vec<Step>,
}

/// A write that runs in the background.
#[derive(Debug)]
struct Background {
    name: String,
    place: Place,
    /// Where its step stands.
    at: usize,
    held: bool,
    /// Whether its process is killed in the end.
    killed: bool,
    /// Operations that still go on beside it.
    left: usize,
    /// Whether one of them may have stood in its way.
    disturbed: bool,
    /// What is certain if it was alone.
    alone: (Rows, bool, Expect),
    /// What is certain in any case.
    otherwise: Rows,
}

impl<'a> Script<'a> {
    /// A script for a graph with this set-up.
    pub fn new(catalog: &'a Catalog, setup: &[Row], swarm: &'a Swarm, streams: Streams) -> Self {
        let (writer, rows) = Writer::new(catalog, setup);
        Script {
            swarm,
            streams,
            writer,
            hoped: rows.clone(),
            certain: rows,
            clean: true,
            places: Places::new(swarm.processes, swarm.handles),
            background: None,
            steps: Vec::new(),
        }
    }

    /// Every step.
    pub fn steps(mut self) -> Vec<Step> {
        for operation in 1..=self.swarm.operations {
            self.operation(operation);
        }
        self.end();
        self.steps
    }

    fn operation(&mut self, operation: u32) {
        let weights: Vec<(Deed, u32)> = Deed::ALL.iter().map(|deed| (*deed, self.swarm.weights.of(*deed))).collect();
        let Some(deed) = self.streams.of(Consumer::Deeds, operation).weighted(&weights) else { return };
        let write = self.writer.draw(deed, &self.hoped, &mut self.streams.of(Consumer::Rows, operation));
        self.opens_beside(operation);
        if self.goes_on_beside(operation, deed, write.as_ref()) {
            return;
        }
        self.end_background();
        let all = self.places.all();
        let Some(place) = self.streams.of(Consumer::Places, operation).one_of(&all).copied() else { return };
        match (deed, write) {
            (_, Some(write)) => self.write(operation, place, &write),
            (Deed::Query, _) => self.query(operation, place, true),
            (Deed::Refresh, _) => {
                self.make_ready(place);
                self.under_weather(operation, place, Action::Refresh(Nothing {}));
            }
            (Deed::RepairPreview, _) => self.repair(operation, place, Repair::Preview),
            (Deed::RepairConfirm, _) => self.repair(operation, place, Repair::Confirm),
            (Deed::Open, _) => self.open(operation, place),
            (Deed::Restart, _) => self.restart(operation, place),
            (Deed::Kill, _) => {
                self.make_ready(place);
                self.push(place, Action::Kill(Nothing {}), Expect::Ok);
                self.places.died(place.process);
            }
            // There was nothing to write about.
            _ => self.query(operation, place, true),
        }
    }

    fn draw(&self, consumer: Consumer, operation: u32) -> Draw {
        self.streams.of(consumer, operation)
    }

    fn faults(&self, operation: u32, action: &Action) -> Faults {
        self.faults_that_meet(operation, action, Met { pending: !self.clean, drift: false })
    }

    fn faults_that_meet(&self, operation: u32, action: &Action, met: Met) -> Faults {
        let (mut inside, mut wire) = (self.draw(Consumer::Weather, operation), self.draw(Consumer::Wire, operation));
        weather::draw(&self.swarm.weather, action, met, &mut inside, &mut wire)
    }

    fn write(&mut self, operation: u32, place: Place, write: &Write) {
        self.make_ready(place);
        let (after, fits) = self.certain.after(&write.changes);
        let alone = self.background_of(operation, place, write, fits);
        let faults = if alone.is_some() { Faults::default() } else { self.faults(operation, &write.action) };
        let (expect, certain, clean) = if faults.is_empty() {
            self.undisturbed(&after, fits)
        } else {
            let certain = if fits == Fits::No { self.certain.clone() } else { self.certain.or(&after) };
            (stricken(&faults), certain, false)
        };
        let at = self.push_under(place, write.action.clone(), &faults, expect.clone());
        self.steps[at].actor = Some(format!("op{operation}"));
        let (hoped, hoped_fits) = self.hoped.after(&write.changes);
        if hoped_fits != Fits::No {
            self.hoped = hoped;
        }
        match alone {
            Some(mut background) => {
                background.at = at;
                background.alone = (certain, clean, expect);
                background.otherwise = self.certain.or(&after);
                self.start(background, &write.action, operation);
            }
            None => {
                (self.certain, self.clean) = (certain, clean);
                self.afterwards(operation, place, &faults);
            }
        }
    }

    /// How a write has to end on which no fault lies, and what is certain then.
    fn undisturbed(&self, after: &Rows, fits: Fits) -> (Expect, Rows, bool) {
        match (fits, self.clean && !self.swarm.weather.lies()) {
            (Fits::Yes, true) => (Expect::Ok, after.clone(), true),
            (Fits::No, _) if !self.swarm.weather.lies() => (Expect::Refused, self.certain.clone(), self.clean),
            _ => (self.either(), self.certain.or(after), self.clean),
        }
    }

    fn either(&self) -> Expect {
        let mut ways = vec![Expect::Ok, Expect::Refused];
        if self.swarm.weather.lies() {
            ways.push(Expect::InDoubt);
        }
        Expect::OneOf(ways)
    }

    /// Done, for whoever has nothing in the way; over a store that lies nothing is certain.
    fn done(&self) -> Expect {
        if self.swarm.weather.lies() { self.either() } else { Expect::Ok }
    }

    /// Whether the write runs in the background, and how.
    fn background_of(&self, operation: u32, place: Place, write: &Write, fits: Fits) -> Option<Background> {
        let chances = &self.swarm.concurrency;
        let mut draw = self.draw(Consumer::Concurrency, operation);
        let (held, beside, killed) =
            (draw.chance(chances.held), draw.chance(chances.beside), draw.chance(chances.killed));
        // Where it is to be held it has to come by.
        let comes_by = self.clean && fits == Fits::Yes && write.moves && self.places.is_open(place);
        if self.swarm.weather.lies() || !self.places.is_open(place) || !(held && comes_by || beside) {
            return None;
        }
        let held = held && comes_by;
        Some(Background {
            name: format!("op{operation}"),
            place,
            at: 0,
            held,
            killed: held && killed,
            left: draw.between(1, BESIDE_MAX),
            disturbed: false,
            alone: (self.certain.clone(), self.clean, Expect::Ok),
            otherwise: self.certain.clone(),
        })
    }

    fn start(&mut self, background: Background, action: &Action, operation: u32) {
        let step = &mut self.steps[background.at];
        step.start = Some(background.name.clone());
        if background.held {
            // Of the windows of a write, not of the recovery before it: nothing is pending.
            let own: Vec<FailpointName> =
                crossed_by(action).filter(|name| matches!(name.scope(), Some("load" | "mutate"))).collect();
            step.hold = self.streams.of(Consumer::Windows, operation).one_of(&own).cloned();
        }
        self.certain = background.otherwise.clone();
        self.clean = false;
        self.background = Some(background);
    }

    /// Lets another process take the write in the background for a dead one's, if there is one and the file asks for that.
    fn opens_beside(&mut self, operation: u32) {
        let Some(own) = self.background.as_ref().filter(|background| !background.killed).map(|it| it.place) else {
            return;
        };
        let mut places = self.places.all();
        places.retain(|place| place.process != own.process && self.places.is_open(*place));
        let mut draw = self.draw(Consumer::Opens, operation);
        let is_due = draw.chance(self.swarm.concurrency.opened);
        let (true, Some(place)) = (is_due, draw.one_of(&places).copied()) else { return };
        self.push(place, Action::Open(OpenMode::ReadWrite), Expect::Ok);
        self.background.iter_mut().for_each(|background| background.disturbed = true);
    }

    /// Lets the operation go on beside the one in the background, if there is one and if it may.
    fn goes_on_beside(&mut self, operation: u32, deed: Deed, write: Option<&Write>) -> bool {
        let Some(background) = &self.background else { return false };
        let own = background.place;
        let reads = deed == Deed::Query || (write.is_none() && is_write(deed));
        let may = match (reads, background.held) {
            // Whoever reads waits for nobody.
            (true, _) => |own: Place, place: Place| place != own,
            // A writer of the same process waits for the queues, and the one that is held has them.
            (false, true) => |own: Place, place: Place| place.process != own.process,
            (false, false) => |own: Place, place: Place| place != own,
        };
        let places = self.places.all().into_iter();
        let places: Vec<Place> = places.filter(|place| may(own, *place) && self.places.is_open(*place)).collect();
        let allowed = reads || write.is_some() || deed == Deed::Refresh;
        let place = self.draw(Consumer::Places, operation).one_of(&places).copied();
        let (Some(place), true) = (place, allowed && background.left > 0) else { return false };
        if reads {
            self.query(operation, place, false);
        } else {
            let (action, after) = match write {
                Some(write) => {
                    let (hoped, fits) = self.hoped.after(&write.changes);
                    self.hoped = if fits == Fits::No { self.hoped.clone() } else { hoped };
                    (write.action.clone(), self.certain.or(&self.certain.after(&write.changes).0))
                }
                None => (Action::Refresh(Nothing {}), self.certain.clone()),
            };
            let is_write = write.is_some();
            let at = self.push(place, action, if is_write { self.either() } else { Expect::Ok });
            self.steps[at].actor = is_write.then(|| format!("op{operation}"));
            self.certain = after;
        }
        if let Some(background) = &mut self.background {
            background.left -= 1;
            background.disturbed |= !reads;
        }
        true
    }

    fn end_background(&mut self) {
        let Some(background) = self.background.take() else { return };
        let (certain, clean, expect) = background.alone;
        let expect = if background.killed {
            self.push(background.place, Action::Kill(Nothing {}), Expect::Ok);
            self.places.died(background.place.process);
            Expect::Crash
        } else {
            if background.held {
                self.push_plain(Action::Release(background.name.clone()));
            }
            if background.disturbed { self.either() } else { expect }
        };
        self.push_plain(Action::Join(background.name));
        self.steps[background.at].expect = expect;
        if !background.disturbed && !background.killed {
            (self.certain, self.clean) = (certain, clean);
        }
    }

    fn query(&mut self, operation: u32, place: Place, alone: bool) {
        if alone {
            self.make_ready(place);
        }
        let sql = self.writer.query(&mut self.draw(Consumer::Reads, operation));
        let action = Action::Query(Query { sql, rows: None });
        if alone {
            self.under_weather(operation, place, action);
        } else {
            self.push(place, action, Expect::Ok);
        }
    }

    /// A step that changes no rows of its own.
    fn under_weather(&mut self, operation: u32, place: Place, action: Action) {
        let faults = self.faults(operation, &action);
        let expect = if faults.is_empty() { self.done() } else { stricken(&faults) };
        self.clean &= faults.is_empty();
        self.push_under(place, action, &faults, expect);
        self.afterwards(operation, place, &faults);
    }

    fn repair(&mut self, operation: u32, place: Place, repair: Repair) {
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

    fn open(&mut self, operation: u32, place: Place) {
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
    fn open_under(&mut self, place: Place, faults: &Faults) {
        if !faults.is_empty() {
            self.push_under(place, Action::Open(OpenMode::ReadWrite), faults, stricken(faults));
            if faults.kill() {
                self.places.may_have_died(place.process);
            }
        }
    }

    fn restart(&mut self, operation: u32, place: Place) {
        let open = self.places.open_in(place.process);
        self.push(place, Action::Restart(Nothing {}), Expect::Ok);
        self.places.started(place.process);
        self.open(operation, place);
        open.into_iter().filter(|other| *other != place).for_each(|other| self.open_calmly(other));
    }

    fn open_calmly(&mut self, place: Place) {
        self.push(place, Action::Open(OpenMode::ReadWrite), self.done());
        self.places.opened(place);
        self.clean = true;
    }

    /// Sees to it that the handle is there.
    fn make_ready(&mut self, place: Place) {
        if self.places.is_dead(place.process) {
            self.push(place, Action::Restart(Nothing {}), Expect::Ok);
            self.places.started(place.process);
        }
        if self.places.is_closed(place) {
            self.open_calmly(place);
        }
    }

    /// What may have come of the faults of a step.
    fn afterwards(&mut self, operation: u32, place: Place, faults: &Faults) {
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

    fn end(&mut self) {
        self.end_background();
        let place = Place { process: 0, handle: 0 };
        if self.places.is_dead(0) {
            self.push(place, Action::Restart(Nothing {}), Expect::Ok);
            self.places.started(0);
        }
        self.open_calmly(place);
        if !self.swarm.weather.lies() {
            let check = Check { sidecars: Some(0), drift: Some(Vec::new()), ..Check::default() };
            self.push_plain(Action::Check(check));
        }
    }

    fn push_under(&mut self, place: Place, action: Action, faults: &Faults, expect: Expect) -> usize {
        let at = self.push(place, action, expect);
        self.steps[at].failpoints.clone_from(&faults.failpoints);
        self.steps[at].faults.clone_from(&faults.store);
        self.steps[at].wire.clone_from(&faults.wire);
        at
    }

    fn push(&mut self, place: Place, action: Action, expect: Expect) -> usize {
        let at = self.push_plain(action);
        let step = &mut self.steps[at];
        let has_handle = !matches!(step.action, Action::Restart(_) | Action::Kill(_));
        step.handle = place.handle_name().filter(|_| has_handle);
        step.process = place.process_name();
        step.expect = expect;
        at
    }

    fn push_plain(&mut self, action: Action) -> usize {
        self.steps.push(Step::plain(action));
        self.steps.len() - 1
    }
}

/// A repair that ends well and has found this drift.
fn found(drift: Vec<String>) -> Expect {
    Expect::OkWith(OkExpectation { drift: Some(drift), ..OkExpectation::default() })
}

/// How a step may end on which faults lie: in any way that a client can understand.
fn stricken(faults: &Faults) -> Expect {
    let mut ways = vec![Expect::Ok, Expect::Refused, Expect::InDoubt];
    ways.extend(faults.kill().then_some(Expect::Crash));
    Expect::OneOf(ways)
}

fn is_write(deed: Deed) -> bool {
    use Deed::{Delete, Insert, LoadAppend, LoadMerge, LoadOverwrite, Mixed, Update};
    matches!(deed, LoadAppend | LoadMerge | LoadOverwrite | Insert | Update | Delete | Mixed)
}
