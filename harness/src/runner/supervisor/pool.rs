//! Workers that wait for a cell. Starting one costs more than most cells do, so one that ended a cell in good order serves
//! another; whatever it held of the first is dropped, and a process of the second is a new one all the same.
//!
//! A simulated cell takes a worker that nobody has used and that nobody uses again: what a process has drawn or cached once,
//! such as the keys of its hash maps, would carry one cell into the next.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

use super::worker_process::WorkerProcess;
use crate::runner::protocol::Request;

/// Cells that one worker serves at the most, which bounds what it can hoard.
const CELLS_MAX: u64 = 100;

/// Workers that wait.
pub struct Pool {
    program: PathBuf,
    idle_max: usize,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    fresh: Vec<WorkerProcess>,
    used: Vec<WorkerProcess>,
}

impl Pool {
    /// Starts workers from `program` and keeps `idle_max` of them waiting at the most.
    pub fn new(program: PathBuf, idle_max: usize) -> Self {
        Pool { program, idle_max, idle: Mutex::default() }
    }

    /// Starts `count` workers ahead of time. One that cannot be started is found out when it is needed.
    pub fn warm_up(&self, count: usize) {
        for _ in 0..count.min(self.idle_max) {
            if let Ok(worker) = WorkerProcess::spawn(&self.program) {
                self.lock().fresh.push(worker);
            }
        }
    }

    /// A worker without a cell.
    ///
    /// # Errors
    /// None waits and none can be started.
    pub fn take(&self) -> io::Result<WorkerProcess> {
        let waiting = {
            let mut idle = self.lock();
            idle.used.pop().or_else(|| idle.fresh.pop())
        };
        match waiting {
            Some(worker) => Ok(worker),
            None => WorkerProcess::spawn(&self.program),
        }
    }

    /// A worker that has never had a cell. Another is started in its place, and is ready when it is asked for.
    ///
    /// # Errors
    /// As [`Pool::take`].
    pub fn take_fresh(&self) -> io::Result<WorkerProcess> {
        let next = WorkerProcess::spawn(&self.program)?;
        let mut idle = self.lock();
        // First come, first served: the one that was started first is the furthest.
        idle.fresh.push(next);
        Ok(idle.fresh.remove(0))
    }

    /// Takes back a worker that has answered everything it was asked. One that crashed or hung never comes back.
    pub async fn give_back(&self, mut worker: WorkerProcess) {
        worker.send(&Request::End).await;
        worker.clear_log();
        let mut idle = self.lock();
        if worker.cells < CELLS_MAX && idle.fresh.len() + idle.used.len() < self.idle_max {
            idle.used.push(worker);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
