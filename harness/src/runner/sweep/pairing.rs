//! Which pairs of faults follow from what was seen.

use super::calls;
use super::tally::Tally;
use crate::event::{FinishedCell, Record};
use crate::scenario::cuts::Case;
use crate::scenario::pairs::{CallCounts, First, Second, effects};

/// Every crossing of a window that the probe saw in its operation, as the place of a first fault that kills. What fails there
/// instead follows from it.
pub fn firsts(finished: &FinishedCell, case: &Case) -> Vec<First> {
    // The steps before the operation may have faults of their own.
    let crossed = finished.faults.iter().filter(|tally| tally.fired > 0 && tally.fault.step == case.operation);
    let crossings = crossed.filter_map(|tally| Some((tally.fault.site.parse().ok()?, tally.fired)));
    crossings
        .flat_map(|(window, fired)| {
            (1..=fired).map(move |crossing| First { window: Clone::clone(&window), crossing, dies: true })
        })
        .collect()
}

/// The second faults that follow a first one which was seen alone: each kind of call that the step made after it, with
/// everything that can become of it. `before` is what the operation had called when it came to the window.
pub fn seconds(first: &First, case: &Case, events: &[Record], before: &CallCounts, tally: &mut Tally) -> Vec<Second> {
    let mut seconds = Vec::new();
    let mut add = |recovery: Option<usize>, calls: CallCounts, before: &CallCounts| {
        for ((operation, class), count) in calls {
            let nth = before.get(&(operation, class)).copied().unwrap_or(0) + 1;
            if count < nth {
                continue;
            }
            let effects = effects(operation, class, first.dies);
            let tried = effects.iter().filter(|(_, argument)| argument.is_none()).count() as u64;
            tally.passes_over((count - nth) * tried);
            for (effect, argument) in effects {
                match argument {
                    Some(argument) => tally.leaves_out(argument),
                    None => seconds.push(Second { recovery, operation, class, nth, effect }),
                }
            }
        }
    };
    if !first.dies {
        add(None, calls::counts(events, case.operation), before);
    }
    for (step, &number) in case.recovery.iter().enumerate() {
        add(Some(step), calls::counts(events, number), &CallCounts::new());
    }
    seconds
}
