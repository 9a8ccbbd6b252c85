//! What a worker holds of the cell that it serves.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use omnigraph::clock::{Clock, SystemClock};
use rand::rngs::StdRng;
use tokio::sync::watch;

use super::outbox::Outbox;
use super::process::Process;
use super::site::Site;
use crate::event::FaultId;
use crate::oracle::evidence::Tick;
use crate::oracle::rows::Row;
use crate::runner::protocol::Begin;
use crate::simulation::clock::SimulatedClock;
use crate::workload::surroundings::Surroundings;

/// What a worker holds of the cell that it serves.
pub struct Host {
    /// What it was told.
    pub begin: Begin,
    /// The cell's store.
    pub site: Site,
    /// The way to the supervisor.
    pub outbox: Outbox,
    processes: Mutex<BTreeMap<String, Arc<Process>>>,
    clock: Arc<dyn Clock>,
    lives: Mutex<BTreeMap<String, u64>>,
    /// Rows of table versions that were read when they were new, by type and version.
    pub seen: Mutex<HashMap<(String, u64), Vec<Row>>>,
    /// Graph version of the last look.
    pub looked_at: Mutex<Option<u64>>,
    /// Ids for what is planted.
    pub planting: Mutex<StdRng>,
    /// What the readers beside the steps were told last.
    pub looks: watch::Sender<Look>,
}

/// What the readers beside the steps were told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// Where the cell's order of events stood.
    pub since: Tick,
    /// Whether they have read enough.
    pub enough: bool,
}

impl Host {
    /// Opens the cell's store.
    ///
    /// # Errors
    /// As [`Site::open`].
    pub async fn begin(begin: Begin, outbox: Outbox) -> Result<Arc<Host>, String> {
        let site = Site::open(&begin.address).await?;
        let planting = Mutex::new(begin.seed.stream("planting").rng());
        let clock: Arc<dyn Clock> = if begin.simulated { Arc::new(SimulatedClock) } else { Arc::new(SystemClock) };
        Ok(Arc::new(Host {
            begin,
            site,
            outbox,
            processes: Mutex::default(),
            clock,
            lives: Mutex::default(),
            seen: Mutex::default(),
            looked_at: Mutex::default(),
            planting,
            looks: watch::Sender::default(),
        }))
    }

    /// The process of this name, started if it does not live.
    pub fn process(&self, name: &str) -> Arc<Process> {
        let mut processes = self.lock();
        let start = || Process::start(name, self.surroundings(name), &self.begin, &self.site, &self.outbox);
        Arc::clone(processes.entry(name.to_owned()).or_insert_with(start))
    }

    /// What a process of this name brings along when it begins another life.
    pub fn surroundings(&self, name: &str) -> Surroundings {
        let mut lives = self.lives.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let life = lives.entry(name.to_owned()).or_default();
        *life += 1;
        // A real process begins its next life in another worker.
        let life = format!("{}.{life}", self.begin.worker);
        Surroundings::new(self.begin.seed.stream("process").stream(name).stream(&life), Arc::clone(&self.clock))
    }

    /// The process of this name, if it lives.
    pub fn living(&self, name: &str) -> Option<Arc<Process>> {
        self.lock().get(name).cloned()
    }

    /// Forgets a process that has died; its handles go without a word.
    pub fn bury(&self, process: &Arc<Process>) {
        let mut processes = self.lock();
        if processes.get(&process.name).is_some_and(|known| Arc::ptr_eq(known, process)) {
            processes.remove(&process.name);
        }
    }

    /// Lets the window go on that this fault holds.
    pub fn release(&self, process: &str, fault: &FaultId) -> bool {
        self.living(process).is_some_and(|process| process.board.release(fault))
    }

    /// Lets the readers read again.
    pub fn look(&self, since: Tick) {
        self.looks.send_modify(|look| look.since = since);
    }

    /// The readers have read enough.
    pub fn enough(&self) {
        self.looks.send_modify(|look| look.enough = true);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Process>>> {
        self.processes.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
