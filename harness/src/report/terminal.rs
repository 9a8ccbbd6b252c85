//! The end of a run for people: every failure with its evidence and the one command that replays it, what was not run and
//! why, and the table of verdicts last, where the eye is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::collected::{Collected, counts, duration, swept};
use super::explain;
use super::trail::Trail;
use crate::event::{Breach, FinishedCell, Record, Sink, SweepReport, Verdict, VerdictName};

/// Lines of evidence shown for one breach; the bundle has all of them.
const EVIDENCE_LINES_MAX: usize = 12;

/// Writes the report when the run is over.
#[derive(Debug)]
pub struct Terminal<W> {
    out: W,
    color: bool,
    run: Collected,
}

impl<W: Write> Terminal<W> {
    /// Without colour.
    pub fn new(out: W) -> Self {
        Terminal { out, color: false, run: Collected::default() }
    }

    /// With ANSI colour.
    #[must_use]
    pub fn with_color(mut self, color: bool) -> Self {
        self.color = color;
        self
    }
}

impl<W: Write + Send> Sink for Terminal<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.run.take(record);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let text = render(&self.run, &Paint { color: self.color });
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

/// ANSI colour, or none.
struct Paint {
    color: bool,
}

impl Paint {
    fn verdict(&self, name: VerdictName, text: &str) -> String {
        let code = match name {
            VerdictName::Held => "32",
            VerdictName::Broken | VerdictName::Infrastructure | VerdictName::Invalid => "31",
            VerdictName::NotExercised | VerdictName::Inconclusive | VerdictName::Known => "33",
            VerdictName::Skipped | VerdictName::NotApplicable => "2",
        };
        self.code(code, text)
    }

    fn bold(&self, text: &str) -> String {
        self.code("1", text)
    }

    fn code(&self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn render(run: &Collected, paint: &Paint) -> String {
    let mut out = String::new();
    for cell in run.failures() {
        out.push_str(&failure(cell, run.trails.of(&cell.cell), paint));
    }
    for cell in run.known() {
        out.push_str(&failure(cell, None, paint));
    }
    not_run(&mut out, run, paint);
    sweeps(&mut out, run, paint);
    table(&mut out, run, paint);
    totals(&mut out, run, paint);
    out
}

/// One failed cell, whole.
fn failure(cell: &FinishedCell, trail: Option<&Trail>, paint: &Paint) -> String {
    let mut out = String::new();
    let name = cell.verdict.name();
    let title = paint.verdict(name, &name.as_str().to_uppercase());
    let canary = if cell.canary { ", a canary" } else { "" };
    let _ = writeln!(
        out,
        "{title} {} (seed {}, {}{canary})",
        paint.bold(&cell.cell.to_string()),
        cell.seed,
        duration(cell.duration_ms)
    );
    let _ = writeln!(out, "  {}", cell.summary);
    let _ = writeln!(out, "  in {}", cell.file);
    match &cell.verdict {
        Verdict::Broken { breaches } => {
            breaches.iter().for_each(|breach| out.push_str(&one_breach(breach, &cell.file)))
        }
        Verdict::Known { issue, until, breaches } => {
            let _ = writeln!(out, "  known as {issue}, accepted until {until}");
            breaches.iter().for_each(|breach| out.push_str(&one_breach(breach, &cell.file)));
        }
        verdict => verdict.reasons().iter().for_each(|reason| {
            let _ = writeln!(out, "  - {}", reason.replace('\n', "\n    "));
        }),
    }
    // Where the reasons are the faults, they are told already.
    if !cell.faults.is_empty() && !matches!(cell.verdict, Verdict::NotExercised { .. }) {
        out.push_str("  faults\n");
        cell.faults.iter().for_each(|tally| {
            let _ = writeln!(out, "    {}", explain::fault(tally));
        });
    }
    let steps = trail.map(explain::steps).unwrap_or_default();
    if !steps.is_empty() {
        out.push_str("  steps\n");
        steps.iter().for_each(|step| {
            let _ = writeln!(out, "    {}", step.replace('\n', "\n      "));
        });
    }
    if let Some(bundle) = &cell.bundle {
        let _ = writeln!(out, "  bundle {bundle}");
    }
    let _ = writeln!(out, "  replay {}\n", paint.bold(&cell.replay));
    out
}

fn one_breach(breach: &Breach, file: &str) -> String {
    let mut out = format!("  - {}: {}\n", breach.invariant, breach.message.replace('\n', "\n    "));
    if let (Some(step), line) = (breach.step, breach.line) {
        let at = line.map(|line| format!(" ({file}:{line})")).unwrap_or_default();
        let _ = writeln!(out, "      at step {step}{at}");
    }
    for (name, value) in [("expected", &breach.expected), ("found", &breach.found)] {
        if let Some(value) = value {
            let _ = writeln!(out, "      {name:<8} {value}");
        }
    }
    for line in breach.evidence.iter().take(EVIDENCE_LINES_MAX) {
        let _ = writeln!(out, "      | {}", line.replace('\n', "\n      | "));
    }
    if breach.evidence.len() > EVIDENCE_LINES_MAX {
        let _ = writeln!(out, "      | and {} more lines, in the bundle", breach.evidence.len() - EVIDENCE_LINES_MAX);
    }
    out
}

/// What was not run, grouped by the reason, and cells that never finished.
fn not_run(out: &mut String, run: &Collected, paint: &Paint) {
    for (backend, reason) in &run.failed_backends {
        let _ = writeln!(out, "{} backend {backend}: {reason}", paint.verdict(VerdictName::Infrastructure, "FAILED"));
    }
    for (backend, reason) in &run.skipped_backends {
        let _ = writeln!(out, "{} backend {backend}: {reason}", paint.verdict(VerdictName::Skipped, "skipped"));
    }
    for (reason, cells) in &run.summary().not_run {
        let mut backends: Vec<&str> = cells.iter().map(|cell| cell.backend.as_str()).collect();
        backends.sort_unstable();
        backends.dedup();
        let which = match cells.as_slice() {
            [one] => one.to_string(),
            many => format!("{} cells on {}", many.len(), backends.join(", ")),
        };
        let _ = writeln!(out, "{} {which}: {reason}", paint.verdict(VerdictName::NotApplicable, "not run"));
    }
    let unfinished = run.unfinished();
    if !unfinished.is_empty() {
        let names: Vec<String> = unfinished.iter().take(5).map(ToString::to_string).collect();
        let more = if unfinished.len() > 5 { ", …" } else { "" };
        let _ = writeln!(
            out,
            "{} {} cells never finished: {}{more}",
            paint.verdict(VerdictName::Infrastructure, "UNFINISHED"),
            unfinished.len(),
            names.join(", ")
        );
    }
    if !out.is_empty() && !out.ends_with("\n\n") {
        out.push('\n');
    }
}

/// What each sweep tried, and what none of them looked at.
fn sweeps(out: &mut String, run: &Collected, paint: &Paint) {
    if run.sweeps.is_empty() {
        return;
    }
    let mut sweeps: Vec<&SweepReport> = run.sweeps.iter().collect();
    sweeps.sort_by_key(|report| (&report.sweep, &report.backend));
    let _ = writeln!(out, "{}", paint.bold("sweeps"));
    for report in &sweeps {
        let _ = writeln!(out, "{}@{}  {}", report.sweep, report.backend, swept(report));
    }
    let mut left_out: BTreeMap<&str, u64> = BTreeMap::new();
    for (argument, count) in sweeps.iter().flat_map(|report| &report.pruned) {
        *left_out.entry(argument).or_default() += count;
    }
    for (argument, count) in left_out {
        let _ = writeln!(out, "left out: {count} pairs, since {argument}");
    }
    let mut unexplored: Vec<&str> = Vec::new();
    for what in sweeps.iter().flat_map(|report| &report.unexplored) {
        if !unexplored.contains(&what.as_str()) {
            unexplored.push(what);
        }
    }
    for what in unexplored {
        let _ = writeln!(out, "not explored: {what}");
    }
    out.push('\n');
}

/// Areas down, backends across.
fn table(out: &mut String, run: &Collected, paint: &Paint) {
    let summary = run.summary();
    let backends = summary.backends();
    if backends.is_empty() {
        return;
    }
    let mut rows = vec![
        std::iter::once("area".to_owned()).chain(backends.iter().map(|name| (*name).to_owned())).collect::<Vec<_>>(),
    ];
    for (area, columns) in &summary.table {
        let cells = backends.iter().map(|backend| columns.get(*backend).map_or_else(|| "–".to_owned(), counts));
        rows.push(std::iter::once(area.clone()).chain(cells).collect());
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..=backends.len()).map(width).collect();
    for (at, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let line = cells.join("  ").trim_end().to_owned();
        let _ = writeln!(out, "{}", if at == 0 { paint.bold(&line) } else { line });
    }
    out.push('\n');
}

/// Waived invariants with the number of cells that waive them.
fn waived(run: &Collected) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for (invariant, _) in run.cells.iter().flat_map(|cell| &cell.waived) {
        *counts.entry(invariant.as_str()).or_default() += 1;
    }
    counts
}

/// Known issues with the number of cells that broke as they say.
fn known(run: &Collected) -> BTreeMap<(&str, &str), usize> {
    let mut counts = BTreeMap::new();
    for cell in run.known() {
        if let Verdict::Known { issue, until, .. } = &cell.verdict {
            *counts.entry((issue.as_str(), until.as_str())).or_default() += 1;
        }
    }
    counts
}

fn cells(count: usize) -> &'static str {
    if count == 1 { "cell" } else { "cells" }
}

fn totals(out: &mut String, run: &Collected, paint: &Paint) {
    let summary = run.summary();
    let (ran, failed_as_they_must) = run.canaries();
    if ran > 0 {
        let _ = writeln!(out, "canaries: {failed_as_they_must} of {ran} failed, as they must");
    }
    for (invariant, count) in waived(run) {
        let _ = writeln!(out, "waived: {invariant}, in {count} {}", cells(count));
    }
    for ((issue, until), count) in known(run) {
        let _ = writeln!(out, "known: {issue}, accepted until {until}, in {count} {}", cells(count));
    }
    let (not_judged, judged) = run.not_judged();
    for (invariant, count) in not_judged {
        let _ = writeln!(out, "not judged: {invariant}, in {count} of {judged} {}", cells(judged));
    }
    let worst = summary.failed.first().map_or(VerdictName::Held, |(_, name)| *name);
    let seed = run.started.as_ref().map(|started| format!(", seed {}", started.seed)).unwrap_or_default();
    let shard = run.started.as_ref().and_then(|started| started.selection.shard);
    let shard = shard.map(|(k, n)| format!(", shard {k} of {n}")).unwrap_or_default();
    let total = summary.totals.total();
    let _ = writeln!(
        out,
        "{} in {} ({:.1} a second{seed}{shard})",
        paint.verdict(
            worst,
            &format!("{total} {}: {}", if total == 1 { "cell" } else { "cells" }, counts(&summary.totals))
        ),
        duration(summary.duration_ms),
        summary.cells_per_second(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn shown(records: &[Record], color: bool) -> String {
        let mut out = Vec::new();
        let mut terminal = Terminal::new(&mut out).with_color(color);
        records.iter().for_each(|record| terminal.record(record).expect("memory"));
        terminal.finish().expect("memory");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_run_with_every_verdict() {
        insta::assert_snapshot!(shown(&samples::run(), false));
    }

    #[test]
    fn a_green_run_is_a_table_and_a_line() {
        insta::assert_snapshot!(shown(&samples::green(), false));
    }

    #[test]
    fn a_run_that_broke_off_says_which_cells_never_finished() {
        let mut records = samples::run();
        records.pop();
        records.pop();
        let text = shown(&records, false);
        assert!(text.contains("never finished"), "{text}");
    }

    #[test]
    fn colour_changes_no_word() {
        let colored = shown(&samples::run(), true);
        let codes = ["1", "2", "31", "32", "33", "0"];
        let plain = codes.iter().fold(colored, |text, code| text.replace(&format!("\x1b[{code}m"), ""));
        assert_eq!(plain, shown(&samples::run(), false));
    }
}
