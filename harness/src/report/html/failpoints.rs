//! Failpoint × backend: where faults fired, as errors and as crashes, and where none did.

use std::collections::{BTreeMap, BTreeSet};

use super::look;
use super::markup::Markup;
use crate::event::{FaultFamily, FinishedCell, VerdictName};
use crate::report::collected::Collected;

/// What fired at one failpoint on one backend.
#[derive(Clone, Copy, Debug, Default)]
struct Crossed {
    errors: u64,
    crashes: u64,
    others: u64,
    /// Cells in which it fired and that are not green.
    failed: u64,
}

type Table<'a> = BTreeMap<&'a str, BTreeMap<&'a str, Crossed>>;

/// The part of the page.
pub fn write(page: &mut Markup, run: &Collected) {
    let crossed = crossed(run);
    let named = run.started.iter().flat_map(|started| &started.failpoints).map(String::as_str);
    // The engine's own order first, then what it does not name, such as a window that was renamed since.
    let mut points: Vec<&str> = named.collect();
    let unnamed: Vec<&str> = crossed.keys().copied().filter(|point| !points.contains(point)).collect();
    points.extend(unnamed);
    let backends: BTreeSet<&str> = run
        .ready
        .iter()
        .map(|backend| backend.name.as_str())
        .chain(crossed.values().flat_map(|row| row.keys().copied()))
        .collect();
    if points.is_empty() || backends.is_empty() {
        return;
    }
    page.raw("<section id=\"failpoints\" aria-labelledby=\"failpoints-title\">\n");
    page.raw("<h2 id=\"failpoints-title\">Failpoint × backend</h2>\n<p class=\"legend\">Cells in which a fault fired there: ");
    page.raw("<span class=\"pip e\">2</span> as an error, <span class=\"pip c\">†2</span> as a crash, ");
    page.raw("<span class=\"pip o\">+2</span> as a delay, a hold or a panic; <span class=\"pip dark\">○</span> none. ");
    page.raw("Canaries do not count. <span class=\"pip wrong\">✗2</span> of them are not green.</p>\n");
    page.raw(
        "<table class=\"matrix points\">\n<thead><tr><th scope=\"col\"><span class=\"unseen\">failpoint</span></th>",
    );
    for backend in &backends {
        page.raw("<th scope=\"col\">").text(backend).raw("</th>");
    }
    page.raw("</tr></thead>\n");
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for point in points {
        let scope = point.split_once(':').map_or("", |(scope, _)| scope);
        match groups.last_mut() {
            Some((known, group)) if *known == scope => group.push(point),
            _ => groups.push((scope, vec![point])),
        }
    }
    for (scope, points) in groups {
        group(page, scope, &points, &crossed, &backends);
    }
    page.raw("</table>\n</section>\n");
}

fn group(page: &mut Markup, scope: &str, points: &[&str], crossed: &Table<'_>, backends: &BTreeSet<&str>) {
    page.raw("<tbody class=\"area\"><tr><th scope=\"rowgroup\">").text(scope).raw("</th>");
    for backend in backends {
        let lit =
            points.iter().filter(|point| crossed.get(**point).is_some_and(|row| row.contains_key(backend))).count();
        page.raw("<td class=\"total\">").text(lit).raw("<small>/").text(points.len()).raw("</small></td>");
    }
    page.raw("</tr></tbody>\n<tbody class=\"rows\">\n");
    for point in points {
        page.raw("<tr data-find=\"").text(point).raw("\"><th scope=\"row\"><code>");
        let window = point.split_once(':').map_or(*point, |(_, window)| window);
        for (at, part) in window.split('.').enumerate() {
            // On a phone the name breaks here and nowhere else.
            page.raw(if at == 0 { "" } else { ".<wbr>" }).text(part);
        }
        page.raw("</code></th>");
        for backend in backends {
            let found = crossed.get(point).and_then(|row| row.get(backend)).copied();
            one_cell(page, point, backend, found);
        }
        page.raw("</tr>\n");
    }
    page.raw("</tbody>\n");
}

fn one_cell(page: &mut Markup, point: &str, backend: &str, crossed: Option<Crossed>) {
    let Some(crossed) = crossed else {
        page.raw("<td class=\"v-not-exercised\" title=\"").text(point).raw(" on ").text(backend);
        page.raw(": no fault fired there\"><span class=\"pip dark\">");
        look::sign(page, &look::of(VerdictName::NotExercised), "none");
        page.raw("</span></td>");
        return;
    };
    let Crossed { errors, crashes, others, failed } = crossed;
    page.raw("<td class=\"")
        .raw(warmth(errors + crashes + others))
        .raw("\" title=\"")
        .text(point)
        .raw(" on ")
        .text(backend);
    page.raw(": ").text(errors).raw(" errors, ").text(crashes).raw(" crashes, ").text(others).raw(" others, ");
    page.text(failed).raw(" of the cells not green\">");
    for (count, class, sign, word) in [
        (errors, "pip e", "", "errors"),
        (crashes, "pip c", "†", "crashes"),
        (others, "pip o", "+", "others"),
        (failed, "pip wrong", "✗", "not green"),
    ] {
        if count > 0 {
            page.raw("<span class=\"")
                .raw(class)
                .raw("\"><span aria-hidden=\"true\">")
                .raw(sign)
                .raw("</span>")
                .text(count);
            page.raw("<span class=\"unseen\"> ").raw(word).raw(" </span></span>");
        }
    }
    page.raw("</td>");
}

/// More cells, more colour.
fn warmth(count: u64) -> &'static str {
    match count {
        0..=1 => "heat-1",
        2..=4 => "heat-2",
        5..=9 => "heat-3",
        _ => "heat-4",
    }
}

fn crossed(run: &Collected) -> Table<'_> {
    let mut table: Table<'_> = BTreeMap::new();
    for cell in run.cells.iter().filter(|cell| !cell.canary) {
        let firings: BTreeSet<(&str, &str)> = firings(cell).collect();
        let points: BTreeSet<&str> = firings.iter().map(|(at, _)| *at).collect();
        for (at, did) in firings {
            let entry = table.entry(at).or_default().entry(&cell.cell.backend).or_default();
            match did {
                "return" => entry.errors += 1,
                "crash" => entry.crashes += 1,
                _ => entry.others += 1,
            }
        }
        for point in points.into_iter().filter(|_| cell.verdict.is_failure()) {
            table.entry(point).or_default().entry(&cell.cell.backend).or_default().failed += 1;
        }
    }
    table
}

/// Where a failpoint fired in a cell, and what it did there.
fn firings(cell: &FinishedCell) -> impl Iterator<Item = (&str, &str)> {
    let failpoints = cell.faults.iter().filter(|tally| tally.fault.family == FaultFamily::Failpoint);
    failpoints.flat_map(|tally| &tally.firings).map(|firing| (firing.at.as_str(), firing.did.as_str()))
}
