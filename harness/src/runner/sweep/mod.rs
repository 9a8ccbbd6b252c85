//! Sweeps: an operation is run once to count its durable writes, then killed at each of them; and so is each recovery.
//!
//! - this file: which case follows from which; [`tally`]: what a sweep has come to so far; [`calls`]: what a step of a
//!   finished cell called.
//!
//! A case is an ordinary scenario ([`crate::scenario::cuts`]). Counts are taken from the cells themselves: of the
//! operation from each case in which it came to its end, of a recovery from the case that it recovered.

mod calls;
mod tally;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use self::tally::Tally;
use super::derive::{Derive, EndedCell, Followed};
use super::plan::{CellPlan, Shard, plan};
use crate::backend::BackendKind;
use crate::event::{CellId, Event, Verdict};
use crate::scenario::Scenario;
use crate::scenario::cuts::{Again, Case, Cut, case};

/// Follows sweeps from count to cut to cut of the recovery.
#[derive(Default)]
pub struct Sweeper {
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
    cut: Cut,
    again: Option<Again>,
}

impl Sweeper {
    /// The cells that every sweep begins with, and whoever says what follows from them. Scenarios that are no sweeps are
    /// left out; a shard takes whole sweeps.
    pub fn plan(
        scenarios: &[Arc<Scenario>],
        backends: &[BackendKind],
        shard: Option<Shard>,
    ) -> (Vec<CellPlan>, Arc<Sweeper>) {
        let sweeper = Sweeper::default();
        let begun: Vec<(Arc<Scenario>, Case)> =
            scenarios.iter().filter_map(|sweep| Some((Arc::clone(sweep), case(sweep, Cut::Nowhere, None)?))).collect();
        let cases: Vec<Arc<Scenario>> = begun.iter().map(|(_, case)| Arc::new(case.scenario.clone())).collect();
        let plans = plan(&cases, backends, shard);
        {
            let mut state = sweeper.lock();
            for plan in &plans {
                let Some((sweep, case)) = begun.iter().find(|(_, case)| case.scenario.name == plan.id.scenario) else {
                    continue;
                };
                let place = Place { sweep: Arc::clone(sweep), case: case.clone(), cut: Cut::Nowhere, again: None };
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
        let next = next(&place, cell, tally);
        tally.ended(cell.finished.verdict.name());
        let cells: Vec<CellPlan> = next
            .into_iter()
            .filter_map(|(cut, again)| state.place(&place.sweep, cell.plan.backend, cut, again))
            .collect();
        let tally = state.tally(&place.sweep, cell.plan.backend);
        let over = tally.is_over();
        let report = tally.report();
        Followed { cells, news: if over { vec![Event::SweepFinished(report)] } else { Vec::new() } }
    }
}

/// The deaths that follow from a case.
fn next(place: &Place, cell: &EndedCell<'_>, tally: &mut Tally) -> Vec<(Cut, Option<Again>)> {
    // What did not hold says nothing on how many writes there are, and what follows from it would fail as it did.
    if cell.finished.verdict != Verdict::Held {
        return Vec::new();
    }
    let came_to_its_end = matches!(place.cut, Cut::Nowhere | Cut::AfterAnswer) && place.again.is_none();
    let mut next = Vec::new();
    if came_to_its_end {
        let cuts = tally.counted(calls::durable_writes(cell.events, place.case.operation));
        next.extend(cuts.map(|done| (Cut::Write(done), None)));
    }
    if place.cut == Cut::Nowhere {
        next.extend([(Cut::BeforeAnswer, None), (Cut::AfterAnswer, None)]);
    }
    if place.cut != Cut::Nowhere && place.again.is_none() {
        let writes: Vec<u64> =
            place.case.recovery.iter().map(|&number| calls::durable_writes(cell.events, number)).collect();
        if writes.iter().all(|writes| *writes == 0) {
            tally.quiet();
        }
        for (step, writes) in writes.into_iter().enumerate().filter(|(_, writes)| *writes > 0) {
            next.extend((0..=writes).map(|write| (place.cut, Some(Again { step, write }))));
        }
    }
    next
}

impl State {
    fn tally(&mut self, sweep: &Scenario, backend: BackendKind) -> &mut Tally {
        let key = (sweep.name.clone(), backend.as_str().to_owned());
        self.tallies.entry(key).or_insert_with(|| Tally::new(&sweep.name, backend.as_str()))
    }

    /// Plans a case, and remembers where it stands.
    fn place(
        &mut self,
        sweep: &Arc<Scenario>,
        backend: BackendKind,
        cut: Cut,
        again: Option<Again>,
    ) -> Option<CellPlan> {
        let case = case(sweep, cut, again)?;
        let scenario = Arc::new(case.scenario.clone());
        let id = CellId::new(&scenario.name, backend.as_str());
        let tally = self.tally(sweep, backend);
        tally.planned();
        tally.tries(cut, again);
        self.places.insert(id.clone(), Place { sweep: Arc::clone(sweep), case, cut, again });
        Some(CellPlan { id, scenario, backend, not_applicable: None })
    }
}

#[cfg(test)]
mod tests;
