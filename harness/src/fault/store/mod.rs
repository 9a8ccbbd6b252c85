//! What a store fault does to a call that it strikes: one small file a fault, all behind [`Strike`].

mod ack_lost;
mod corrupt;
mod crash;
mod error;
mod late;
mod latency;
mod lost_write;
mod misdirect;
mod stale;
mod torn;

use std::fmt;

use omnigraph::storage::{Call, Verdict};

use crate::scenario::model::Effect;

/// A store fault at work.
pub trait Strike: fmt::Debug + Send + Sync {
    /// Whether the fault means anything for such a call. One that it meets and that it cannot strike counts as reached,
    /// not as fired.
    fn can_strike(&self, call: &Call) -> bool;

    /// What becomes of the call.
    fn strike(&self, call: &Call) -> Blow;
}

/// What becomes of a call that is struck.
#[derive(Debug)]
pub enum Blow {
    /// The fault layer sees to it.
    Verdict(Verdict),
    /// The process dies and the call is not done.
    CrashBefore,
    /// The call is done and the process dies before it hears so.
    CrashAfter,
}

/// The fault that a scenario's word stands for.
pub fn strike_of(effect: &Effect) -> Box<dyn Strike> {
    use omnigraph::storage::FaultKind;
    match effect {
        Effect::Throttled => Box::new(error::CallFails(FaultKind::Throttled)),
        Effect::Timeout => Box::new(error::CallFails(FaultKind::Timeout)),
        Effect::PermissionDenied => Box::new(error::CallFails(FaultKind::PermissionDenied)),
        Effect::ConnectionLost => Box::new(error::CallFails(FaultKind::ConnectionLost)),
        Effect::NotFound => Box::new(error::CallFails(FaultKind::NotFound)),
        Effect::AckLost => Box::new(ack_lost::AckLost),
        Effect::LostWrite => Box::new(lost_write::LostWrite),
        Effect::Latency(milliseconds) => Box::new(latency::Latency { milliseconds: *milliseconds }),
        Effect::Late(name) => Box::new(late::Late { name: name.clone() }),
        Effect::Torn(bytes) => Box::new(torn::Torn { bytes: *bytes }),
        Effect::Corrupt(offset) => Box::new(corrupt::Corrupt { offset: *offset }),
        Effect::Stale => Box::new(stale::Stale),
        Effect::Misdirect(path) => Box::new(misdirect::Misdirect { to: path.as_str().into() }),
        Effect::CrashBefore => Box::new(crash::Crash { after: false }),
        Effect::CrashAfter => Box::new(crash::Crash { after: true }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::path::Path;
    use omnigraph::storage::{Operation, Realm};

    #[test]
    fn faults_of_writes_do_not_strike_reads_and_the_other_way_round() {
        let call = |operation| Call::new(Realm::Control, operation, &Path::from("__recovery/01J.json"), 10);
        for (effect, strikes, spares) in [
            (Effect::LostWrite, Operation::Put, Operation::Get),
            (Effect::LostWrite, Operation::Delete, Operation::List),
            (Effect::AckLost, Operation::PutIfAbsent, Operation::Head),
            (Effect::Stale, Operation::List, Operation::Put),
            (Effect::Corrupt(0), Operation::MultipartPart, Operation::List),
            (Effect::Torn(1), Operation::List, Operation::Delete),
            (Effect::Misdirect("a".into()), Operation::MultipartStart, Operation::MultipartPart),
            (Effect::Late("a".into()), Operation::MultipartComplete, Operation::MultipartPart),
        ] {
            let strike = strike_of(&effect);
            assert!(strike.can_strike(&call(strikes)), "{effect:?} spares {strikes}");
            assert!(!strike.can_strike(&call(spares)), "{effect:?} strikes {spares}");
        }
    }
    #[test]
    fn what_a_fault_can_strike_is_what_a_scenario_may_ask_of_it() {
        let mut effects = vec![Effect::Throttled, Effect::Timeout, Effect::PermissionDenied, Effect::ConnectionLost];
        effects.extend([Effect::NotFound, Effect::AckLost, Effect::LostWrite, Effect::Latency(1), Effect::Stale]);
        effects.push(Effect::Late("a".into()));
        effects.extend([Effect::Torn(1), Effect::Corrupt(1), Effect::Misdirect("a".into()), Effect::CrashBefore]);
        for effect in effects {
            for &operation in Operation::ALL {
                let call = Call::new(Realm::Table, operation, &Path::from("nodes/P.lance/data/x"), 10);
                let strikes = strike_of(&effect).can_strike(&call);
                assert_eq!(strikes, effect.misfit(operation).is_none(), "{effect:?} and {operation}");
            }
        }
    }
}
