//! Finish or undo what a crash left: observe, classify, decide, act, audit.
//!
//! [`classify`] and [`decide`] are pure functions with a truth table in their docs and a test for each row; everything
//! that touches the store is thin. Recovery never imports a writer: all it needs stands in the sidecar.
//!
//! - `journal`: where sidecars lie. `observe`: reading the world for one of them.
//! - `classify`, `decide`: what it means and what to do. `forward`, `backward`: doing it.
//! - `act`: publishing as recovery. `adopt`: what an undoing left that died, without a sidecar.
//! - `audit`: one row per recovered operation. `resolve`: all of that in order, for one sidecar.
//! - `heal`: a pass over every sidecar, beside live writers or at a read-write open; which operations are given grace.

mod act;
mod adopt;
mod audit;
mod backward;
mod classify;
mod decide;
mod forward;
mod heal;
mod journal;
mod observe;
mod resolve;

pub(crate) use adopt::adopt;
pub(crate) use audit::AuditLog;
pub use audit::{AUDIT_PATH, Recovery, TableOutcome, recoveries};
pub use classify::{TableFacts, TableState, classify};
pub use decide::{Decision, Observation, RecoveryKind, decide};
pub use heal::{Deferred, HealReport};
pub(crate) use heal::{grace_left, pass};
pub use journal::{Journal, Listed, QUARANTINE_PREFIX, RECOVERY_PREFIX, unreadable};
