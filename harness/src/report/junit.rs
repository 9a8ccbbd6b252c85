//! JUnit XML: a suite a backend, a case a cell. What was not run is a skip with its reason, never a pass.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::collected::{Collected, left_out, swept};
use super::explain;
use super::swarm::{ends, swarmed};
use super::trail::Trail;
use crate::event::{FaultFamily, FinishedCell, Record, Sink, SwarmReport, Verdict};

/// Lines of evidence for one breach; the bundle has all of them.
const EVIDENCE_LINES_MAX: usize = 100;

/// Writes the report when the run is over.
#[derive(Debug)]
pub struct Junit<W> {
    out: W,
    run: Collected,
}

impl<W: Write> Junit<W> {
    /// To this output, which should be empty.
    pub fn new(out: W) -> Self {
        Junit { out, run: Collected::default() }
    }
}

impl<W: Write + Send> Sink for Junit<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.run.take(record);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let text = report(&self.run).to_string().map_err(io::Error::other)?;
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

fn report(run: &Collected) -> Report {
    let mut report = Report::new("chaos");
    report.set_time(Duration::from_millis(run.summary().duration_ms));
    if let Some(started) = &run.started
        && let Ok(at) = chrono::DateTime::parse_from_rfc3339(&started.started_at)
    {
        report.set_timestamp(at);
    }
    for backend in run.summary().backends() {
        let mut suite = TestSuite::new(backend);
        let cells: Vec<&FinishedCell> = run.cells.iter().filter(|cell| cell.cell.backend == backend).collect();
        suite.set_time(Duration::from_millis(cells.iter().map(|cell| cell.duration_ms).sum()));
        suite.add_property(Property::new("backend", backend));
        for report in run.sweeps.iter().filter(|report| report.backend == backend) {
            suite.add_property(Property::new("sweep", format!("{}: {}", report.sweep, swept(report))));
            for line in left_out(report) {
                suite.add_property(Property::new("left out", line));
            }
            for what in &report.unexplored {
                suite.add_property(Property::new("not explored", what.as_str()));
            }
        }
        for report in run.swarms.iter().filter(|report| report.backend == backend) {
            swarm(&mut suite, report);
        }
        cells.iter().for_each(|cell| {
            suite.add_test_case(case(cell, run.trails.of(&cell.cell)));
        });
        report.add_test_suite(suite);
    }
    // Cells that never finished are in no suite's count, and a report without them would look complete.
    let unfinished = run.unfinished();
    if !unfinished.is_empty() {
        let mut suite = TestSuite::new("unfinished");
        for cell in unfinished {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type("infrastructure").set_message("the run broke off before this cell had a verdict");
            suite.add_test_case(TestCase::new(cell.to_string(), status));
        }
        report.add_test_suite(suite);
    }
    report
}

/// What a swarm came to: without this, a suite of green universes would not tell whether anything was tried in them.
fn swarm(suite: &mut TestSuite, report: &SwarmReport) {
    suite.add_property(Property::new("swarm", format!("{}: {}", report.swarms.join(", "), swarmed(report))));
    for (kind, outcomes) in &report.outcomes {
        suite.add_property(Property::new("outcomes", format!("{kind}: {}", ends(outcomes))));
    }
    for (kind, faults) in &report.faults {
        let became = format!("{kind}: {} armed, {} reached, {} fired", faults.armed, faults.reached, faults.fired);
        suite.add_property(Property::new("faults", became));
    }
    suite.add_property(Property::new("not judged by the reference model", report.not_modelled.to_string()));
    for what in &report.unexplored {
        suite.add_property(Property::new("not explored", what.as_str()));
    }
}

fn case(cell: &FinishedCell, trail: Option<&Trail>) -> TestCase {
    let mut case = TestCase::new(cell.cell.scenario.as_str(), status(cell, trail));
    case.set_classname(format!("{}.{}", cell.cell.backend, cell.cell.area()));
    case.set_time(Duration::from_millis(cell.duration_ms));
    let properties = [
        ("scenario", cell.cell.scenario.clone()),
        ("backend", cell.cell.backend.clone()),
        ("seed", cell.seed.to_string()),
        ("verdict", cell.verdict.name().to_string()),
        ("file", cell.file.clone()),
        ("replay", cell.replay.clone()),
    ];
    for (name, value) in properties.into_iter().chain(cell.bundle.iter().map(|bundle| ("bundle", bundle.clone()))) {
        case.add_property(Property::new(name, value));
    }
    let failpoints: BTreeSet<&str> = cell
        .faults
        .iter()
        .filter(|tally| tally.fault.family == FaultFamily::Failpoint)
        .map(|tally| tally.fault.site.as_str())
        .collect();
    if !failpoints.is_empty() {
        case.add_property(Property::new("failpoints", failpoints.into_iter().collect::<Vec<_>>().join(" ")));
    }
    for tally in &cell.faults {
        case.add_property(Property::new("fault", explain::fault(tally)));
    }
    for (invariant, reason) in &cell.waived {
        case.add_property(Property::new("waived", format!("{invariant}: {reason}")));
    }
    for (invariant, missing) in &cell.not_judged {
        case.add_property(Property::new("not judged", format!("{invariant}: {missing}")));
    }
    case
}

/// A broken promise is a failure, trouble with anything else an error, and what was not run a skip.
fn status(cell: &FinishedCell, trail: Option<&Trail>) -> TestCaseStatus {
    let mut status = match &cell.verdict {
        Verdict::Held => return TestCaseStatus::success(),
        Verdict::Broken { .. } | Verdict::NotExercised { .. } => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Inconclusive { .. } | Verdict::Infrastructure { .. } | Verdict::Invalid { .. } => {
            TestCaseStatus::non_success(NonSuccessKind::Error)
        }
        Verdict::Skipped { .. } | Verdict::NotApplicable { .. } | Verdict::Known { .. } => TestCaseStatus::skipped(),
    };
    let reasons = cell.verdict.reasons();
    let first = reasons.first().map_or("", String::as_str);
    let message = match &cell.verdict {
        Verdict::Known { issue, until, .. } => format!("known as {issue}, accepted until {until}: {first}"),
        _ => first.to_owned(),
    };
    status.set_type(cell.verdict.name().as_str().replace(' ', "-")).set_message(message);
    let mut lines = explain::lines(cell, trail, EVIDENCE_LINES_MAX);
    lines.push(format!("replay: {}", cell.replay));
    status.set_description(lines.join("\n"));
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn xml(records: &[Record]) -> String {
        let mut out = Vec::new();
        let mut junit = Junit::new(&mut out);
        records.iter().for_each(|record| junit.record(record).expect("memory"));
        junit.finish().expect("memory");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_run_with_every_verdict() {
        insta::assert_snapshot!(xml(&samples::run()));
    }

    #[test]
    fn what_a_sweep_left_out_and_what_a_swarm_tried_are_properties_of_their_backend() {
        let text = xml(&samples::with_a_sweep_and_a_swarm());
        for (name, value) in [
            ("sweep", "sweep/a-load: W 8: 9 cuts"),
            ("left out", "3 pairs, since nobody asked"),
            ("swarm", "swarm/crashes, swarm/storms: 10 universes: 9 held, 1 broken"),
            ("outcomes", "load: 40 acknowledged, 2 in doubt"),
            ("faults", "store ack lost: 9 armed, 7 reached, 5 fired"),
            ("not judged by the reference model", "1"),
            ("not explored", "what nobody drew"),
        ] {
            assert!(text.contains(&format!("<property name=\"{name}\" value=\"{value}")), "{name}: {text}");
        }
    }

    #[test]
    fn a_run_that_broke_off_is_not_complete_and_green() {
        let mut records = samples::green();
        records.truncate(records.len() - 2);
        assert!(xml(&records).contains("the run broke off"));
    }
}
