//! What happened in a cell, for the reports that explain a failure: its events in order, bounded, and forgotten as soon as
//! the cell turns out to be green.

use std::collections::{BTreeMap, VecDeque};

use crate::event::{CellId, Event, Record, StepRef, StoreCall};

/// Events of one cell that are kept from its beginning.
const FIRST_EVENTS_MAX: usize = 200;
/// Events of one cell that are kept after these: the last ones, since what went wrong is at the end. Those in between are
/// counted.
const LAST_EVENTS_MAX: usize = 400;
/// Store calls of one cell that are kept; of more, the last ones.
const CALLS_MAX: usize = 600;
/// Failed cells whose trail is kept.
const TRAILS_MAX: usize = 200;

/// What happened in one cell.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    /// When the cell got a worker, in milliseconds since the run started.
    pub started_ms: u64,
    /// Its first events in order, without its store calls.
    first: Vec<Record>,
    /// Its last events in order.
    last: VecDeque<Record>,
    /// Events in between, which were too many.
    pub events_dropped: u64,
    /// Steps that ended in between.
    pub steps_dropped: u64,
    /// When the last of these did.
    dropped_until_ms: u64,
    /// Its store calls with the time at which they were heard of.
    pub calls: VecDeque<(u64, StoreCall)>,
    /// Earlier store calls that were too many.
    pub calls_dropped: u64,
}

/// What the reports remember of cells that run or have failed.
#[derive(Clone, Debug, Default)]
pub struct Trails {
    cells: BTreeMap<CellId, Trail>,
    failed: usize,
}

impl Trails {
    /// Takes the next event.
    pub fn take(&mut self, record: &Record) {
        match &record.event {
            Event::CellStarted { cell, .. } => {
                let trail = Trail { started_ms: record.elapsed_ms, ..Trail::default() };
                self.cells.insert(cell.clone(), trail);
            }
            Event::StoreCall { cell, call } => {
                if let Some(trail) = self.cells.get_mut(cell) {
                    trail.push_call(record.elapsed_ms, call);
                }
            }
            Event::CellFinished(finished) => {
                let explains = finished.verdict.is_failure() && self.failed < TRAILS_MAX;
                if explains && self.cells.contains_key(&finished.cell) {
                    self.failed += 1;
                } else {
                    self.cells.remove(&finished.cell);
                }
            }
            event => {
                if let Some(trail) = event.cell().and_then(|cell| self.cells.get_mut(cell)) {
                    trail.push(record);
                }
            }
        }
    }

    /// What happened in a cell that runs or failed, if it was kept.
    pub fn of(&self, cell: &CellId) -> Option<&Trail> {
        self.cells.get(cell)
    }
}

impl Trail {
    fn push(&mut self, record: &Record) {
        if self.first.len() < FIRST_EVENTS_MAX {
            return self.first.push(record.clone());
        }
        if self.last.len() == LAST_EVENTS_MAX
            && let Some(dropped) = self.last.pop_front()
        {
            self.events_dropped += 1;
            if matches!(dropped.event, Event::StepFinished { .. }) {
                self.steps_dropped += 1;
                self.dropped_until_ms = dropped.elapsed_ms;
            }
        }
        self.last.push_back(record.clone());
    }

    /// Its events in order, as far as they were kept, each with its place among them.
    pub fn events(&self) -> impl Iterator<Item = (usize, &Record)> {
        self.first.iter().chain(&self.last).enumerate()
    }

    /// The place of the event before which others were left out, if any were.
    pub fn gap(&self) -> Option<usize> {
        (self.events_dropped > 0).then_some(self.first.len())
    }

    fn push_call(&mut self, at_ms: u64, call: &StoreCall) {
        if self.calls.len() == CALLS_MAX {
            self.calls.pop_front();
            self.calls_dropped += 1;
        }
        self.calls.push_back((at_ms, call.clone()));
    }

    /// Steps that ended, in order: which, how, and whether that was expected.
    pub fn steps(&self) -> impl Iterator<Item = (&StepRef, &crate::event::Outcome, bool)> {
        self.events().filter_map(|(_, record)| match &record.event {
            Event::StepFinished { step, outcome, as_expected, .. } => Some((step, outcome, *as_expected)),
            _ => None,
        })
    }

    /// For each event, the store calls that were heard of with it: a worker tells of its calls when a step ends, so they
    /// belong to the first step that ended no earlier. What is left was made after the last step. Calls of steps that were
    /// left out belong to none.
    pub fn calls_of_steps(&self) -> (BTreeMap<usize, Vec<&StoreCall>>, Vec<&StoreCall>) {
        let ends: Vec<(usize, u64)> = self
            .events()
            .filter(|(_, record)| matches!(record.event, Event::StepFinished { .. }))
            .map(|(index, record)| (index, record.elapsed_ms))
            .collect();
        let mut of_steps: BTreeMap<usize, Vec<&StoreCall>> = BTreeMap::new();
        let mut after = Vec::new();
        for (at_ms, call) in &self.calls {
            match ends.iter().find(|(_, ended_ms)| ended_ms >= at_ms) {
                Some((index, _)) if self.gap().is_some_and(|gap| *index >= gap) && *at_ms <= self.dropped_until_ms => {}
                Some((index, _)) => of_steps.entry(*index).or_default().push(call),
                None => after.push(call),
            }
        }
        (of_steps, after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn trails(records: &[Record]) -> Trails {
        let mut trails = Trails::default();
        records.iter().for_each(|record| trails.take(record));
        trails
    }

    #[test]
    fn a_failure_keeps_its_trail_and_a_green_cell_does_not() {
        let trails = trails(&samples::run());
        let kept = trails.of(&samples::broken_cell()).expect("the failure's trail");
        assert_eq!(kept.steps().count(), 2);
        assert!(trails.of(&CellId::new("recovery/a-leftover-is-consumed", "local")).is_none());
    }

    #[test]
    fn calls_stand_with_the_step_that_told_of_them() {
        let trails = trails(&samples::run());
        let trail = trails.of(&samples::broken_cell()).expect("the failure's trail");
        let (of_steps, after) = trail.calls_of_steps();
        assert_eq!(of_steps.values().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(after.len(), 1);
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let mut trail = Trail::default();
        let call = samples::call(0, "put", "ok");
        (0..CALLS_MAX as u64 + 3).for_each(|at| trail.push_call(at, &call));
        assert_eq!((trail.calls.len(), trail.calls_dropped, trail.calls[0].0), (CALLS_MAX, 3, 3));
    }

    #[test]
    fn of_a_long_cell_the_beginning_and_the_end_are_kept() {
        let ended = |number: u64| {
            let step =
                StepRef { number, kind: "load".into(), line: None, process: "main".into(), handle: "main".into() };
            let cell = samples::broken_cell();
            let (outcome, duration_ms) = (crate::event::Outcome::done(), 1);
            let event = Event::StepFinished { cell, step, outcome, as_expected: true, duration_ms };
            Record { elapsed_ms: number * 10, event }
        };
        let kept = (FIRST_EVENTS_MAX + LAST_EVENTS_MAX) as u64;
        let mut trail = Trail::default();
        (1..=kept).for_each(|number| trail.push(&ended(number)));
        assert_eq!((trail.gap(), trail.events_dropped), (None, 0));
        (kept + 1..=kept + 7).for_each(|number| trail.push(&ended(number)));
        let steps: Vec<u64> = trail.steps().map(|(step, ..)| step.number).collect();
        let first = FIRST_EVENTS_MAX as u64;
        assert_eq!((steps[0], steps[FIRST_EVENTS_MAX - 1], steps[FIRST_EVENTS_MAX]), (1, first, first + 8));
        assert_eq!(steps.last(), Some(&(kept + 7)), "what went wrong is at the end");
        assert_eq!((trail.gap(), trail.events_dropped, trail.steps_dropped), (Some(FIRST_EVENTS_MAX), 7, 7));
        // A call of a step that was left out stands with no other one.
        let call = samples::call(0, "put", "ok");
        [first * 10, first * 10 + 5, (first + 8) * 10].into_iter().for_each(|at| trail.push_call(at, &call));
        let (of_steps, after) = trail.calls_of_steps();
        assert_eq!(of_steps.into_keys().collect::<Vec<_>>(), [FIRST_EVENTS_MAX - 1, FIRST_EVENTS_MAX]);
        assert!(after.is_empty());
    }
}
