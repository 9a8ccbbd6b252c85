//! The faults of one step.

use std::collections::BTreeMap;

use omnigraph::storage::{Operation, PathClass};

use super::stream::Draw;
use crate::scenario::model::{
    Action, Actions, Effect, FailpointName, Matcher, Named, StoreFault, StoreTrouble, Task, Weather, When, WireEffect,
    WireFault, WireMatcher, WireTrouble,
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
    /// Wire faults.
    pub wire: Vec<WireFault>,
}

impl Faults {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.failpoints.is_empty() && self.store.is_empty() && self.wire.is_empty()
    }

    /// The names under which calls and requests may be late.
    pub fn late(&self) -> impl Iterator<Item = &str> {
        let on_wire = self.wire.iter().filter_map(|fault| fault.effect.late());
        self.store.iter().filter_map(|fault| fault.effect.late()).chain(on_wire)
    }

    /// Whether one of them kills the process.
    pub fn kill(&self) -> bool {
        self.failpoints.values().any(|actions| actions.can(&Task::Crash))
            || self.store.iter().any(|fault| fault.effect.crashes())
    }
}

/// What a step meets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Met {
    /// Whether something may be pending. Where nothing is, recovery looks and does nothing, so no fault waits for it there.
    pub pending: bool,
    /// Whether a table has drifted: else a repair has nothing to write, and no fault waits for that.
    pub drift: bool,
}

/// The weather over a step, drawn for what is in the process and for what is between it and the store.
pub fn draw(weather: &Weather, action: &Action, met: Met, inside: &mut Draw, wire: &mut Draw) -> Faults {
    let wire = WireTrouble::ALL.iter().filter_map(|trouble| {
        let comes = wire.chance(weather.wire.of(*trouble));
        on_the_wire(*trouble, action, met, wire).filter(|_| comes)
    });
    Faults { wire: wire.collect(), ..in_the_process(weather, action, met, inside) }
}

fn in_the_process(weather: &Weather, action: &Action, met: Met, draw: &mut Draw) -> Faults {
    let mut faults = Faults::default();
    let recovers = |name: &FailpointName| matches!(name.scope(), Some("heal" | "sweep"));
    let windows: Vec<FailpointName> =
        crossed_by(action).filter(|name| met.pending || !recovers(name) || name.window() == "sidecar.list").collect();
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
        let fault = store(*trouble, action, met, draw);
        faults.store.extend(fault.filter(|_| comes));
    }
    faults
}

fn store(trouble: StoreTrouble, action: &Action, met: Met, draw: &mut Draw) -> Option<StoreFault> {
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
        StoreTrouble::Late => Effect::Late(format!("late-{number}")),
    };
    let reads_only = matches!(trouble, StoreTrouble::NotFound);
    let fits = |operation: Operation, class| {
        can_strike(action, operation, class, &effect) && !(reads_only && operation.is_write())
    };
    let (operation, class) = site(action, met, fits, draw)?;
    let often = [(When::Nth(1), 12), (When::Nth(2), 3), (When::Nth(3), 1), (When::First(2), 2), (When::Every, 3)];
    let when = draw.weighted(&often).unwrap_or_default();
    let on = Matcher { operation: Some(Named(operation)), class: Some(Named(class)), ..Matcher::default() };
    Some(StoreFault { on, effect, when })
}

fn on_the_wire(trouble: WireTrouble, action: &Action, met: Met, draw: &mut Draw) -> Option<WireFault> {
    let number = draw.between(1, 200) as u64;
    let effect = match trouble {
        WireTrouble::SlowDown => WireEffect::SlowDown,
        WireTrouble::InternalErrorAfter => WireEffect::InternalErrorAfter,
        WireTrouble::ResetRequest => WireEffect::ResetRequest(number),
        WireTrouble::ResetResponse => WireEffect::ResetResponse(number),
        WireTrouble::Latency => WireEffect::Latency(number),
        WireTrouble::BlackHole => WireEffect::BlackHole,
        WireTrouble::Truncated => WireEffect::Truncated(number),
        WireTrouble::HalfClosed => WireEffect::HalfClosed,
        WireTrouble::ResponseLost => WireEffect::ResponseLost,
        WireTrouble::Late => WireEffect::Late(format!("late-{number}")),
    };
    // What can be met can be met in every way, but for an answer that has nothing to cut off.
    let fits = |operation: Operation, class| {
        let alike = if trouble == WireTrouble::Late { Effect::Late(String::new()) } else { Effect::Timeout };
        can_strike(action, operation, class, &alike)
            && (trouble != WireTrouble::Truncated || WireEffect::has_answer_with_body(operation))
    };
    let (operation, class) = site(action, met, fits, draw)?;
    let on = WireMatcher { operation: Some(Named(operation)), class: Some(Named(class)), path: None };
    // A client repeats a request twice, so three in a row are what it notices.
    let often = [(When::Nth(1), 6), (When::Nth(2), 2), (When::First(2), 3), (When::First(3), 5), (When::Every, 4)];
    Some(WireFault { on, effect, when: draw.weighted(&often).unwrap_or_default() })
}

/// A kind of call that the step may make.
fn site(
    action: &Action,
    met: Met,
    fits: impl Fn(Operation, PathClass) -> bool,
    draw: &mut Draw,
) -> Option<(Operation, PathClass)> {
    let writes = matches!(action, Action::Load(_) | Action::Mutate(_)) || met.drift;
    let comes_by = |(operation, class): &(Operation, PathClass)| {
        let of_recovery = *class == PathClass::Audit || (*operation, *class) == (Operation::Get, PathClass::Sidecar);
        met.pending || !of_recovery && (writes || !operation.is_write())
    };
    let sites: Vec<_> =
        SITES.iter().copied().filter(comes_by).filter(|(operation, class)| fits(*operation, *class)).collect();
    draw.one_of(&sites).copied()
}
