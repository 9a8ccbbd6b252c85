//! Sweeps: an operation is run once to count its durable writes, then killed at each of them; and so is each recovery.
//!
//! - this file: which case follows from which; [`pairing`]: which pairs of faults do; [`tally`]: what a sweep has come to so far; [`calls`]: what a step of a
//!   finished cell called.
//!
//! A case is an ordinary scenario ([`crate::scenario::cuts`], [`crate::scenario::pairs`]). Counts are taken from the cells themselves: of the
//! operation from each case in which it came to its end, of a recovery from the case that it recovered.

mod calls;
mod pairing;
mod tally;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use self::tally::Tally;
use super::derive::{Derive, EndedCell, Followed};
use super::durations::Durations;
use super::plan::{CellPlan, Shard, plan};
use crate::backend::BackendKind;
use crate::event::{CellId, Event, Verdict};
use crate::scenario::Scenario;
use crate::scenario::cuts::{Again, Case, Cut, case};
use crate::scenario::pairs::{self, CallCounts, First, Second};

/// Follows sweeps from count to cut to cut of the recovery, and from windows to first faults to pairs of faults.
pub struct Sweeper {
    pairs: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    places: HashMap<CellId, Place>,
    /// By the name of the sweep and its backend.
    tallies: BTreeMap<(String, String), Tally>,
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
        let sweeper = Sweeper { pairs, state: Mutex::default() };
        let begun: Vec<(Arc<Scenario>, Case)> =
            scenarios.iter().filter_map(|sweep| Some((Arc::clone(sweep), case(sweep, Cut::Nowhere, None)?))).collect();
        let cases: Vec<Arc<Scenario>> = begun.iter().map(|(_, case)| Arc::new(case.scenario.clone())).collect();
        let plans = plan(&cases, backends, shard, &Durations::default());
        {
            let mut state = sweeper.lock();
            for plan in &plans {
                let Some((sweep, case)) = begun.iter().find(|(_, case)| case.scenario.name == plan.id.scenario) else {
                    continue;
                };
                let role = Role::Cut(Cut::Nowhere, None);
                let place = Place { sweep: Arc::clone(sweep), case: case.clone(), role };
                state.tally(sweep, plan.backend).planned();
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
        let tally = state.tally(&place.sweep, cell.plan.backend);
        let next = self.next(&place, cell, tally);
        tally.ended(cell.finished.verdict.name());
        let cells: Vec<CellPlan> =
            next.into_iter().filter_map(|role| state.place(&place.sweep, cell.plan.backend, role)).collect();
        let tally = state.tally(&place.sweep, cell.plan.backend);
        let over = tally.is_over();
        let report = tally.report();
        Followed { cells, news: if over { vec![Event::SweepFinished(report)] } else { Vec::new() } }
    }
}

impl Sweeper {
    /// What follows from a case.
    fn next(&self, place: &Place, cell: &EndedCell<'_>, tally: &mut Tally) -> Vec<Role> {
        // What did not hold says nothing on what there is, and what follows from it would fail as it did.
        if cell.finished.verdict != Verdict::Held {
            return Vec::new();
        }
        match &place.role {
            Role::Cut(cut, None) => {
                let mut next = cuts(*cut, &place.case, cell, tally);
                if self.pairs && *cut == Cut::Nowhere {
                    next.push(Role::Probe);
                }
                next
            }
            Role::Probe => {
                let firsts = pairing::firsts(cell.finished).into_iter();
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
    fn tally(&mut self, sweep: &Scenario, backend: BackendKind) -> &mut Tally {
        let key = (sweep.name.clone(), backend.as_str().to_owned());
        self.tallies.entry(key).or_insert_with(|| Tally::new(&sweep.name, backend.as_str()))
    }

    /// Plans a case, and remembers where it stands.
    fn place(&mut self, sweep: &Arc<Scenario>, backend: BackendKind, role: Role) -> Option<CellPlan> {
        let case = role.case(sweep)?;
        let scenario = Arc::new(case.scenario.clone());
        let id = CellId::new(&scenario.name, backend.as_str());
        let tally = self.tally(sweep, backend);
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
