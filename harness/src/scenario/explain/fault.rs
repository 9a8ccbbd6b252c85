//! What breaks, where, and when.

use omnigraph::failpoint::Window;
use omnigraph::storage::Realm;

use super::super::model::{
    Action, Actions, CrashPoint, Effect, FailpointName, Matcher, Step, StoreFault, Task, Term, When, WireEffect,
    WireFault,
};
use super::listed;

/// Every fault of a step, a sentence each.
pub fn told(step: &Step) -> Vec<String> {
    let (points, faults) = match &step.action {
        Action::Arm(arm) => (&arm.failpoints, &arm.faults),
        _ => (&step.failpoints, &step.faults),
    };
    let points = points.iter().map(|(name, actions)| failpoint(name, actions));
    let crossing = step.crossing.map_or(String::new(), |crossing| format!(" for the {crossing}. time"));
    let held = step.hold.iter().map(move |name| format!("at {name}{crossing}, where it is held: {}", meaning(name)));
    let killed = step.crash.iter().map(|CrashPoint::BeforeAnswer| {
        "when everything is done, and before whoever asked for it is told: the process dies".to_owned()
    });
    let wire = match &step.action {
        Action::Arm(arm) => &arm.wire,
        _ => &step.wire,
    };
    points.chain(faults.iter().map(store)).chain(wire.iter().map(on_the_wire)).chain(held).chain(killed).collect()
}

/// Whether a step's faults, or the step itself, kill a process.
pub fn kills(step: &Step) -> bool {
    let (points, faults) = match &step.action {
        Action::Kill(_) | Action::Restart(_) => return true,
        Action::Arm(arm) => (&arm.failpoints, &arm.faults),
        _ => (&step.failpoints, &step.faults),
    };
    step.crash.is_some()
        || points.values().any(|actions| actions.can(&Task::Crash))
        || faults.iter().any(|fault| fault.effect.crashes())
}

/// Whether chance decides about a fault of a step.
pub fn is_up_to_chance(step: &Step) -> bool {
    let (points, faults) = match &step.action {
        Action::Arm(arm) => (&arm.failpoints, &arm.faults),
        _ => (&step.failpoints, &step.faults),
    };
    points.values().flat_map(Actions::terms).any(|term| term.probability < 1.0)
        || faults.iter().any(|fault| matches!(fault.when, When::Probability(_)))
}

fn failpoint(name: &FailpointName, actions: &Actions) -> String {
    let terms: Vec<String> = actions.terms().iter().enumerate().map(|(at, term)| term_told(at, term)).collect();
    let end = match actions.terms().last() {
        Some(term) if term.count.is_some() => ", and nothing after that",
        _ => "",
    };
    format!("at {name}: {}; {}{end}", meaning(name), terms.join(", then "))
}

fn meaning(name: &FailpointName) -> &'static str {
    let window = Window::ALL.iter().find(|window| window.as_str() == name.window());
    window.map_or("a place in the engine", |window| window.meaning())
}

fn term_told(at: usize, term: &Term) -> String {
    let when = match (at, term.count) {
        (0, None) => "every time".to_owned(),
        (0, Some(1)) => "the first time".to_owned(),
        (0, Some(count)) => format!("the first {count} times"),
        (_, None) => "every time".to_owned(),
        (_, Some(1)) => "once".to_owned(),
        (_, Some(count)) => format!("{count} times"),
    };
    let chance = if term.probability < 1.0 {
        format!(" with {} % probability", term.probability * 100.0)
    } else {
        String::new()
    };
    let what = match &term.task {
        Task::Off => "nothing happens".to_owned(),
        Task::Return => "it fails with an error".to_owned(),
        Task::Delay(time) => format!("it takes {} ms", time.as_millis()),
        Task::Pause => "it waits until it is released or the fault is lifted".to_owned(),
        Task::Panic => "it panics".to_owned(),
        Task::Print(text) => format!("'{text}' goes to the engine's log"),
        Task::Yield => "other tasks run first".to_owned(),
        Task::Crash => "the process dies there".to_owned(),
    };
    format!("{when}{chance} {what}")
}

fn store(fault: &StoreFault) -> String {
    format!("{}: {}", met(&fault.on, fault.when), effect(&fault.effect))
}

fn met(matcher: &Matcher, when: When) -> String {
    let mut told = match when {
        When::Every => "every call".to_owned(),
        When::Nth(nth) => format!("call {nth}"),
        When::First(1) => "the first call".to_owned(),
        When::First(count) => format!("each of the first {count} calls"),
        When::Probability(probability) => format!("each call, with {} % probability,", probability * 100.0),
    };
    told.push_str(" to the store");
    let mut narrowed: Vec<String> = Vec::new();
    narrowed.extend(matcher.operation.map(|operation| format!("is a '{}'", operation.0.as_str())));
    narrowed.extend(matcher.class.map(|class| format!("is about an object of the class '{}'", class.0.as_str())));
    if matcher.durable {
        narrowed.push("changes the store for good".to_owned());
    }
    narrowed.extend(matcher.path.as_ref().map(|path| format!("is about {path}")));
    narrowed.extend(matcher.realm.map(|realm| match realm.0 {
        Realm::Control => "comes from the engine itself".to_owned(),
        Realm::Table => "comes from Lance".to_owned(),
    }));
    if !narrowed.is_empty() {
        let narrowed: Vec<&str> = narrowed.iter().map(String::as_str).collect();
        told.push_str(&format!(" that {}", listed(&narrowed)));
    }
    told
}

fn on_the_wire(fault: &WireFault) -> String {
    let what = match &fault.effect {
        WireEffect::SlowDown => "it is not done, and answered with 503 SlowDown".to_owned(),
        WireEffect::InternalErrorAfter => "it is done, and answered with 500 InternalError".to_owned(),
        WireEffect::ResetRequest(bytes) => {
            format!("it is not done: the connection is reset after {bytes} bytes of its body")
        }
        WireEffect::ResetResponse(bytes) => {
            format!("it is done, and the connection is reset after {bytes} bytes of the answer")
        }
        WireEffect::Latency(millis) => format!("it is done {millis} ms later"),
        WireEffect::Late(name) => {
            format!("the connection is reset behind it, and it is done later, as '{name}'")
        }
        WireEffect::BlackHole => "it is not done and never answered, and the connection stays open".to_owned(),
        WireEffect::Truncated(bytes) => format!("it is done, and the answer ends after {bytes} bytes of its body"),
        WireEffect::HalfClosed => "it is not done: the store's side of the connection is closed".to_owned(),
        WireEffect::ResponseLost => "it is done, and the connection is closed instead of an answer".to_owned(),
    };
    format!("on the wire, {}: {what}", met(&fault.on.as_matcher(), fault.when))
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Throttled => "it is not done, and the store says that there are too many calls".to_owned(),
        Effect::Timeout => "it is not done, and no answer comes in time".to_owned(),
        Effect::PermissionDenied => "it is not done, and the store says that it is not allowed".to_owned(),
        Effect::ConnectionLost => "it is not done, and the connection is gone".to_owned(),
        Effect::NotFound => "it is not done, and the store says that there is no such object".to_owned(),
        Effect::AckLost => "it is done, and reported as a lost connection".to_owned(),
        Effect::LostWrite => "it is reported as done, and not done".to_owned(),
        Effect::Latency(millis) => format!("it is done {millis} ms later"),
        Effect::Late(name) => format!("no answer comes in time, and it is done later, as '{name}'"),
        Effect::Torn(bytes) => format!("it is cut off after {bytes} bytes, and reported as whole"),
        Effect::Corrupt(offset) => format!("it is read with the byte at {offset} changed"),
        Effect::Stale => "it is answered as it was before the last write".to_owned(),
        Effect::Misdirect(path) => format!("it is done to {path} instead"),
        Effect::CrashBefore => "the process dies before it is done".to_owned(),
        Effect::CrashAfter => "it is done, and the process dies before it hears so".to_owned(),
    }
}
