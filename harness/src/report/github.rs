//! GitHub Actions: an annotation for each failure, at the scenario's line, and a job summary in Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::collected::{Collected, counts, duration};
use super::explain;
use super::swarm::{swarmed, unmodelled};
use super::trail::Trail;
use crate::event::{FinishedCell, Record, Sink, SweepReport, Verdict};

/// GitHub shows ten annotations of a kind for a step; more are in the summary.
const ANNOTATIONS_MAX: usize = 10;
/// Failures that the summary tells; more are counted.
const FAILURES_MAX: usize = 50;
/// A job summary may have a mebibyte, and GitHub shows nothing of one that has more. What follows the failures is short.
const BYTES_MAX: usize = 700 * 1024;
/// Lines of one failure.
const LINES_MAX: usize = 60;
/// Lines of evidence for one breach; the bundle has all of them.
const EVIDENCE_LINES_MAX: usize = 20;
/// Reasons for which cells were not run, and cells that never finished, that are told one by one.
const REASONS_MAX: usize = 100;

/// Writes workflow commands to one output and the summary to another.
#[derive(Debug)]
pub struct Github<A, S> {
    annotations: A,
    summary: S,
    run: Collected,
}

impl<A: Write, S: Write> Github<A, S> {
    /// `annotations` is the job's standard output, `summary` the file that `GITHUB_STEP_SUMMARY` names, opened to append.
    pub fn new(annotations: A, summary: S) -> Self {
        Github { annotations, summary, run: Collected::default() }
    }
}

impl<A: Write + Send, S: Write + Send> Sink for Github<A, S> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.run.take(record);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.annotations.write_all(annotations(&self.run).as_bytes())?;
        self.annotations.flush()?;
        self.summary.write_all(markdown(&self.run).as_bytes())?;
        self.summary.flush()
    }
}

fn annotations(run: &Collected) -> String {
    let mut out = String::new();
    for cell in run.failures().into_iter().take(ANNOTATIONS_MAX) {
        let line = match &cell.verdict {
            Verdict::Broken { breaches } => breaches.iter().find_map(|breach| breach.line),
            _ => None,
        };
        let line = line.map(|line| format!(",line={line}")).unwrap_or_default();
        let title = property(&format!("{} {}", cell.cell, cell.verdict.name()));
        let reasons = cell.verdict.reasons().join("\n");
        let told = if matches!(cell.verdict, Verdict::Broken { .. }) { &cell.faults[..] } else { &[] };
        let faults: Vec<String> = told.iter().map(|tally| format!("\n{}", explain::fault(tally))).collect();
        let text = message(&format!("{reasons}{}\nreplay: {}", faults.concat(), cell.replay));
        let _ = writeln!(out, "::error file={}{line},title={title}::{text}", property(&cell.file));
    }
    for (backend, reason) in &run.failed_backends {
        let _ = writeln!(out, "::error title={}::{}", property(&format!("backend {backend}")), message(reason));
    }
    for (backend, reason) in &run.skipped_backends {
        let _ =
            writeln!(out, "::warning title={}::{}", property(&format!("backend {backend} skipped")), message(reason));
    }
    out
}

/// A workflow command ends at the line's end; what stands in a property also at a colon or a comma.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

fn markdown(run: &Collected) -> String {
    let summary = run.summary();
    let is_green = summary.failed.is_empty() && run.unfinished().is_empty() && run.failed_backends.is_empty();
    let mark = if is_green && !run.swarms_prove_nothing() { "✅" } else { "❌" };
    let mut out = format!("## {mark} chaos: {}\n\n", counts(&summary.totals));
    if let Some(started) = &run.started {
        let shard = started.selection.shard.map(|(k, n)| format!(", shard {k} of {n}")).unwrap_or_default();
        let _ = writeln!(out, "Seed `{}`, {}{shard}.\n", started.seed, duration(summary.duration_ms));
    }
    let backends = summary.backends();
    if !backends.is_empty() {
        let _ = writeln!(out, "| area | {} |\n|---|{}", backends.join(" | "), "---|".repeat(backends.len()));
        for (area, columns) in &summary.table {
            let cells: Vec<String> =
                backends.iter().map(|backend| columns.get(*backend).map_or_else(|| "–".to_owned(), counts)).collect();
            let _ = writeln!(out, "| {area} | {} |", cells.join(" | "));
        }
        out.push('\n');
    }
    let (ran, failed) = run.canaries();
    if ran > 0 {
        let _ = writeln!(out, "Canaries: {failed} of {ran} failed, as they must.\n");
    }
    let (not_judged, judged) = run.not_judged();
    if !not_judged.is_empty() {
        let told: Vec<String> = not_judged.iter().map(|(name, count)| format!("`{name}` in {count}")).collect();
        let _ = writeln!(out, "Not judged, of {judged} judged cells: {}.\n", told.join(", "));
    }
    sweeps(&mut out, run);
    swarms(&mut out, run);
    let failures = run.failures();
    let mut told = 0;
    for cell in failures.iter().take(FAILURES_MAX) {
        let text = failure(cell, run.trails.of(&cell.cell));
        if out.len() + text.len() > BYTES_MAX {
            break;
        }
        out.push_str(&text);
        told += 1;
    }
    if failures.len() > told {
        let _ = writeln!(out, "{} more failures are in the log.\n", failures.len() - told);
    }
    let mut not_run: Vec<String> =
        run.skipped_backends.iter().map(|(backend, reason)| format!("- backend {backend}: {reason}")).collect();
    not_run.extend(run.failed_backends.iter().map(|(backend, reason)| format!("- backend {backend} failed: {reason}")));
    not_run.extend(summary.not_run.iter().map(|(reason, cells)| {
        let what = if cells.len() == 1 { "cell" } else { "cells" };
        format!("- {} {what}: {}", cells.len(), escape(reason))
    }));
    not_run.extend(run.unfinished().iter().map(|cell| format!("- {cell} never finished")));
    let more = not_run.len().saturating_sub(REASONS_MAX);
    not_run.truncate(REASONS_MAX);
    if more > 0 {
        not_run.push(format!("- and {more} more"));
    }
    if !not_run.is_empty() {
        let _ = writeln!(out, "<details><summary>Not run</summary>\n\n{}\n\n</details>", not_run.join("\n"));
    }
    out
}

/// What each sweep tried, and what was left out and why, over all of them.
fn sweeps(out: &mut String, run: &Collected) {
    if run.sweeps.is_empty() {
        return;
    }
    let mut sweeps: Vec<&SweepReport> = run.sweeps.iter().collect();
    sweeps.sort_by_key(|report| (&report.sweep, &report.backend));
    let _ = writeln!(out, "| sweep | W | cuts | pairs | left out | verdicts |\n|---|---|---|---|---|---|");
    for report in &sweeps {
        let writes = match report.writes {
            None => "not counted".to_owned(),
            Some((fewest, most)) if fewest == most => most.to_string(),
            Some((fewest, most)) => format!("{fewest} to {most}"),
        };
        let _ = writeln!(
            out,
            "| {}@{} | {writes} | {} + {} around the answer + {} in recoveries | {} | {} | {} |",
            cell(&report.sweep),
            report.backend,
            report.cuts,
            report.answer_cuts,
            report.recovery_cuts,
            report.pairs,
            report.pruned.iter().map(|(_, count)| count).sum::<u64>(),
            counts(&report.verdicts),
        );
    }
    out.push('\n');
    let mut pruned: BTreeMap<&str, u64> = BTreeMap::new();
    for (argument, count) in sweeps.iter().flat_map(|report| &report.pruned) {
        *pruned.entry(argument).or_default() += count;
    }
    let pruned = pruned.iter().map(|(argument, count)| format!("left out: {count} pairs, since {argument}"));
    let unexplored = sweeps.iter().flat_map(|report| &report.unexplored);
    list(out, "What the sweeps did not look at", pruned.collect(), unexplored);
}

/// What the universes came to on each backend, and what became of the faults in them.
fn swarms(out: &mut String, run: &Collected) {
    if run.swarms.is_empty() {
        return;
    }
    for report in &run.swarms {
        let name = cell(&report.swarms.join(", "));
        let _ = writeln!(out, "**{name}** on {}: {}.\n", report.backend, swarmed(report));
        let _ = writeln!(out, "| fault on {} | armed | reached | fired |\n|---|---|---|---|", report.backend);
        for (kind, faults) in &report.faults {
            let _ = writeln!(out, "| {} | {} | {} | {} |", cell(kind), faults.armed, faults.reached, faults.fired);
        }
        out.push('\n');
    }
    if run.swarms_prove_nothing() {
        let _ = writeln!(out, "No fault fired in any universe, so the swarm proves nothing.\n");
    }
    let unmodelled =
        run.swarms.iter().filter_map(|report| Some(format!("{} on {}", unmodelled(report)?, report.backend)));
    let unexplored = run.swarms.iter().flat_map(|report| &report.unexplored);
    list(out, "What the swarms did not look at", unmodelled.collect(), unexplored);
}

/// A list to unfold: these lines, and once each what was not explored.
fn list<'a>(out: &mut String, title: &str, mut lines: Vec<String>, unexplored: impl Iterator<Item = &'a String>) {
    for what in unexplored {
        let line = format!("not explored: {what}");
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    if lines.is_empty() {
        return;
    }
    let items: Vec<String> = lines.iter().map(|line| format!("- {}", escape(line))).collect();
    let _ = writeln!(out, "<details><summary>{title}</summary>\n\n{}\n\n</details>\n", items.join("\n"));
}

/// Text in a cell of a table, which a bar would end.
fn cell(text: &str) -> String {
    escape(text).replace('|', "\\|")
}

fn failure(cell: &FinishedCell, trail: Option<&Trail>) -> String {
    let mut lines = explain::lines(cell, trail, EVIDENCE_LINES_MAX);
    lines.truncate(LINES_MAX);
    // What is quoted must not end the block that quotes it.
    let quoted = lines.join("\n").replace("```", "'''");
    format!(
        "<details><summary><code>{}</code> {}</summary>\n\n{}\n\n```\n{quoted}\n```\n\n`{}`\n\n</details>\n\n",
        escape(&cell.cell.to_string()),
        cell.verdict.name(),
        escape(&cell.summary),
        cell.replay
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn written(records: &[Record]) -> (String, String) {
        let (mut annotations, mut summary) = (Vec::new(), Vec::new());
        let mut github = Github::new(&mut annotations, &mut summary);
        records.iter().for_each(|record| github.record(record).expect("memory"));
        github.finish().expect("memory");
        (String::from_utf8(annotations).expect("text"), String::from_utf8(summary).expect("text"))
    }

    #[test]
    fn annotations_of_a_run_with_every_verdict() {
        insta::assert_snapshot!(written(&samples::run()).0);
    }

    #[test]
    fn the_summary_of_a_run_with_every_verdict() {
        insta::assert_snapshot!(written(&samples::run()).1);
    }

    #[test]
    fn the_summary_of_a_sweep_and_of_a_swarm() {
        insta::assert_snapshot!(written(&samples::with_a_sweep_and_a_swarm()).1);
    }

    #[test]
    fn a_swarm_in_which_no_fault_fired_has_no_green_mark() {
        let summary = written(&samples::with_a_swarm_that_proves_nothing()).1;
        assert!(summary.starts_with("## ❌") && summary.contains("so the swarm proves nothing"), "{summary}");
    }

    #[test]
    fn a_message_cannot_start_a_command_of_its_own() {
        assert_eq!(message("a\n::set-env::b"), "a%0A::set-env::b");
        assert_eq!(property("a,b:c%"), "a%2Cb%3Ac%25");
    }

    #[test]
    fn a_green_run_annotates_nothing() {
        let (annotations, summary) = written(&samples::green());
        assert_eq!(annotations, "");
        assert!(summary.starts_with("## ✅"), "{summary}");
    }
}
