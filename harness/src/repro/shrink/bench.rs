//! Where candidates are run: one supervisor that stays up, with its backend and its workers, and is handed one after
//! another.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::failure::{StepEnd, Trial};
use crate::backend::BackendKind;
use crate::event::{CellId, Event, FinishedCell, Record, Sink};
use crate::runner::CellPlan;
use crate::scenario::Scenario;

/// Runs candidates.
pub trait Bench {
    /// Runs scenarios side by side; one trial each, in their order. None when nothing more can be run.
    fn run(&mut self, batch: &[Scenario]) -> impl Future<Output = Option<Vec<Trial>>>;
}

/// A bench on a supervisor of its own.
pub struct Supervised {
    backend: BackendKind,
    plans: mpsc::UnboundedSender<CellPlan>,
    trials: mpsc::UnboundedReceiver<(CellId, Trial)>,
    count: u64,
}

impl Supervised {
    /// A bench for `backend`, with the plans that its supervisor takes and the sink that listens to it. The supervisor ends
    /// when the bench is dropped; the bench when the supervisor does.
    pub fn new(backend: BackendKind) -> (Self, mpsc::UnboundedReceiver<CellPlan>, Box<dyn Sink>) {
        let (plans, planned) = mpsc::unbounded_channel();
        let (sender, trials) = mpsc::unbounded_channel();
        let listener = Listener { ends: BTreeMap::new(), trials: sender };
        (Supervised { backend, plans, trials, count: 0 }, planned, Box::new(listener))
    }
}

impl Bench for Supervised {
    async fn run(&mut self, batch: &[Scenario]) -> Option<Vec<Trial>> {
        let mut places = BTreeMap::new();
        for (place, scenario) in batch.iter().enumerate() {
            self.count += 1;
            // A name of its own, so that a scenario without a seed draws other numbers in each run.
            let name = format!("shrink/{}", self.count);
            let id = CellId::new(&name, self.backend.as_str());
            let scenario = Arc::new(Scenario { name, ..scenario.clone() });
            places.insert(id.clone(), place);
            self.plans.send(CellPlan { id, scenario, backend: self.backend, not_applicable: None }).ok()?;
        }
        let mut trials: Vec<Option<Trial>> = batch.iter().map(|_| None).collect();
        while !places.is_empty() {
            let (cell, trial) = self.trials.recv().await?;
            if let Some(place) = places.remove(&cell) {
                trials[place] = Some(trial);
            }
        }
        trials.into_iter().collect()
    }
}

/// Listens to the supervisor.
struct Listener {
    ends: BTreeMap<CellId, Vec<StepEnd>>,
    trials: mpsc::UnboundedSender<(CellId, Trial)>,
}

impl Sink for Listener {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        if let (Some(cell), Some(end)) = (record.event.cell(), StepEnd::of(&record.event)) {
            self.ends.entry(cell.clone()).or_default().push(end);
        }
        if let Event::CellFinished(FinishedCell { cell, verdict, faults, .. }) = &record.event {
            let ends = self.ends.remove(cell).unwrap_or_default();
            let trial = Trial { verdict: verdict.clone(), faults: faults.clone(), ends };
            // Nobody listens any more once the search is over.
            let _ = self.trials.send((cell.clone(), trial));
        }
        Ok(())
    }
}
