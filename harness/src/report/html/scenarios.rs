//! Scenario × backend: a row a scenario, folded by area, a sign a cell.

use std::collections::{BTreeMap, BTreeSet};

use super::markup::Markup;
use super::{failures, look};
use crate::event::{CellId, FinishedCell, VerdictName};
use crate::report::collected::{Collected, duration};

/// Rows of one area; of more, those that are green throughout are counted and not shown.
const ROWS_MAX: usize = 500;

/// What there is to show of one scenario: a cell a backend, none where it was selected and never finished.
type Row<'a> = BTreeMap<&'a str, Option<&'a FinishedCell>>;

/// The part of the page.
pub fn write(page: &mut Markup, run: &Collected) {
    let unfinished = run.unfinished();
    let areas = areas(run, &unfinished);
    let backends: BTreeSet<&str> =
        areas.values().flat_map(|rows| rows.values()).flat_map(|row| row.keys().copied()).collect();
    if backends.is_empty() {
        return;
    }
    page.raw("<section id=\"scenarios\" aria-labelledby=\"scenarios-title\">\n");
    page.raw("<h2 id=\"scenarios-title\">Scenario × backend</h2>\n");
    filters(page, run, unfinished.len());
    page.raw("<table class=\"matrix\" id=\"matrix\">\n<thead><tr><th scope=\"col\">");
    page.raw("<button type=\"button\" class=\"fold\" id=\"fold\" hidden>Unfold all</button></th>");
    for backend in &backends {
        page.raw("<th scope=\"col\">").text(backend).raw("</th>");
    }
    page.raw("</tr></thead>\n");
    for (area, rows) in &areas {
        one_area(page, area, rows, &backends);
    }
    page.raw("</table>\n<p class=\"empty\" id=\"nothing\" hidden>Nothing fits the filter.</p>\n</section>\n");
}

fn areas<'a>(run: &'a Collected, unfinished: &[&'a CellId]) -> BTreeMap<&'a str, BTreeMap<&'a str, Row<'a>>> {
    let mut areas: BTreeMap<&str, BTreeMap<&str, Row<'_>>> = BTreeMap::new();
    let finished = run.cells.iter().map(|cell| (&cell.cell, Some(cell)));
    for (id, cell) in finished.chain(unfinished.iter().map(|id| (*id, None))) {
        let rows = areas.entry(id.area()).or_default();
        rows.entry(&id.scenario).or_default().insert(&id.backend, cell);
    }
    areas
}

/// A box for each verdict that occurs; it is the legend as well.
fn filters(page: &mut Markup, run: &Collected, unfinished: usize) {
    let totals = run.summary().totals;
    page.raw("<fieldset class=\"filters\"><legend class=\"unseen\">Verdicts to show</legend>\n");
    for name in VerdictName::ALL.iter().filter(|name| totals.of(**name) > 0) {
        one_filter(page, &look::of(*name), name.as_str(), totals.of(*name));
    }
    if unfinished > 0 {
        one_filter(page, &look::UNFINISHED, "unfinished", unfinished as u64);
    }
    page.raw("</fieldset>\n");
}

fn one_filter(page: &mut Markup, look: &look::Look, word: &'static str, count: u64) {
    page.raw("<label class=\"chip v-").raw(look.class).raw("\"><input type=\"checkbox\" checked value=\"");
    page.raw(look.class).raw("\"><span aria-hidden=\"true\">").raw(look.sign).raw("</span> ").raw(word);
    page.raw(" <span class=\"count\">").text(count).raw("</span></label>\n");
}

fn one_area(page: &mut Markup, area: &str, rows: &BTreeMap<&str, Row<'_>>, backends: &BTreeSet<&str>) {
    let wrong = rows.values().any(|row| !is_green(row));
    page.raw(
        "<tbody class=\"area\"><tr><th scope=\"rowgroup\"><button type=\"button\" class=\"fold-area\" aria-expanded=\"",
    );
    page.raw(if wrong { "true" } else { "false" }).raw("\">").text(area).raw(" <span class=\"count\">");
    page.text(rows.len()).raw("</span></button></th>");
    for backend in backends {
        area_total(page, rows.values().filter_map(|row| row.get(backend)).copied());
    }
    page.raw("</tr></tbody>\n<tbody class=\"rows\">\n");
    let too_many = rows.len() > ROWS_MAX;
    let mut left_out = 0_usize;
    for (scenario, row) in rows {
        if too_many && is_green(row) {
            left_out += 1;
        } else {
            one_row(page, area, scenario, row, backends);
        }
    }
    if left_out > 0 {
        page.raw("<tr class=\"note\"><th scope=\"row\">and ").text(left_out).raw(" that held</th></tr>\n");
    }
    page.raw("</tbody>\n");
}

fn is_green(row: &Row<'_>) -> bool {
    row.values().all(|cell| cell.is_some_and(|cell| !cell.verdict.is_failure()))
}

/// What an area came to on one backend: its worst verdict, and how many cells came to which.
fn area_total<'a>(page: &mut Markup, cells: impl Iterator<Item = Option<&'a FinishedCell>>) {
    let mut counts: BTreeMap<VerdictName, u64> = BTreeMap::new();
    let mut unfinished = 0_u64;
    for cell in cells {
        match cell {
            Some(cell) => *counts.entry(cell.verdict.name()).or_default() += 1,
            None => unfinished += 1,
        }
    }
    let failed: Vec<(VerdictName, u64)> =
        counts.iter().filter(|(name, _)| !is_quiet(**name)).map(|(name, count)| (*name, *count)).collect();
    let worst = failed.first().map(|(name, _)| *name);
    let shown = worst.or_else(|| counts.keys().next().copied());
    let look = shown.map_or(look::UNFINISHED, look::of);
    page.raw("<td class=\"v-").raw(look.class).raw("\">");
    if !failed.is_empty() || unfinished > 0 {
        for (name, count) in &failed {
            look::sign(page, &look::of(*name), name.as_str());
            page.text(count).raw(" ");
        }
        if unfinished > 0 {
            look::sign(page, &look::UNFINISHED, "unfinished");
            page.text(unfinished);
        }
    } else if let Some(name) = shown {
        look::sign(page, &look, name.as_str());
        page.text(counts.get(&name).copied().unwrap_or_default());
    }
    page.raw("</td>");
}

fn is_quiet(name: VerdictName) -> bool {
    matches!(name, VerdictName::Held | VerdictName::Skipped | VerdictName::NotApplicable)
}

fn one_row(page: &mut Markup, area: &str, scenario: &str, row: &Row<'_>, backends: &BTreeSet<&str>) {
    let summary = row.values().flatten().next().map_or("", |cell| cell.summary.as_str());
    let tags = row.values().flatten().next().map(|cell| cell.tags.join(" ")).unwrap_or_default();
    page.raw("<tr data-find=\"").text(scenario.to_lowercase()).raw(" ").text(summary.to_lowercase()).raw(" ");
    page.text(tags.to_lowercase()).raw("\"><th scope=\"row\" title=\"").text(summary).raw("\">");
    page.text(scenario.strip_prefix(area).and_then(|rest| rest.strip_prefix('/')).unwrap_or(scenario)).raw("</th>");
    for backend in backends {
        match row.get(backend) {
            None => {
                page.raw("<td></td>");
            }
            Some(None) => {
                page.raw("<td class=\"v-unfinished\" data-verdict=\"unfinished\">");
                look::sign(page, &look::UNFINISHED, "unfinished");
                page.raw("</td>");
            }
            Some(Some(cell)) => one_cell(page, cell),
        }
    }
    page.raw("</tr>\n");
}

fn one_cell(page: &mut Markup, cell: &FinishedCell) {
    let name = cell.verdict.name();
    let look = look::of(name);
    page.raw("<td class=\"v-").raw(look.class).raw("\" data-verdict=\"").raw(look.class).raw("\" title=\"");
    page.text(&cell.cell.backend).raw(": ").raw(name.as_str());
    if is_quiet(name) && name != VerdictName::Held {
        page.raw(", ").text(cell.verdict.reasons().join("; "));
    } else {
        page.raw(", ").text(duration(cell.duration_ms));
    }
    page.raw("\">");
    if failures::has_place(cell) {
        page.raw("<a href=\"#").text(failures::place(cell)).raw("\">");
        look::sign(page, &look, name.as_str());
        page.raw("</a>");
    } else {
        look::sign(page, &look, name.as_str());
    }
    page.raw("</td>");
}
