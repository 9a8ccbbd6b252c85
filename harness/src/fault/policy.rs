//! What the engine's fault layer asks for each store call of one process.

use omnigraph::storage::{Call, CallObserver, CallRecord, FaultPolicy, LateCall, Verdict};

use super::board::Board;
use super::store::Blow;

impl FaultPolicy for Board {
    fn verdict(&self, call: &Call) -> Verdict {
        if self.life().is_dead() {
            return Verdict::Dead;
        }
        match self.strike(call) {
            None => Verdict::Pass,
            Some((_, Blow::Verdict(verdict))) => verdict,
            Some((_, Blow::CrashBefore)) => {
                self.life().die(&format!("store call {call}, before it was done"));
                Verdict::Dead
            }
            Some((_, Blow::CrashAfter)) => {
                self.die_after(call);
                Verdict::Pass
            }
        }
    }

    fn late(&self, label: &str, call: LateCall) {
        self.keep_late(label, call);
    }
}

/// Put below the fault layer, where a call that is done is seen before whoever made it hears so.
impl CallObserver for Board {
    fn ended(&self, record: &CallRecord) {
        let call = &record.call;
        if self.takes_death_after(call) {
            self.life().die(&format!("store call {call}, after it was done"));
        }
    }
}
