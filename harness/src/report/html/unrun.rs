//! What the run says nothing about: cells that were not run, faults that never fired, failpoints that nobody struck,
//! invariants that were waived, or could not be judged.

use std::collections::{BTreeMap, BTreeSet};

use super::look;
use super::markup::Markup;
use crate::event::{FaultFamily, FinishedCell, VerdictName};
use crate::report::collected::Collected;

/// Names that are listed for one reason; of more, the number is told.
const NAMES_MAX: usize = 200;

/// The part of the page.
pub fn write(page: &mut Markup, run: &Collected) {
    page.raw("<section id=\"unrun\" aria-labelledby=\"unrun-title\">\n");
    page.raw("<h2 id=\"unrun-title\">What this run does not show</h2>\n");
    let parts = [
        backends(page, run),
        cells(page, run),
        faults(page, run),
        failpoints(page, run),
        waived(page, run),
        not_judged(page, run),
    ];
    if parts.iter().all(|told| !told) {
        page.raw("<p>Nothing was left out: every cell ran, every fault fired, every failpoint was struck, every invariant was judged.</p>\n");
    }
    page.raw("</section>\n");
}

fn backends(page: &mut Markup, run: &Collected) -> bool {
    for (word, name, backends) in [
        ("failed", VerdictName::Infrastructure, &run.failed_backends),
        ("skipped", VerdictName::Skipped, &run.skipped_backends),
    ] {
        for (backend, reason) in backends {
            page.raw("<p class=\"reason v-").raw(look::of(name).class).raw("\">");
            look::chip(page, name);
            page.raw(" backend <strong>")
                .text(backend)
                .raw("</strong> ")
                .raw(word)
                .raw(": ")
                .text(reason)
                .raw("</p>\n");
        }
    }
    !run.failed_backends.is_empty() || !run.skipped_backends.is_empty()
}

/// Cells that were not run, by reason.
fn cells(page: &mut Markup, run: &Collected) -> bool {
    let not_run = run.summary().not_run;
    for (reason, cells) in &not_run {
        let names = cells.iter().map(ToString::to_string).collect();
        list(
            page,
            cells.len(),
            if cells.len() == 1 { "cell was not run" } else { "cells were not run" },
            reason,
            names,
        );
    }
    let unfinished = run.unfinished();
    if !unfinished.is_empty() {
        let names = unfinished.iter().map(ToString::to_string).collect();
        list(page, unfinished.len(), "cells never finished", "the run broke off before", names);
    }
    !not_run.is_empty() || !unfinished.is_empty()
}

/// Armed faults that did not fire, whatever became of their cells.
fn faults(page: &mut Markup, run: &Collected) -> bool {
    let mut by_state: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for cell in run.cells.iter().filter(|cell| !cell.canary) {
        for tally in cell.faults.iter().filter(|tally| !tally.is_exercised()) {
            let state = if tally.reached == 0 { "never reached" } else { "reached and never fired" };
            by_state.entry(state).or_default().push(format!("{}: {}", cell.cell, tally.fault));
        }
    }
    for (state, names) in &by_state {
        list(
            page,
            names.len(),
            if names.len() == 1 { "armed fault was" } else { "armed faults were" },
            state,
            names.clone(),
        );
    }
    !by_state.is_empty()
}

/// Failpoints of the engine at which no fault fired on any backend.
fn failpoints(page: &mut Markup, run: &Collected) -> bool {
    let all = run.cells.iter().flat_map(|cell| &cell.faults);
    let struck: BTreeSet<&str> = all
        .filter(|tally| tally.fault.family == FaultFamily::Failpoint)
        .flat_map(|tally| &tally.firings)
        .map(|firing| firing.at.as_str())
        .collect();
    let known = run.started.iter().flat_map(|started| &started.failpoints);
    let dark: Vec<String> = known.filter(|point| !struck.contains(point.as_str())).cloned().collect();
    if dark.is_empty() {
        return false;
    }
    list(page, dark.len(), "failpoints", "no fault fired there on any backend", dark.clone());
    true
}

fn waived(page: &mut Markup, run: &Collected) -> bool {
    let mut by_reason: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for cell in &run.cells {
        for (invariant, reason) in &cell.waived {
            by_reason.entry((invariant, reason)).or_default().push(cell.cell.to_string());
        }
    }
    for ((invariant, reason), cells) in &by_reason {
        page.raw("<details class=\"reason\"><summary><strong>").text(cells.len()).raw("</strong> waive <strong>");
        page.text(invariant).raw("</strong>: ").text(reason).raw("</summary>");
        names(page, cells);
        page.raw("</details>\n");
    }
    !by_reason.is_empty()
}

/// Invariants that something was missing for, each with what it was, and in which cells.
fn not_judged(page: &mut Markup, run: &Collected) -> bool {
    let (counts, judged) = run.not_judged();
    for (invariant, count) in &counts {
        page.raw("<details class=\"reason\"><summary>not judged: <strong>")
            .text(invariant)
            .raw("</strong>, in <strong>");
        page.text(count).raw("</strong> of ").text(judged).raw(" judged cells</summary>");
        let of_cell = |cell: &FinishedCell| {
            let (_, missing) = cell.not_judged.iter().find(|(name, _)| name == invariant)?;
            Some(format!("{}: {missing}", cell.cell))
        };
        names(page, &run.cells.iter().filter_map(of_cell).collect::<Vec<_>>());
        page.raw("</details>\n");
    }
    !counts.is_empty()
}

fn list(page: &mut Markup, count: usize, what: &'static str, reason: &str, all: Vec<String>) {
    page.raw("<details class=\"reason\"><summary><strong>").text(count).raw("</strong> ").raw(what).raw(": ");
    page.text(reason).raw("</summary>");
    names(page, &all);
    page.raw("</details>\n");
}

fn names(page: &mut Markup, all: &[String]) {
    page.raw("<ul class=\"names\">");
    for name in all.iter().take(NAMES_MAX) {
        page.raw("<li>").text(name).raw("</li>");
    }
    if all.len() > NAMES_MAX {
        page.raw("<li>and ").text(all.len() - NAMES_MAX).raw(" more</li>");
    }
    page.raw("</ul>");
}
