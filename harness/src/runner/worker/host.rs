//! What a worker holds of the cell that it serves.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use rand::rngs::StdRng;

use super::outbox::Outbox;
use super::process::Process;
use super::site::Site;
use crate::event::FaultId;
use crate::runner::protocol::Begin;

/// What a worker holds of the cell that it serves.
pub struct Host {
    /// What it was told.
    pub begin: Begin,
    /// The cell's store.
    pub site: Site,
    /// The way to the supervisor.
    pub outbox: Outbox,
    processes: Mutex<BTreeMap<String, Arc<Process>>>,
    /// Table versions that were read when they were new: type and version.
    pub seen: Mutex<HashSet<(String, u64)>>,
    /// Ids for what is planted.
    pub planting: Mutex<StdRng>,
}

impl Host {
    /// Opens the cell's store.
    ///
    /// # Errors
    /// As [`Site::open`].
    pub async fn begin(begin: Begin, outbox: Outbox) -> Result<Arc<Host>, String> {
        let site = Site::open(&begin.address).await?;
        let planting = Mutex::new(begin.seed.stream("planting").rng());
        Ok(Arc::new(Host { begin, site, outbox, processes: Mutex::default(), seen: Mutex::default(), planting }))
    }

    /// The process of this name, started if it does not live.
    pub fn process(&self, name: &str) -> Arc<Process> {
        let mut processes = self.lock();
        let start = || Process::start(name, &self.begin, &self.site, &self.outbox);
        Arc::clone(processes.entry(name.to_owned()).or_insert_with(start))
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

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Process>>> {
        self.processes.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
