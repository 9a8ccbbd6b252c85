//! What universes came to on each backend: how their operations ended, what became of the faults, and what nobody looked at.

use super::markup::Markup;
use crate::event::SwarmReport;
use crate::report::collected::Collected;
use crate::report::swarm::{ends, swarmed, unmodelled};

/// The part of the page.
pub fn write(page: &mut Markup, run: &Collected) {
    if run.swarms.is_empty() {
        return;
    }
    page.raw("<section id=\"swarms\" aria-labelledby=\"swarms-title\">\n<h2 id=\"swarms-title\">Swarms</h2>\n");
    if run.swarms_prove_nothing() {
        page.raw("<p><strong>No fault fired in any universe, so the swarm proves nothing.</strong></p>\n");
    }
    run.swarms.iter().for_each(|report| swarm(page, report));
    page.raw("</section>\n");
}

fn swarm(page: &mut Markup, report: &SwarmReport) {
    page.raw("<details class=\"reason\"><summary><strong>").text(report.swarms.join(", ")).raw("</strong> on ");
    page.text(&report.backend).raw(": ").text(swarmed(report)).raw("</summary>\n<ul class=\"plain\">");
    for (kind, outcomes) in &report.outcomes {
        page.raw("<li>").text(kind).raw(": ").text(ends(outcomes)).raw("</li>");
    }
    for (kind, faults) in &report.faults {
        page.raw("<li>").text(kind).raw(": ").text(faults.armed).raw(" armed, ").text(faults.reached);
        page.raw(" reached, ").text(faults.fired).raw(" fired</li>");
    }
    if let Some(line) = unmodelled(report) {
        page.raw("<li>").text(line).raw("</li>");
    }
    for what in &report.unexplored {
        page.raw("<li>not explored: ").text(what).raw("</li>");
    }
    page.raw("</ul></details>\n");
}
