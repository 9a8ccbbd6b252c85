//! The faults that are armed in one process, with their counts: what its fault layer and its failpoints ask.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use omnigraph::storage::{Call, LateCall};
use tokio::sync::oneshot;

use super::concrete;
use super::life::Life;
use super::matcher::CallMatcher;
use super::rule::{FaultOrder, Rule};
use super::schedule::{ActionSchedule, CallSchedule};
use super::store::{Blow, Strike, strike_of};
use super::wire::{Disturb, disturbance_of};
use crate::event::{FaultId, FaultTally, Firing};
use crate::scenario::model::{CrashPoint, Task};
use crate::seed::Seed;

/// Hears at once what faults do, since a process that dies cannot tell later.
pub trait FaultWatch: Send + Sync {
    /// The site of this fault was met for the first time.
    fn reached(&self, fault: &FaultId);
    /// This fault fired for the first time.
    fn fired(&self, fault: &FaultId, firing: &Firing);
    /// A window is held by this fault until it is released.
    fn held(&self, fault: &FaultId);
    /// A call was kept back, to arrive when the scenario says so under this name. It outlives the process.
    fn late(&self, name: &str, call: LateCall);
}

/// The faults that are armed in one process.
pub struct Board {
    life: Arc<Life>,
    watch: Arc<dyn FaultWatch>,
    seed: Seed,
    hold_max: Duration,
    armed: Mutex<Vec<Armed>>,
    holds: Mutex<HashMap<FaultId, oneshot::Sender<()>>>,
    dies_after: Mutex<Option<Call>>,
}

struct Armed {
    id: FaultId,
    active: bool,
    reached: u64,
    fired: u64,
    firings: BTreeSet<Firing>,
    site: Site,
}

enum Site {
    Failpoint {
        name: String,
        schedule: ActionSchedule,
    },
    /// How many crossings are still to pass before the one that is held; none when it has been.
    Hold {
        name: String,
        left: Option<u64>,
    },
    Crash(CrashPoint),
    Store {
        matcher: CallMatcher,
        schedule: CallSchedule,
        strike: Box<dyn Strike>,
    },
    Wire {
        matcher: CallMatcher,
        schedule: CallSchedule,
        disturbance: Arc<dyn Disturb>,
    },
}

/// Keeps faults armed; dropping it lifts them. Their counts stay.
#[must_use = "the faults are lifted when this is dropped"]
pub struct ArmedGuard {
    board: Arc<Board>,
    ids: Vec<FaultId>,
}

impl Drop for ArmedGuard {
    fn drop(&mut self) {
        self.board.lift(&self.ids);
    }
}

impl Board {
    /// Nothing armed. Windows are held for `hold_max` at the most.
    pub fn new(life: Arc<Life>, watch: Arc<dyn FaultWatch>, seed: Seed, hold_max: Duration) -> Arc<Self> {
        Arc::new(Board {
            life,
            watch,
            seed,
            hold_max,
            armed: Mutex::default(),
            holds: Mutex::default(),
            dies_after: Mutex::default(),
        })
    }

    /// The life of the process.
    pub fn life(&self) -> &Arc<Life> {
        &self.life
    }

    /// Arms faults until the guard is dropped.
    ///
    /// # Errors
    /// A rule that cannot be understood; nothing is armed then.
    pub fn arm(self: &Arc<Self>, orders: &[FaultOrder]) -> Result<ArmedGuard, String> {
        let armed = orders.iter().map(|order| self.compile(order)).collect::<Result<Vec<_>, String>>()?;
        let ids = orders.iter().map(|order| order.id.clone()).collect();
        self.lock().extend(armed);
        Ok(ArmedGuard { board: Arc::clone(self), ids })
    }

    fn compile(&self, order: &FaultOrder) -> Result<Armed, String> {
        let seed = concrete::stream_of(self.seed, order.id.step, order.id.ordinal);
        let site = match &order.rule {
            Rule::Failpoint { name, actions } => {
                Site::Failpoint { name: name.to_string(), schedule: ActionSchedule::new(actions, seed) }
            }
            Rule::Hold { name, crossing } => {
                Site::Hold { name: name.to_string(), left: Some(crossing.saturating_sub(1)) }
            }
            Rule::Crash(point) => Site::Crash(*point),
            Rule::Store(fault) => Site::Store {
                matcher: CallMatcher::new(&fault.on)?,
                schedule: CallSchedule::new(fault.when, seed),
                strike: strike_of(&fault.effect),
            },
            Rule::Wire(fault) => Site::Wire {
                matcher: CallMatcher::new(&fault.on.as_matcher())?,
                schedule: CallSchedule::new(fault.when, seed),
                disturbance: disturbance_of(&fault.effect),
            },
        };
        Ok(Armed { id: order.id.clone(), active: true, reached: 0, fired: 0, firings: BTreeSet::new(), site })
    }

    /// Every fault that was ever armed here, with its counts, in the order in which they were armed.
    pub fn tallies(&self) -> Vec<FaultTally> {
        let armed = self.lock();
        armed
            .iter()
            .map(|fault| FaultTally {
                fault: fault.id.clone(),
                reached: fault.reached,
                fired: fault.fired,
                firings: fault.firings.clone(),
            })
            .collect()
    }

    /// Lets the window go on that this fault holds; says whether there was one.
    pub fn release(&self, fault: &FaultId) -> bool {
        let waiting = self.lock_holds().remove(fault);
        waiting.is_some_and(|waiting| waiting.send(()).is_ok())
    }

    fn lift(&self, ids: &[FaultId]) {
        for fault in self.lock().iter_mut().filter(|fault| ids.contains(&fault.id)) {
            fault.active = false;
        }
        for id in ids {
            self.release(id);
        }
    }

    /// A window was crossed: counts it for every failpoint that is armed there.
    pub(super) fn crossed(&self, scoped: &str, window: &str) {
        for fault in self.lock().iter_mut().filter(|fault| fault.active) {
            let (Site::Failpoint { name, .. } | Site::Hold { name, .. }) = &fault.site else { continue };
            if name == scoped || name == window {
                fault.reached += 1;
                if fault.reached == 1 {
                    self.watch.reached(&fault.id);
                }
            }
        }
    }

    /// What the failpoint of exactly this name does at this crossing, which `crossing` names with whoever acts; the first
    /// armed fault that does something decides.
    pub(super) fn cross(&self, point: &str, crossing: &str) -> Option<(FaultId, Task)> {
        for fault in self.lock().iter_mut().filter(|fault| fault.active) {
            let task = match &mut fault.site {
                Site::Failpoint { name, schedule } if name == point => schedule.cross(),
                Site::Hold { name, left } if name == point => match *left {
                    Some(0) => {
                        *left = None;
                        Some(Task::Pause)
                    }
                    Some(passing) => {
                        *left = Some(passing - 1);
                        None
                    }
                    None => None,
                },
                _ => None,
            };
            if let Some(task) = task {
                self.count_fired(fault, Firing { at: crossing.to_owned(), did: task.as_str().to_owned() });
                return Some((fault.id.clone(), task));
            }
        }
        None
    }

    /// What becomes of a store call; the first armed fault that strikes it decides, and all that meet it count it.
    pub(super) fn strike(&self, call: &Call) -> Option<(FaultId, Blow)> {
        let mut struck = None;
        for fault in self.lock().iter_mut().filter(|fault| fault.active) {
            let Site::Store { matcher, schedule, strike } = &mut fault.site else { continue };
            if !matcher.meets(call) {
                continue;
            }
            fault.reached += 1;
            if fault.reached == 1 {
                self.watch.reached(&fault.id);
            }
            // A call that is struck already still uses up a match of the others, as it would without the first fault.
            let strikes = strike.can_strike(call) && schedule.strikes();
            if strikes && struck.is_none() {
                let blow = strike.strike(call);
                let did = fault.id.action.clone();
                self.count_fired(fault, Firing { at: call.to_string(), did });
                struck = Some((fault.id.clone(), blow));
            }
        }
        struck
    }

    /// The step is done and is about to be answered for: dies here if that is armed.
    pub async fn answer(&self) {
        let mut dies = false;
        for fault in self.lock().iter_mut().filter(|fault| fault.active) {
            if let Site::Crash(CrashPoint::BeforeAnswer) = fault.site {
                fault.reached += 1;
                self.watch.reached(&fault.id);
                self.count_fired(fault, Firing { at: "the answer".to_owned(), did: fault.id.action.clone() });
                dies = true;
            }
        }
        if dies {
            self.life.die("the answer, before it was given");
            // A simulated process: whoever runs the step drops it here.
            std::future::pending().await
        }
    }

    /// What becomes of a request that stands for these calls; the first armed fault that strikes it decides, and all that
    /// meet it count it.
    pub(super) fn disturbance(&self, calls: &[Call]) -> Option<Arc<dyn Disturb>> {
        let mut struck = None;
        for fault in self.lock().iter_mut().filter(|fault| fault.active) {
            let Site::Wire { matcher, schedule, disturbance } = &mut fault.site else { continue };
            let Some(call) = calls.iter().find(|call| matcher.meets(call)) else { continue };
            fault.reached += 1;
            if fault.reached == 1 {
                self.watch.reached(&fault.id);
            }
            let strikes = disturbance.can_strike(call) && schedule.strikes();
            if strikes && struck.is_none() {
                struck = Some(Arc::clone(disturbance));
                // Nobody can tell the realm of a request.
                let at = format!("{} {}", call.operation, call.path);
                let did = fault.id.action.clone();
                self.count_fired(fault, Firing { at, did });
            }
        }
        struck
    }

    /// Hands on what arrives later.
    pub(super) fn keep_late(&self, name: &str, call: LateCall) {
        self.watch.late(name, call);
    }

    /// The process dies when this call is done.
    pub(super) fn die_after(&self, call: &Call) {
        *self.dies_after.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(call.clone());
    }

    /// Whether the process dies now that this call is done.
    pub(super) fn takes_death_after(&self, done: &Call) -> bool {
        let mut waiting = self.dies_after.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // The bytes of a read are known only when it is done.
        let same = |call: &Call| (call.realm, call.operation, &call.path) == (done.realm, done.operation, &done.path);
        waiting.take_if(|call| same(call)).is_some()
    }

    fn count_fired(&self, fault: &mut Armed, firing: Firing) {
        fault.fired += 1;
        if fault.fired == 1 {
            self.watch.fired(&fault.id, &firing);
        }
        if fault.firings.len() < Firing::COUNT_MAX {
            fault.firings.insert(firing);
        }
    }

    /// Waits until `fault` is released or lifted.
    ///
    /// # Errors
    /// Nobody did within the bound.
    pub(super) async fn hold(&self, fault: &FaultId) -> Result<(), String> {
        let (release, released) = oneshot::channel();
        self.lock_holds().insert(fault.clone(), release);
        self.watch.held(fault);
        match tokio::time::timeout(self.hold_max, released).await {
            Ok(_) => Ok(()),
            Err(_) => {
                let limit = self.hold_max.as_millis();
                Err(format!("failpoint {} was held for {limit} ms and nobody released it", fault.site))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Armed>> {
        self.armed.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn lock_holds(&self) -> MutexGuard<'_, HashMap<FaultId, oneshot::Sender<()>>> {
        self.holds.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Board").field("life", &self.life).field("tallies", &self.tallies()).finish_non_exhaustive()
    }
}
