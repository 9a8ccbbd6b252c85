//! A fault as it goes over the wire to a worker: plain data, named for the reports.

use serde::{Deserialize, Serialize};

use crate::event::{FaultFamily, FaultId};
use crate::scenario::model::{
    Actions, CrashPoint, Effect, FailpointName, Matcher, StoreFault, When, WireEffect, WireFault,
};

/// One fault to arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultOrder {
    /// How reports call it.
    pub id: FaultId,
    /// What it is.
    pub rule: Rule,
}

/// What a fault is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A failpoint with its actions.
    Failpoint {
        /// Which.
        name: FailpointName,
        /// What it does, crossing by crossing.
        actions: Actions,
    },
    /// Holds one crossing of a failpoint until it is released.
    Hold {
        /// Which.
        name: FailpointName,
        /// Which crossing, counted from 1.
        crossing: u64,
    },
    /// A store fault.
    Store(StoreFault),
    /// The process dies past every call to the store.
    Crash(CrashPoint),
    /// A wire fault; armed in the supervisor and never sent to a worker.
    Wire(WireFault),
}

impl FaultOrder {
    /// The `ordinal`-th fault of step `step`, both counted from 1.
    pub fn new(step: u64, ordinal: u64, rule: Rule) -> Self {
        let (family, site, action) = match &rule {
            Rule::Failpoint { name, actions } => {
                (FaultFamily::Failpoint, name.to_string(), actions.as_str().to_owned())
            }
            Rule::Hold { name, crossing: 1 } => (FaultFamily::Failpoint, name.to_string(), "hold".to_owned()),
            Rule::Hold { name, crossing } => {
                (FaultFamily::Failpoint, name.to_string(), format!("hold, crossing {crossing}"))
            }
            Rule::Crash(CrashPoint::BeforeAnswer) => {
                (FaultFamily::Process, "the answer".to_owned(), "crash before".to_owned())
            }
            Rule::Store(fault) => {
                let family = if fault.effect.crashes() { FaultFamily::Process } else { FaultFamily::Store };
                (family, describe_matcher(&fault.on), describe_effect(&fault.effect, fault.when))
            }
            Rule::Wire(fault) => (
                FaultFamily::Wire,
                describe_matcher(&fault.on.as_matcher()),
                often(describe_wire(&fault.effect), fault.when),
            ),
        };
        FaultOrder { id: FaultId { step, ordinal, family, site, action }, rule }
    }
}

/// The calls that a matcher meets, such as `control put-if-absent of sidecar`.
fn describe_matcher(matcher: &Matcher) -> String {
    let realm = matcher.realm.as_ref().map(|realm| realm.0.as_str());
    let any = if matcher.durable { "any durable write" } else { "any call" };
    let operation = matcher.operation.as_ref().map_or(any, |operation| operation.0.as_str());
    let class = matcher.class.as_ref().map(|class| format!("of {}", class.0.as_str()));
    let path = matcher.path.as_ref().map(|path| format!("at {path}"));
    let mut words: Vec<&str> = realm.into_iter().collect();
    words.push(operation);
    words.extend(class.as_deref());
    words.extend(path.as_deref());
    words.join(" ")
}

fn describe_effect(effect: &Effect, when: When) -> String {
    let effect = match effect {
        Effect::Throttled => "throttled".to_owned(),
        Effect::Timeout => "timeout".to_owned(),
        Effect::PermissionDenied => "permission denied".to_owned(),
        Effect::ConnectionLost => "connection lost".to_owned(),
        Effect::NotFound => "not found".to_owned(),
        Effect::AckLost => "ack lost".to_owned(),
        Effect::LostWrite => "lost write".to_owned(),
        Effect::Latency(millis) => format!("latency of {millis} ms"),
        Effect::Late(name) => format!("late, as '{name}'"),
        Effect::Torn(bytes) => format!("torn after {bytes} bytes"),
        Effect::Corrupt(offset) => format!("byte {offset} corrupt"),
        Effect::Stale => "stale".to_owned(),
        Effect::Misdirect(path) => format!("misdirected to {path}"),
        Effect::CrashBefore => "crash before".to_owned(),
        Effect::CrashAfter => "crash after".to_owned(),
    };
    often(effect, when)
}

fn describe_wire(effect: &WireEffect) -> String {
    match effect {
        WireEffect::SlowDown => "slow down".to_owned(),
        WireEffect::InternalErrorAfter => "internal error, after it was done".to_owned(),
        WireEffect::ResetRequest(bytes) => format!("request reset after {bytes} bytes"),
        WireEffect::ResetResponse(bytes) => format!("response reset after {bytes} bytes"),
        WireEffect::Latency(millis) => format!("latency of {millis} ms"),
        WireEffect::Late(name) => format!("late, as '{name}'"),
        WireEffect::BlackHole => "black hole".to_owned(),
        WireEffect::Truncated(bytes) => format!("truncated after {bytes} bytes"),
        WireEffect::HalfClosed => "half closed".to_owned(),
        WireEffect::ResponseLost => "response lost".to_owned(),
    }
}

fn often(effect: String, when: When) -> String {
    match when {
        When::Every => effect,
        When::Nth(nth) => format!("{effect}, match {nth}"),
        When::First(count) => format!("{effect}, first {count}"),
        When::Probability(probability) => format!("{effect}, probability {probability}"),
    }
}
