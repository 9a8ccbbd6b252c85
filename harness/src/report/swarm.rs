//! What a swarm came to: how many universes and operations, how they ended, and what became of the faults.
//!
//! Counted is without regard to who is told of it: whether a swarm proves anything must not hang on a report.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::collected::{counts, duration};
use crate::event::{Event, FaultFamily, FaultId, FinishedCell, OutcomeName, Record, Sink, SwarmReport, VerdictName};

/// The invariant that is judged by the reference model.
const BY_THE_MODEL: &str = "rows-equal-the-reference-model";
/// Steps that are operations on the engine.
const OPERATIONS: &[&str] = &["load", "mutate", "repair", "query", "refresh", "open"];
/// Universes after which a line says how far it is.
const LINE_EVERY: u64 = 100;

/// What is counted of a swarm.
pub trait Counts {
    /// Takes the next event.
    fn take(&mut self, event: &Event);
}

impl Counts for SwarmReport {
    fn take(&mut self, event: &Event) {
        match event {
            Event::StepFinished { step, outcome, .. } if OPERATIONS.contains(&step.kind.as_str()) => {
                *self.outcomes.entry(step.kind.clone()).or_default().entry(outcome.name()).or_default() += 1;
            }
            Event::CellFinished(finished) => count(self, finished),
            _ => {}
        }
    }
}

fn count(report: &mut SwarmReport, finished: &FinishedCell) {
    report.verdicts.add(finished.verdict.name());
    if finished.verdict.name() == VerdictName::Held && !finished.held.iter().any(|name| name == BY_THE_MODEL) {
        report.not_modelled += 1;
    }
    for tally in &finished.faults {
        let faults = report.faults.entry(kind(&tally.fault)).or_default();
        faults.armed += 1;
        faults.reached += u64::from(tally.reached > 0);
        faults.fired += u64::from(tally.fired > 0);
    }
}

/// Writes for people: what failed as it fails, a line now and then that says how far it is, and the counts over all backends
/// when the run is over, also when it broke off.
#[derive(Debug)]
pub struct SwarmTerminal<W> {
    out: W,
    counts: SwarmReport,
    seed: u64,
    duration_ms: u64,
}

impl<W: Write> SwarmTerminal<W> {
    /// To this output. `unexplored` says what no universe of the run can show, a sentence each.
    pub fn new(out: W, unexplored: Vec<String>) -> Self {
        SwarmTerminal { out, counts: SwarmReport { unexplored, ..SwarmReport::default() }, seed: 0, duration_ms: 0 }
    }
}

impl<W: Write + Send> Sink for SwarmTerminal<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.counts.take(&record.event);
        match &record.event {
            Event::RunStarted(started) => self.seed = started.seed,
            Event::CellFinished(finished) => {
                let done = self.counts.verdicts.total();
                if finished.verdict.is_failure() {
                    writeln!(self.out, "{} {}: {}", finished.verdict.name(), finished.cell, finished.replay)?;
                }
                if done.is_multiple_of(LINE_EVERY) {
                    let rate = done as f64 * 1000.0 / record.elapsed_ms.max(1) as f64;
                    writeln!(self.out, "{done} universes: {} ({rate:.1} a second)", counts(&self.counts.verdicts))?;
                    self.out.flush()?;
                }
            }
            Event::RunFinished { summary } => self.duration_ms = summary.duration_ms,
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let text = render(&self.counts, self.seed, self.duration_ms);
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
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

/// How operations of one kind ended: `12 acknowledged, 3 refused`.
pub fn ends(outcomes: &BTreeMap<OutcomeName, u64>) -> String {
    let parts: Vec<String> = outcomes.iter().map(|(name, count)| format!("{count} {}", word(*name))).collect();
    parts.join(", ")
}

/// How operations ended, over all kinds.
pub fn all_ends(report: &SwarmReport) -> String {
    format!(
        "{} operations: {} acknowledged, {} refused, {} in doubt, {} crashed",
        report.operations(),
        report.ended(OutcomeName::Acknowledged),
        report.ended(OutcomeName::Refused),
        report.ended(OutcomeName::InDoubt),
        report.ended(OutcomeName::Crashed),
    )
}

/// What a swarm came to, on one line.
pub fn swarmed(report: &SwarmReport) -> String {
    let faults = report.all_faults();
    let nothing = if faults.fired == 0 { ", so it proves nothing" } else { "" };
    format!(
        "{} universes: {}; {}; {} faults armed, {} reached, {} fired{nothing}",
        report.verdicts.total(),
        counts(&report.verdicts),
        all_ends(report),
        faults.armed,
        faults.reached,
        faults.fired,
    )
}

/// How many universes the reference model had nothing to say of; none where it judged all.
pub fn unmodelled(report: &SwarmReport) -> Option<String> {
    let count = report.not_modelled;
    (count > 0).then(|| format!("not judged by the reference model: {count} universes that held otherwise"))
}

fn render(report: &SwarmReport, seed: u64, duration_ms: u64) -> String {
    let mut out = String::new();
    let universes = report.verdicts.total();
    let _ = writeln!(out, "{}", all_ends(report));
    for (kind, outcomes) in &report.outcomes {
        let _ = writeln!(out, "  {kind:<8} {}", ends(outcomes));
    }
    out.push('\n');
    let width = report.faults.keys().map(String::len).max().unwrap_or(5).max(5);
    let _ = writeln!(out, "{:<width$}  {:>7}  {:>7}  {:>7}", "fault", "armed", "reached", "fired");
    for (kind, faults) in &report.faults {
        let _ = writeln!(out, "{kind:<width$}  {:>7}  {:>7}  {:>7}", faults.armed, faults.reached, faults.fired);
    }
    out.push('\n');
    if let Some(line) = unmodelled(report) {
        let _ = writeln!(out, "{line}");
    }
    for line in &report.unexplored {
        let _ = writeln!(out, "not explored: {line}");
    }
    let rate = universes as f64 * 1000.0 / duration_ms.max(1) as f64;
    let _ = writeln!(
        out,
        "{universes} universes: {} in {} ({rate:.1} a second, root seed {seed})",
        counts(&report.verdicts),
        duration(duration_ms),
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
        let mut report = SwarmTerminal::new(&mut out, vec!["what nobody drew".to_owned()]);
        samples::run().iter().for_each(|record| report.record(record).expect("memory"));
        report.finish().expect("memory");
        insta::assert_snapshot!(String::from_utf8(out).expect("text"));
    }
    #[test]
    fn what_is_counted_says_whether_anything_fired_and_failed() {
        let mut report = SwarmReport::default();
        assert!(swarmed(&report).ends_with("0 fired, so it proves nothing"), "{}", swarmed(&report));
        samples::run().iter().for_each(|record| report.take(&record.event));
        let faults = report.all_faults();
        assert!(faults.fired > 0 && faults.fired <= faults.reached && faults.reached <= faults.armed, "{faults:?}");
        assert_eq!((report.failures(), report.verdicts.total(), report.operations()), (5, 10, 2));
    }
}
