//! Sweeps: an operation is run once to count its durable writes, then killed at each of them; and so is each recovery.
//!
//! - this file: which case follows from which; [`pairing`]: which pairs of faults do; [`alike`]: which of them need not be
//!   tried on every backend; [`tally`]: what a sweep has come to so far; [`calls`]: what a step of a finished cell called.
//!
//! A case is an ordinary scenario ([`crate::scenario::cuts`], [`crate::scenario::pairs`]). Counts are taken from the cells themselves: of the
//! operation from each case in which it came to its end, of a recovery from the case that it recovered.
//!
//! Deaths are tried on each backend. Pairs of faults are some thousands, so the fastest backend tries them all, and the
//! others those that differ in what reaches a store ([`alike`]). Without `memory` among them, each tries them all.

mod alike;
mod calls;
mod pairing;
mod tally;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use self::alike::Alike;
use self::tally::Tally;
use super::derive::{Derive, EndedCell, Followed};
use super::durations::Durations;
use super::plan::{CellPlan, Shard, plan};
use crate::backend::BackendKind;
use crate::event::{CellId, Event, Record, Verdict};
use crate::scenario::Scenario;
use crate::scenario::cuts::{Again, Case, Cut, case};
use crate::scenario::pairs::{self, CallCounts, First, Second};

/// The backend that tries every pair, if it is among those that are asked for: a cell is cheapest there.
const TRIES_ALL: BackendKind = BackendKind::Memory;

/// Follows sweeps from count to cut to cut of the recovery, and from windows to first faults to pairs of faults.
pub struct Sweeper {
    pairs: bool,
    backends: Vec<BackendKind>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    places: HashMap<CellId, Place>,
    /// By the name of the sweep and its backend.
    tallies: BTreeMap<(String, BackendKind), Tally>,
    /// By the name of the sweep: what the backend that tries every pair has found for the others.
    found: BTreeMap<String, Found>,
}

/// The first faults and the pairs that the other backends try as well.
#[derive(Default)]
struct Found {
    alike: Alike,
    roles: Vec<Role>,
    left_out: u64,
}

/// Where a cell stands in its sweep.
struct Place {
    sweep: Arc<Scenario>,
    case: Case,
    role: Role,
}

/// What a cell is for.
#[derive(Clone, Debug)]
enum Role {
    /// A death by count, and perhaps another in the recovery.
    Cut(Cut, Option<Again>),
    /// Shows which windows the operation crosses.
    Probe,
    /// One fault at a window. One that fails and does not kill knows what was called before it.
    First(First, CallCounts),
    /// Two faults.
    Pair(First, Second),
}

impl Role {
    fn case(&self, sweep: &Scenario) -> Option<Case> {
        match self {
            Role::Cut(cut, again) => case(sweep, *cut, *again),
            Role::Probe => pairs::probe(sweep),
            Role::First(first, _) => pairs::first(sweep, first),
            Role::Pair(first, second) => pairs::pair(sweep, first, second),
        }
    }
}

impl Sweeper {
    /// The cells that every sweep begins with, and whoever says what follows from them. Scenarios that are no sweeps are
    /// left out; a shard takes whole sweeps. With `pairs`, pairs of faults are tried as well.
    pub fn plan(
        scenarios: &[Arc<Scenario>],
        backends: &[BackendKind],
        shard: Option<Shard>,
        pairs: bool,
    ) -> (Vec<CellPlan>, Arc<Sweeper>) {
        let sweeper = Sweeper { pairs, backends: backends.to_vec(), state: Mutex::default() };
        let begun: Vec<(Arc<Scenario>, Case)> =
            scenarios.iter().filter_map(|sweep| Some((Arc::clone(sweep), case(sweep, Cut::Nowhere, None)?))).collect();
        let cases: Vec<Arc<Scenario>> = begun.iter().map(|(_, case)| Arc::new(case.scenario.clone())).collect();
        let plans = plan(&cases, backends, shard, &Durations::default());
        {
            let mut state = sweeper.lock();
            if pairs {
                // Of a shard, only what is planned in it can tell anybody anything.
                let tried = plans.iter().filter(|plan| plan.backend == TRIES_ALL);
                let sweep_of = |plan: &CellPlan| begun.iter().find(|(_, case)| case.scenario.name == plan.id.scenario);
                state.found =
                    tried.filter_map(sweep_of).map(|(sweep, _)| (sweep.name.clone(), Found::default())).collect();
            }
            for plan in &plans {
                let Some((sweep, case)) = begun.iter().find(|(_, case)| case.scenario.name == plan.id.scenario) else {
                    continue;
                };
                let role = Role::Cut(Cut::Nowhere, None);
                let place = Place { sweep: Arc::clone(sweep), case: case.clone(), role };
                let waits = state.is_told_its_pairs(&sweep.name, plan.backend);
                let tally = state.tally(&sweep.name, plan.backend);
                tally.planned();
                tally.waits(waits);
                state.places.insert(plan.id.clone(), place);
            }
        }
        (plans, Arc::new(sweeper))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Derive for Sweeper {
    fn follow(&self, cell: &EndedCell<'_>) -> Followed {
        let mut state = self.lock();
        let Some(place) = state.places.remove(&cell.plan.id) else { return Followed::default() };
        let backend = cell.plan.backend;
        let told = state.is_told_its_pairs(&place.sweep.name, backend);
        let tally = state.tally(&place.sweep.name, backend);
        let next = self.next(&place, told, cell, tally);
        tally.ended(cell.finished.verdict.name());
        let held = cell.finished.verdict == Verdict::Held;
        if matches!(place.role, Role::Cut(Cut::Nowhere, _)) && !held {
            // Whatever does not come to its end without a fault has no pairs either.
            tally.waits(false);
        }
        if backend == TRIES_ALL
            && held
            && let Some(found) = state.found.get_mut(&place.sweep.name)
        {
            found.add(&place.role, cell.events);
        }
        let mut cells: Vec<CellPlan> =
            next.into_iter().filter_map(|role| state.place(&place.sweep, backend, role)).collect();
        cells.extend(self.told_their_pairs(&mut state, &place.sweep));
        let over = self.backends.iter().filter_map(|backend| state.over(&place.sweep.name, *backend)).collect();
        Followed { cells, news: over }
    }
}

impl Found {
    fn add(&mut self, role: &Role, events: &[Record]) {
        match role {
            Role::First(..) => self.roles.push(role.clone()),
            Role::Pair(first, second) if self.alike.is_new(first, second, events) => self.roles.push(role.clone()),
            Role::Pair(..) => self.left_out += 1,
            Role::Cut(..) | Role::Probe => {}
        }
    }
}

impl Sweeper {
    /// The pairs of the other backends, once all are known.
    fn told_their_pairs(&self, state: &mut State, sweep: &Arc<Scenario>) -> Vec<CellPlan> {
        let known = state.tallies.get(&(sweep.name.clone(), TRIES_ALL)).is_some_and(Tally::is_over);
        let Some(found) = state.found.get(&sweep.name).filter(|_| known) else { return Vec::new() };
        let mut ready = Vec::new();
        for &backend in &self.backends {
            let Some(tally) = state.tallies.get_mut(&(sweep.name.clone(), backend)) else { continue };
            if tally.stops_waiting() {
                tally.leaves_out_many(alike::ARGUMENT, found.left_out);
                ready.push(backend);
            }
        }
        let roles = found.roles.clone();
        let each = ready.into_iter().flat_map(|backend| roles.iter().map(move |role| (backend, role.clone())));
        each.filter_map(|(backend, role)| state.place(sweep, backend, role)).collect()
    }

    /// What follows from a case, on a backend that is told its pairs or tries them all.
    fn next(&self, place: &Place, told: bool, cell: &EndedCell<'_>, tally: &mut Tally) -> Vec<Role> {
        // What did not hold says nothing on what there is, and what follows from it would fail as it did.
        if cell.finished.verdict != Verdict::Held {
            return Vec::new();
        }
        match &place.role {
            Role::Cut(cut, None) => {
                let mut next = cuts(*cut, &place.case, cell, tally);
                if self.pairs && !told && *cut == Cut::Nowhere {
                    next.push(Role::Probe);
                }
                next
            }
            Role::First(..) if told => Vec::new(),
            Role::Probe => {
                let firsts = pairing::firsts(cell.finished, &place.case).into_iter();
                firsts.map(|first| Role::First(first, CallCounts::new())).collect()
            }
            Role::First(first, before) => {
                let seconds = pairing::seconds(first, &place.case, cell.events, before, tally);
                let mut next: Vec<Role> = seconds.into_iter().map(|second| Role::Pair(first.clone(), second)).collect();
                if first.dies {
                    // Up to its death it did what it does up to an error at the same place.
                    let before = calls::counts(cell.events, place.case.operation);
                    next.push(Role::First(First { dies: false, ..first.clone() }, before));
                }
                next
            }
            Role::Cut(_, Some(_)) | Role::Pair(..) => Vec::new(),
        }
    }
}

/// The deaths that follow from a death, or from none.
fn cuts(cut: Cut, case: &Case, cell: &EndedCell<'_>, tally: &mut Tally) -> Vec<Role> {
    let mut next = Vec::new();
    if matches!(cut, Cut::Nowhere | Cut::AfterAnswer) {
        let cuts = tally.counted(calls::durable_writes(cell.events, case.operation));
        next.extend(cuts.map(|done| Role::Cut(Cut::Write(done), None)));
    }
    if cut == Cut::Nowhere {
        next.extend([Cut::BeforeAnswer, Cut::AfterAnswer].map(|cut| Role::Cut(cut, None)));
        return next;
    }
    let writes: Vec<u64> = case.recovery.iter().map(|&number| calls::durable_writes(cell.events, number)).collect();
    if writes.iter().all(|writes| *writes == 0) {
        tally.quiet();
    }
    for (step, writes) in writes.into_iter().enumerate().filter(|(_, writes)| *writes > 0) {
        next.extend((0..=writes).map(|write| Role::Cut(cut, Some(Again { step, write }))));
    }
    next
}

impl State {
    fn tally(&mut self, sweep: &str, backend: BackendKind) -> &mut Tally {
        self.tallies.entry((sweep.to_owned(), backend)).or_insert_with(|| Tally::new(sweep, backend.as_str()))
    }

    /// Whether another backend says which pairs of the sweep this one tries.
    fn is_told_its_pairs(&self, sweep: &str, backend: BackendKind) -> bool {
        backend != TRIES_ALL && self.found.contains_key(sweep)
    }

    /// What a sweep came to on a backend, once, when it is over there.
    fn over(&mut self, sweep: &str, backend: BackendKind) -> Option<Event> {
        self.tallies.get_mut(&(sweep.to_owned(), backend))?.told().map(Event::SweepFinished)
    }

    /// Plans a case, and remembers where it stands.
    fn place(&mut self, sweep: &Arc<Scenario>, backend: BackendKind, role: Role) -> Option<CellPlan> {
        let case = role.case(sweep)?;
        let scenario = Arc::new(case.scenario.clone());
        let id = CellId::new(&scenario.name, backend.as_str());
        let tally = self.tally(&sweep.name, backend);
        tally.planned();
        match &role {
            Role::Cut(cut, again) => tally.tries(*cut, *again),
            Role::First(..) => tally.tries_first(),
            Role::Pair(..) => tally.tries_pair(),
            Role::Probe => {}
        }
        self.places.insert(id.clone(), Place { sweep: Arc::clone(sweep), case, role });
        Some(CellPlan { id, scenario, backend, not_applicable: None })
    }
}

#[cfg(test)]
mod tests;
