//! What goes on in the background, and beside it.

use super::super::place::Place;
use super::super::rows::{Fits, Rows};
use super::super::stream::Consumer;
use super::super::write::Write;
use super::{Script, is_write};
use crate::scenario::crossed_by;
use crate::scenario::model::{Action, Deed, Expect, FailpointName, Nothing, OpenMode};

/// Operations that go on beside one that is held.
const BESIDE_MAX: usize = 2;

/// A write that runs in the background.
#[derive(Debug)]
pub(super) struct Background {
    pub(super) name: String,
    pub(super) place: Place,
    /// Where its step stands.
    pub(super) at: usize,
    pub(super) held: bool,
    /// Whether its process is killed in the end.
    pub(super) killed: bool,
    /// Operations that still go on beside it.
    pub(super) left: usize,
    /// Whether one of them may have stood in its way.
    pub(super) disturbed: bool,
    /// What is certain if it was alone.
    pub(super) alone: (Rows, bool, Expect),
    /// What is certain in any case.
    pub(super) otherwise: Rows,
}

impl Script<'_> {
    /// Whether the write runs in the background, and how.
    pub(super) fn background_of(&self, operation: u32, place: Place, write: &Write, fits: Fits) -> Option<Background> {
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

    pub(super) fn start(&mut self, background: Background, action: &Action, operation: u32) {
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
    pub(super) fn opens_beside(&mut self, operation: u32) {
        let Some(own) = self.background.as_ref().map(|background| background.place) else { return };
        let mut places = self.places.all();
        places.retain(|place| place.process != own.process && self.places.is_open(*place));
        let mut draw = self.draw(Consumer::Opens, operation);
        let is_due = draw.chance(self.swarm.concurrency.opened);
        let (true, Some(place)) = (is_due, draw.one_of(&places).copied()) else { return };
        self.push(place, Action::Open(OpenMode::ReadWrite), Expect::Ok);
        self.background.iter_mut().for_each(|background| background.disturbed = true);
    }

    /// Lets the operation go on beside the one in the background, if there is one and if it may.
    pub(super) fn goes_on_beside(&mut self, operation: u32, deed: Deed, write: Option<&Write>) -> bool {
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
                    self.hope(write);
                    (write.action.clone(), self.certain.or(&self.certain.after(&write.changes).0))
                }
                None => (Action::Refresh(Nothing {}), self.certain.clone()),
            };
            let is_write = write.is_some();
            let at = self.push(place, action, if is_write { self.either() } else { Expect::Ok });
            self.steps[at].actor = is_write.then(|| format!("op{operation}"));
            if is_write && self.draw(Consumer::Crowd, operation).chance(self.swarm.concurrency.crowded) {
                let name = format!("op{operation}");
                self.steps[at].start = Some(name.clone());
                self.crowd.push(name);
            }
            self.certain = after;
        }
        if let Some(background) = &mut self.background {
            background.left -= 1;
            background.disturbed |= !reads;
        }
        true
    }

    pub(super) fn end_background(&mut self) {
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
        for name in std::mem::take(&mut self.crowd) {
            self.push_plain(Action::Join(name));
        }
        self.steps[background.at].expect = expect;
        if !background.disturbed && !background.killed {
            (self.certain, self.clean) = (certain, clean);
        }
    }
}
