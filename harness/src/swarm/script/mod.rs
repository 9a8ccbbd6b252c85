//! Operation by operation, from what is drawn to steps. What goes on beside others has a room of its own ([`background`]), and so
//! has what opens, restarts and repairs ([`opening`]).
//!
//! Two things are followed on the way. What is *hoped* for, as if nothing ever failed, decides what the next writes are
//! about: so the same operations come under every weather. What is *certain* decides how they have to end: where no
//! fault is armed, nothing is pending and every row that counts is known, a write has to do exactly what it says.
//!
//! What is late arrives between later operations, or when every step is over. Where handles give grace, what is to be certain again
//! takes an open without.

mod background;
mod opening;

use std::collections::BTreeSet;

use omnigraph::schema::Catalog;

use self::background::Background;
use super::place::{Place, Places};
use super::rows::{Fits, Rows};
use super::stream::{Consumer, Draw, Streams};
use super::weather::{self, Faults, Met};
use super::write::{Write, Writer};
use crate::scenario::model::{Action, Check, Deed, Expect, Nothing, Query, Repair, Row, Step, Swarm};

/// The chance that something late arrives before the next operation.
const ARRIVES: f64 = 0.3;

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
    /// Writes that run in the background beside that one.
    crowd: Vec<String>,
    /// Names under which something may be late.
    late: BTreeSet<String>,
    /// Whether handles give the writers of other processes grace.
    grace: bool,
    steps: Vec<Step>,
}

impl<'a> Script<'a> {
    /// A script for a graph with this set-up.
    pub fn new(catalog: &'a Catalog, setup: &[Row], swarm: &'a Swarm, streams: Streams) -> Self {
        let (writer, rows) = Writer::new(catalog, setup);
        let grace = streams.of(Consumer::Grace, 0).chance(swarm.concurrency.grace);
        Script {
            swarm,
            streams,
            writer,
            hoped: rows.clone(),
            certain: rows,
            clean: true,
            places: Places::new(swarm.processes, swarm.handles),
            background: None,
            crowd: Vec::new(),
            late: BTreeSet::new(),
            grace,
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
        self.let_arrive(operation);
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
        self.hope(write);
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
                self.call_again(operation, at);
            }
        }
    }

    /// Calls a write again under its name, as somebody does who has lost the answer. It is done once, so what is certain and what is
    /// hoped for stay what they are.
    fn call_again(&mut self, operation: u32, at: usize) {
        let mut draw = self.draw(Consumer::Again, operation);
        let is_due = draw.chance(self.swarm.concurrency.again);
        let (true, Some(place)) = (is_due, draw.one_of(&self.places.all()).copied()) else { return };
        self.make_ready(place);
        let (action, actor, name) =
            (self.steps[at].action.clone(), self.steps[at].actor.clone(), format!("op{operation}"));
        self.steps[at].operation = Some(name.clone());
        let expect = match &self.steps[at].expect {
            // Whoever was surely told the one is told it again.
            sure @ (Expect::Ok | Expect::Refused) => sure.clone(),
            _ => self.either(),
        };
        let again = self.push(place, action, expect);
        (self.steps[again].actor, self.steps[again].operation) = (actor, Some(name));
    }

    /// What is hoped for goes on as if the write were done, if it can be.
    fn hope(&mut self, write: &Write) {
        if let Some(after) = self.hoped.hoped_after(&write.changes) {
            self.hoped = after;
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

    /// Lets arrive what is late, name by name, as it comes. Even where everything was settled before, a sidecar may come too late to be
    /// taken back.
    fn let_arrive(&mut self, operation: u32) {
        let mut draw = self.draw(Consumer::Late, operation);
        for name in std::mem::take(&mut self.late) {
            if draw.chance(ARRIVES) {
                self.push_plain(Action::Arrive(name));
                self.clean = false;
            } else {
                self.late.insert(name);
            }
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
        self.late.extend(faults.late().map(str::to_owned));
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

/// How a step may end on which faults lie: in any way that a client can understand.
fn stricken(faults: &Faults) -> Expect {
    let mut ways = vec![Expect::Ok, Expect::Refused, Expect::InDoubt];
    ways.extend(faults.kill().then_some(Expect::Crash));
    Expect::OneOf(ways)
}

fn is_write(deed: Deed) -> bool {
    use Deed::{
        Copy, Delete, DeleteValues, Insert, InsertValues, LoadAppend, LoadMerge, LoadOverwrite, LoadValues, Misfit,
        Mixed, Rename, Update, UpdateValues,
    };
    match deed {
        LoadAppend | LoadMerge | LoadOverwrite | Insert | Update | Delete | Mixed => true,
        LoadValues | InsertValues | UpdateValues | DeleteValues | Copy | Misfit | Rename => true,
        Deed::RepairPreview | Deed::RepairConfirm | Deed::Query | Deed::Refresh => false,
        Deed::Open | Deed::Restart | Deed::Kill => false,
    }
}
