//! The faults of one step.

use std::collections::BTreeMap;

use omnigraph::storage::{Operation, PathClass};

use super::stream::Draw;
use crate::scenario::model::{
    Action, Actions, Effect, FailpointName, Matcher, Named, StoreFault, StoreTrouble, Task, Weather, When,
};
use crate::scenario::{can_strike, crossed_by};

/// Calls that writes, recoveries and reads make. A fault anywhere else would wait for nothing.
const SITES: &[(Operation, PathClass)] = &[
    (Operation::PutIfAbsent, PathClass::Sidecar),
    (Operation::Delete, PathClass::Sidecar),
    (Operation::List, PathClass::Sidecar),
    (Operation::Get, PathClass::Sidecar),
    (Operation::Put, PathClass::TableData),
    (Operation::Get, PathClass::TableData),
    (Operation::Put, PathClass::TableDeletion),
    (Operation::Get, PathClass::TableDeletion),
    (Operation::Put, PathClass::TableTransaction),
    (Operation::PutIfAbsent, PathClass::TableVersion),
    (Operation::List, PathClass::TableVersion),
    (Operation::Head, PathClass::TableVersion),
    (Operation::Get, PathClass::TableVersion),
    (Operation::PutIfAbsent, PathClass::Manifest),
    (Operation::Put, PathClass::Manifest),
    (Operation::List, PathClass::Manifest),
    (Operation::Get, PathClass::Manifest),
    (Operation::PutIfAbsent, PathClass::Audit),
    (Operation::Put, PathClass::Audit),
    (Operation::List, PathClass::Audit),
    (Operation::Get, PathClass::Audit),
];

/// The faults of one step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    /// Failpoints with their actions.
    pub failpoints: BTreeMap<FailpointName, Actions>,
    /// Store faults.
    pub store: Vec<StoreFault>,
}

impl Faults {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.failpoints.is_empty() && self.store.is_empty()
    }

    /// Whether one of them kills the process.
    pub fn kill(&self) -> bool {
        self.failpoints.values().any(|actions| actions.can(&Task::Crash))
            || self.store.iter().any(|fault| fault.effect.crashes())
    }
}

/// The weather over a step. Where nothing is `pending`, recovery looks and does nothing, so no fault waits for it there.
pub fn draw(weather: &Weather, action: &Action, pending: bool, draw: &mut Draw) -> Faults {
    let mut faults = Faults::default();
    let recovers = |name: &FailpointName| matches!(name.scope(), Some("heal" | "sweep"));
    let windows: Vec<FailpointName> =
        crossed_by(action).filter(|name| pending || !recovers(name) || name.window() == "sidecar.list").collect();
    let kinds: [(f64, &[(&str, u32)]); 3] = [
        (weather.failpoint_error, &[("return", 6), ("1*return", 2), ("1*off->1*return", 2)]),
        (weather.failpoint_crash, &[("crash", 7), ("1*off->crash", 3)]),
        (weather.failpoint_delay, &[("delay(5)", 1), ("1*delay(20)", 1)]),
    ];
    for (chance, tasks) in kinds {
        let (comes, window, task) = (draw.chance(chance), draw.one_of(&windows), draw.weighted(tasks));
        if let (true, Some(window), Some(Ok(actions))) = (comes, window, task.map(str::parse)) {
            faults.failpoints.entry(window.clone()).or_insert(actions);
        }
    }
    for trouble in StoreTrouble::ALL {
        let comes = draw.chance(weather.store.of(*trouble));
        let fault = store(*trouble, action, pending, draw);
        faults.store.extend(fault.filter(|_| comes));
    }
    faults
}

fn store(trouble: StoreTrouble, action: &Action, pending: bool, draw: &mut Draw) -> Option<StoreFault> {
    let number = draw.between(1, 20) as u64;
    let effect = match trouble {
        StoreTrouble::Throttled => Effect::Throttled,
        StoreTrouble::Timeout => Effect::Timeout,
        StoreTrouble::PermissionDenied => Effect::PermissionDenied,
        StoreTrouble::ConnectionLost => Effect::ConnectionLost,
        StoreTrouble::AckLost => Effect::AckLost,
        StoreTrouble::Latency => Effect::Latency(number),
        StoreTrouble::CrashBefore => Effect::CrashBefore,
        StoreTrouble::CrashAfter => Effect::CrashAfter,
        StoreTrouble::NotFound => Effect::NotFound,
        StoreTrouble::LostWrite => Effect::LostWrite,
        StoreTrouble::Torn => Effect::Torn(number),
        StoreTrouble::Corrupt => Effect::Corrupt(number),
        StoreTrouble::Stale => Effect::Stale,
    };
    let fits = |(operation, class): &&(Operation, PathClass)| {
        let reads_only = matches!(trouble, StoreTrouble::NotFound);
        let of_recovery = *class == PathClass::Audit || (*operation, *class) == (Operation::Get, PathClass::Sidecar);
        let writes = matches!(action, Action::Load(_) | Action::Mutate(_));
        can_strike(action, *operation, *class, &effect)
            && !(reads_only && operation.is_write())
            && (pending || !of_recovery && (writes || !operation.is_write()))
    };
    let sites: Vec<_> = SITES.iter().filter(fits).collect();
    let (operation, class) = **draw.one_of(&sites)?;
    let often = [(When::Nth(1), 12), (When::Nth(2), 3), (When::Nth(3), 1), (When::First(2), 2), (When::Every, 3)];
    let when = draw.weighted(&often).unwrap_or_default();
    let on = Matcher { operation: Some(Named(operation)), class: Some(Named(class)), ..Matcher::default() };
    Some(StoreFault { on, effect, when })
}
