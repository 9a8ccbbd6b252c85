//! Every failure, so that it explains itself: what was expected, what was found, which fault struck where, what happened
//! before, and the command that does it again.

use std::collections::BTreeSet;

use super::markup::{Markup, anchor};
use super::{look, timeline};
use crate::event::{Breach, FaultTally, FinishedCell, Verdict, VerdictName};
use crate::report::collected::{Collected, duration};

/// Failures that are told in full; of more, the place and the command stand in a list.
const FULL_MAX: usize = 60;
/// Failures that are unfolded when the page opens, of different scenarios: the same one on four backends is told once.
const OPEN_MAX: usize = 3;
/// Lines of evidence shown for one breach.
const EVIDENCE_MAX: usize = 60;

/// The name of a failure's place in the page.
pub fn place(cell: &FinishedCell) -> String {
    anchor("cell", &cell.cell.to_string())
}

/// Whether a cell has a place among the failures.
pub fn has_place(cell: &FinishedCell) -> bool {
    cell.verdict.is_failure() || cell.verdict.name() == VerdictName::Known
}

/// The part of the page.
pub fn write(page: &mut Markup, run: &Collected) {
    let mut told = run.failures();
    told.extend(run.known());
    if told.is_empty() {
        return;
    }
    page.raw("<section id=\"failures\" aria-labelledby=\"failures-title\">\n<h2 id=\"failures-title\">Failures</h2>\n");
    let mut unfolded = BTreeSet::new();
    for cell in told.iter().take(FULL_MAX) {
        let open = unfolded.len() < OPEN_MAX && unfolded.insert(&cell.cell.scenario);
        one(page, run, cell, open);
    }
    if told.len() > FULL_MAX {
        page.raw("<details class=\"more\"><summary>")
            .text(told.len() - FULL_MAX)
            .raw(" more failures</summary>\n<ul>\n");
        for cell in &told[FULL_MAX..] {
            page.raw("<li id=\"").text(place(cell)).raw("\">");
            look::chip(page, cell.verdict.name());
            page.raw(" ").text(&cell.cell).raw("<br><code>").text(&cell.replay).raw("</code></li>\n");
        }
        page.raw("</ul></details>\n");
    }
    page.raw("</section>\n");
}

fn one(page: &mut Markup, run: &Collected, cell: &FinishedCell, open: bool) {
    let name = cell.verdict.name();
    page.raw("<details class=\"failure v-").raw(look::of(name).class).raw("\" id=\"").text(place(cell)).raw("\"");
    page.raw(if open { " open>" } else { ">" });
    page.raw("\n<summary>");
    look::chip(page, name);
    page.raw(" <span class=\"cell\">").text(&cell.cell.scenario).raw(" <span class=\"on\">on</span> ");
    page.text(&cell.cell.backend).raw("</span>");
    if cell.canary {
        page.raw(" <span class=\"tag\">canary</span>");
    }
    page.raw("</summary>\n<div class=\"body\">\n<p class=\"what\">").text(&cell.summary).raw("</p>\n");
    page.raw("<p class=\"where\"><code>").text(&cell.file).raw("</code>, seed ").text(cell.seed).raw(", ");
    page.text(duration(cell.duration_ms)).raw("</p>\n");
    match &cell.verdict {
        Verdict::Broken { breaches } => breaches.iter().for_each(|breach| one_breach(page, breach)),
        Verdict::Known { issue, until, breaches } => {
            page.raw("<p>known as ").text(issue).raw(", accepted until ").text(until).raw("</p>\n");
            breaches.iter().for_each(|breach| one_breach(page, breach));
        }
        Verdict::NotExercised { .. } => {
            page.raw("<p>Everything held, and a fault that was armed never fired: nothing was shown.</p>\n");
        }
        verdict => verdict.reasons().iter().for_each(|reason| {
            page.raw("<p class=\"reason\">").text(reason).raw("</p>\n");
        }),
    }
    faults(page, &cell.faults);
    if let Some(trail) = run.trails.of(&cell.cell) {
        timeline::write(page, trail);
    }
    replay(page, cell);
    held(page, cell);
    page.raw("</div></details>\n");
}

fn one_breach(page: &mut Markup, breach: &Breach) {
    page.raw("<div class=\"breach\">\n<p><strong>").text(&breach.invariant).raw("</strong> ").text(&breach.message);
    if let Some(step) = breach.step {
        page.raw(" <span class=\"at\">step ").text(step);
        if let Some(line) = breach.line {
            page.raw(", line ").text(line);
        }
        page.raw("</span>");
    }
    page.raw("</p>\n");
    if breach.expected.is_some() || breach.found.is_some() {
        page.raw("<dl class=\"versus\">\n");
        for (name, class, value) in [("expected", "expected", &breach.expected), ("found", "found", &breach.found)] {
            if let Some(value) = value {
                page.raw("<div class=\"").raw(class).raw("\"><dt>").raw(name).raw("</dt><dd>").text(value);
                page.raw("</dd></div>\n");
            }
        }
        page.raw("</dl>\n");
    }
    if !breach.evidence.is_empty() {
        page.raw("<pre class=\"evidence\" tabindex=\"0\" aria-label=\"evidence\">");
        for line in breach.evidence.iter().take(EVIDENCE_MAX) {
            page.text(line).raw("\n");
        }
        if breach.evidence.len() > EVIDENCE_MAX {
            page.raw("and ").text(breach.evidence.len() - EVIDENCE_MAX).raw(" more lines, in the bundle\n");
        }
        page.raw("</pre>\n");
    }
    page.raw("</div>\n");
}

/// Every armed fault with what became of it.
fn faults(page: &mut Markup, faults: &[FaultTally]) {
    if faults.is_empty() {
        return;
    }
    page.raw("<h3>Faults</h3>\n<ul class=\"faults\">\n");
    for tally in faults {
        let look = look::of(if tally.is_exercised() { VerdictName::Held } else { VerdictName::NotExercised });
        page.raw("<li class=\"v-").raw(look.class).raw("\"><span class=\"state\">");
        page.raw(match (tally.reached, tally.fired) {
            (0, _) => "never reached",
            (_, 0) => "reached, never fired",
            _ => "fired",
        });
        page.raw("</span> <span class=\"site\">step ").text(tally.fault.step).raw(", ");
        page.raw(tally.fault.family.as_str()).raw(" <code>").text(&tally.fault.site).raw("</code> → <code>");
        page.text(&tally.fault.action).raw("</code></span> <span class=\"tally\">reached ").text(tally.reached);
        page.raw(", fired ").text(tally.fired).raw("</span>");
        for firing in &tally.firings {
            page.raw("<br><span class=\"firing\">at <code>").text(&firing.at).raw("</code></span>");
        }
        page.raw("</li>\n");
    }
    page.raw("</ul>\n");
}

fn replay(page: &mut Markup, cell: &FinishedCell) {
    page.raw("<h3>Again</h3>\n<div class=\"command\"><code>").text(&cell.replay).raw("</code>");
    page.raw("<button type=\"button\" class=\"copy\" hidden>Copy</button></div>\n");
    if let Some(bundle) = &cell.bundle {
        page.raw("<p class=\"where\">All that is known of it is in <code>").text(bundle).raw("</code></p>\n");
    }
}

fn held(page: &mut Markup, cell: &FinishedCell) {
    if cell.held.is_empty() && cell.waived.is_empty() && cell.not_judged.is_empty() {
        return;
    }
    page.raw("<details class=\"held\"><summary>").text(cell.held.len()).raw(" invariants held");
    if !cell.waived.is_empty() {
        page.raw(", ").text(cell.waived.len()).raw(" waived");
    }
    if !cell.not_judged.is_empty() {
        page.raw(", ").text(cell.not_judged.len()).raw(" not judged");
    }
    page.raw("</summary>\n<p>").text(cell.held.join(", ")).raw("</p>\n");
    for (invariant, reason) in &cell.waived {
        page.raw("<p>waived <strong>").text(invariant).raw("</strong>: ").text(reason).raw("</p>\n");
    }
    for (invariant, missing) in &cell.not_judged {
        page.raw("<p>not judged <strong>").text(invariant).raw("</strong>: ").text(missing).raw("</p>\n");
    }
    page.raw("</details>\n");
}
