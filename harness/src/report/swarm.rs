//! What a swarm came to: how many universes and operations, how they ended, and what became of the faults.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard};

use super::collected::{counts, duration};
use crate::event::{Event, FaultFamily, FaultId, FinishedCell, OutcomeName, Record, Sink, VerdictCounts, VerdictName};

/// The invariant that is judged by the reference model.
const BY_THE_MODEL: &str = "rows-equal-the-reference-model";
/// Steps that are operations on the engine.
const OPERATIONS: &[&str] = &["load", "mutate", "repair", "query", "refresh", "open"];
/// Universes after which a line says how far it is.
const LINE_EVERY: u64 = 100;

/// What a swarm came to so far. Cheap to clone; clones share it.
#[derive(Clone, Debug, Default)]
pub struct SwarmTally(Arc<Mutex<Tally>>);

#[derive(Clone, Debug, Default)]
struct Tally {
    seed: u64,
    verdicts: VerdictCounts,
    outcomes: BTreeMap<String, BTreeMap<OutcomeName, u64>>,
    faults: BTreeMap<String, Faults>,
    not_modelled: u64,
    duration_ms: u64,
}

/// What became of the faults of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// How many were armed.
    pub armed: u64,
    /// How many of them had their site met.
    pub reached: u64,
    /// How many of them did something.
    pub fired: u64,
}

impl SwarmTally {
    /// What became of all faults.
    pub fn faults(&self) -> Faults {
        let tally = self.lock();
        tally.faults.values().fold(Faults::default(), |sum, faults| Faults {
            armed: sum.armed + faults.armed,
            reached: sum.reached + faults.reached,
            fired: sum.fired + faults.fired,
        })
    }

    /// Universes that are not green.
    pub fn failures(&self) -> u64 {
        let tally = self.lock();
        let green = [VerdictName::Held, VerdictName::Skipped, VerdictName::NotApplicable, VerdictName::Known];
        tally.verdicts.total() - green.into_iter().map(|name| tally.verdicts.of(name)).sum::<u64>()
    }

    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Counts, and writes the counts when the run is over; a line now and then says how far it is.
#[derive(Debug)]
pub struct SwarmReport<W> {
    out: W,
    tally: SwarmTally,
    /// What was not explored, a sentence each.
    unexplored: Vec<String>,
}

impl<W: Write> SwarmReport<W> {
    /// Counts into `tally`. `unexplored` says what no universe of the run can show.
    pub fn new(out: W, tally: SwarmTally, unexplored: Vec<String>) -> Self {
        SwarmReport { out, tally, unexplored }
    }
}

impl<W: Write + Send> Sink for SwarmReport<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        let mut tally = self.tally.lock();
        match &record.event {
            Event::RunStarted(started) => tally.seed = started.seed,
            Event::StepFinished { step, outcome, .. } if OPERATIONS.contains(&step.kind.as_str()) => {
                *tally.outcomes.entry(step.kind.clone()).or_default().entry(outcome.name()).or_default() += 1;
            }
            Event::CellFinished(finished) => {
                tally.finished(finished);
                let done = tally.verdicts.total();
                if finished.verdict.is_failure() {
                    writeln!(self.out, "{} {}: {}", finished.verdict.name(), finished.cell, finished.replay)?;
                }
                if done.is_multiple_of(LINE_EVERY) {
                    let rate = done as f64 * 1000.0 / record.elapsed_ms.max(1) as f64;
                    writeln!(self.out, "{done} universes: {} ({rate:.1} a second)", counts(&tally.verdicts))?;
                    self.out.flush()?;
                }
            }
            Event::RunFinished { summary } => tally.duration_ms = summary.duration_ms,
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let text = render(&self.tally.lock(), &self.unexplored);
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

impl Tally {
    fn finished(&mut self, finished: &FinishedCell) {
        self.verdicts.add(finished.verdict.name());
        if finished.verdict.name() == VerdictName::Held && !finished.held.iter().any(|name| name == BY_THE_MODEL) {
            self.not_modelled += 1;
        }
        for tally in &finished.faults {
            let faults = self.faults.entry(kind(&tally.fault)).or_default();
            faults.armed += 1;
            faults.reached += u64::from(tally.reached > 0);
            faults.fired += u64::from(tally.fired > 0);
        }
    }
}

/// What a fault does, without how often and how much.
fn kind(fault: &FaultId) -> String {
    let action = fault.action.split(',').next().unwrap_or_default();
    if fault.family == FaultFamily::Failpoint {
        let task = action.rsplit("->").next().unwrap_or(action);
        let task = task.rsplit(['*', '%']).next().unwrap_or(task);
        return format!("failpoint {}", task.split('(').next().unwrap_or(task));
    }
    let words: Vec<&str> = action.split(' ').filter(|word| !word.bytes().any(|byte| byte.is_ascii_digit())).collect();
    let plain = words.join(" ");
    let plain = plain.trim_end_matches(" after bytes").trim_end_matches(" of ms");
    let plain = if plain == "byte corrupt" { "corrupt" } else { plain };
    let place = if fault.family == FaultFamily::Wire { "wire" } else { "store" };
    format!("{place} {plain}")
}

fn render(tally: &Tally, unexplored: &[String]) -> String {
    let mut out = String::new();
    let universes = tally.verdicts.total();
    let operations: u64 = tally.outcomes.values().flat_map(BTreeMap::values).sum();
    let of = |name: OutcomeName| tally.outcomes.values().filter_map(|kinds| kinds.get(&name)).sum::<u64>();
    let _ = writeln!(
        out,
        "{operations} operations: {} acknowledged, {} refused, {} in doubt, {} crashed",
        of(OutcomeName::Acknowledged),
        of(OutcomeName::Refused),
        of(OutcomeName::InDoubt),
        of(OutcomeName::Crashed),
    );
    for (kind, outcomes) in &tally.outcomes {
        let parts: Vec<String> = outcomes.iter().map(|(name, count)| format!("{count} {}", word(*name))).collect();
        let _ = writeln!(out, "  {kind:<8} {}", parts.join(", "));
    }
    out.push('\n');
    let width = tally.faults.keys().map(String::len).max().unwrap_or(5).max(5);
    let _ = writeln!(out, "{:<width$}  {:>7}  {:>7}  {:>7}", "fault", "armed", "reached", "fired");
    for (kind, faults) in &tally.faults {
        let _ = writeln!(out, "{kind:<width$}  {:>7}  {:>7}  {:>7}", faults.armed, faults.reached, faults.fired);
    }
    out.push('\n');
    if tally.not_modelled > 0 {
        let _ =
            writeln!(out, "not judged by the reference model: {} universes that held otherwise", tally.not_modelled);
    }
    for line in unexplored {
        let _ = writeln!(out, "not explored: {line}");
    }
    let rate = universes as f64 * 1000.0 / tally.duration_ms.max(1) as f64;
    let _ = writeln!(
        out,
        "{universes} universes: {} in {} ({rate:.1} a second, root seed {})",
        counts(&tally.verdicts),
        duration(tally.duration_ms),
        tally.seed
    );
    out
}

fn word(name: OutcomeName) -> &'static str {
    match name {
        OutcomeName::Acknowledged => "acknowledged",
        OutcomeName::Refused => "refused",
        OutcomeName::InDoubt => "in doubt",
        OutcomeName::Crashed => "crashed",
        OutcomeName::Panicked => "panicked",
        OutcomeName::Hung => "hung",
        OutcomeName::Started => "in the background",
        OutcomeName::Held => "held",
        OutcomeName::Mismatch => "found otherwise",
        OutcomeName::Trouble => "in trouble",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn fault(family: FaultFamily, action: &str) -> String {
        kind(&FaultId { step: 1, ordinal: 1, family, site: "sidecar.write".into(), action: action.into() })
    }

    #[test]
    fn faults_are_counted_by_what_they_do() {
        assert_eq!(fault(FaultFamily::Failpoint, "1*off->1*return"), "failpoint return");
        assert_eq!(fault(FaultFamily::Failpoint, "delay(5)"), "failpoint delay");
        assert_eq!(fault(FaultFamily::Failpoint, "hold"), "failpoint hold");
        assert_eq!(fault(FaultFamily::Store, "ack lost, match 2"), "store ack lost");
        assert_eq!(fault(FaultFamily::Store, "latency of 12 ms, first 2"), "store latency");
        assert_eq!(fault(FaultFamily::Store, "torn after 7 bytes"), "store torn");
        assert_eq!(fault(FaultFamily::Store, "byte 7 corrupt"), "store corrupt");
        assert_eq!(fault(FaultFamily::Process, "crash before"), "store crash before");
        assert_eq!(fault(FaultFamily::Wire, "request reset after 7 bytes, match 2"), "wire request reset");
        assert_eq!(fault(FaultFamily::Wire, "latency of 12 ms"), "wire latency");
        assert_eq!(fault(FaultFamily::Wire, "internal error, after it was done"), "wire internal error");
    }

    #[test]
    fn a_swarm_that_was_run() {
        let mut out = Vec::new();
        let tally = SwarmTally::default();
        let mut report = SwarmReport::new(&mut out, tally.clone(), vec!["what nobody drew".to_owned()]);
        samples::run().iter().for_each(|record| report.record(record).expect("memory"));
        report.finish().expect("memory");
        insta::assert_snapshot!(String::from_utf8(out).expect("text"));
        assert!(tally.faults().fired <= tally.faults().armed && tally.failures() > 0);
    }
}
