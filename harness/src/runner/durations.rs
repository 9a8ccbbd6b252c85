//! How long cells took the last time somebody recorded it, so that the parts of a run take equally long.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::plan::CellPlan;
use crate::event::{CellId, Event, Record, Verdict};

/// Name of the file below the folder of all scenarios.
pub const FILE: &str = "durations.json";
/// Durations are kept to this many milliseconds, so that a new recording changes what has changed.
const GRAIN_MS: u64 = 50;

/// Milliseconds by backend and scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Durations(BTreeMap<String, BTreeMap<String, u64>>);

impl Durations {
    /// Takes the next event of a run that is being recorded.
    pub fn take(&mut self, record: &Record) {
        if let Event::CellFinished(finished) = &record.event
            && finished.verdict == Verdict::Held
        {
            let rounded = finished.duration_ms.div_ceil(GRAIN_MS) * GRAIN_MS;
            let scenarios = self.0.entry(finished.cell.backend.clone()).or_default();
            scenarios.insert(finished.cell.scenario.clone(), rounded.max(GRAIN_MS));
        }
    }

    /// As it is written to the file.
    pub fn to_file(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// How long a cell will take: as long as it did; like most of its backend, if nobody knows; like most of all, if nobody
    /// knows the backend either.
    pub fn expected_ms(&self, cell: &CellId) -> u64 {
        let of_backend = self.0.get(&cell.backend);
        of_backend
            .and_then(|scenarios| scenarios.get(&cell.scenario).copied())
            .or_else(|| of_backend.and_then(|scenarios| median(scenarios.values())))
            .or_else(|| median(self.0.values().flat_map(BTreeMap::values)))
            .unwrap_or(GRAIN_MS)
    }

    /// Milliseconds that a cell of a plan will take; none where it is not run.
    pub fn of_plan(&self, plan: &CellPlan) -> u64 {
        if plan.not_applicable.is_some() { 0 } else { self.expected_ms(&plan.id) }
    }
}

fn median<'a>(durations: impl Iterator<Item = &'a u64>) -> Option<u64> {
    let mut sorted: Vec<u64> = durations.copied().collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

/// Divides what takes this long into `parts`, counted from 1, the longest first and each to the part that is done soonest.
/// The same durations are always divided in the same way.
pub fn divide(durations_ms: &[u64], parts: u32) -> Vec<u32> {
    let mut order: Vec<usize> = (0..durations_ms.len()).collect();
    order.sort_by_key(|&index| (Reverse(durations_ms[index]), index));
    // What the part has so far, in milliseconds and in pieces: what takes no time at all is spread as well.
    let mut loads: Vec<(u64, u64)> = vec![(0, 0); parts.max(1) as usize];
    let mut part_of = vec![1; durations_ms.len()];
    for index in order {
        let soonest = (0..loads.len()).min_by_key(|&part| (loads[part], part)).unwrap_or(0);
        loads[soonest].0 += durations_ms[index];
        loads[soonest].1 += 1;
        part_of[index] = soonest as u32 + 1;
    }
    part_of
}

#[cfg(test)]
mod tests {
    use super::*;

    fn durations() -> Durations {
        let file = r#"{"memory": {"a": 100, "b": 300, "c": 900}, "s3": {"a": 2000}}"#;
        serde_json::from_str(file).expect("durations")
    }

    #[test]
    fn what_nobody_recorded_takes_as_long_as_most() {
        let expected = |scenario: &str, backend: &str| durations().expected_ms(&CellId::new(scenario, backend));
        assert_eq!(expected("c", "memory"), 900);
        assert_eq!(expected("new", "memory"), 300);
        assert_eq!(expected("new", "rustfs"), 900, "the upper of the two in the middle");
        assert_eq!(Durations::default().expected_ms(&CellId::new("new", "rustfs")), GRAIN_MS);
    }

    #[test]
    fn the_longest_goes_first_to_whoever_is_done_soonest() {
        assert_eq!(divide(&[10, 70, 40, 30, 20], 2), [2, 1, 2, 2, 1]);
        assert_eq!(divide(&[5, 5, 5, 5], 2), [1, 2, 1, 2], "neighbours are alike and go to different parts");
        assert_eq!(divide(&[0, 0, 0], 3), [1, 2, 3]);
        assert_eq!(divide(&[1], 3), [1]);
    }

    #[test]
    fn no_part_is_longer_than_the_mean_and_one_piece() {
        let durations: Vec<u64> = (0..150).map(|index| (index * 7919) % 1000 + 50).collect();
        for parts in 1..=8 {
            let mut loads = vec![0; parts as usize];
            let part_of = divide(&durations, parts);
            part_of.iter().zip(&durations).for_each(|(part, duration)| loads[*part as usize - 1] += duration);
            let mean = durations.iter().sum::<u64>() / u64::from(parts);
            assert!(loads.iter().all(|load| *load <= mean + 1050), "{parts}: {loads:?}");
        }
    }

    #[test]
    fn a_file_reads_back_as_it_was_written() {
        assert_eq!(serde_json::from_str::<Durations>(&durations().to_file()).expect("own output"), durations());
    }
}
