//! What each sweep came to: how many writes it counted, where it cut, and what it did not look at.

use super::markup::Markup;
use crate::report::collected::{Collected, left_out, swept};

/// The part of the page.
pub fn write(page: &mut Markup, run: &Collected) {
    if run.sweeps.is_empty() {
        return;
    }
    page.raw("<section id=\"sweeps\" aria-labelledby=\"sweeps-title\">\n<h2 id=\"sweeps-title\">Sweeps</h2>\n");
    for report in &run.sweeps {
        page.raw("<details class=\"reason\"><summary><strong>").text(&report.sweep).raw("</strong> on ");
        page.text(&report.backend).raw(": ").text(swept(report)).raw("</summary>\n<ul class=\"plain\">");
        for line in left_out(report) {
            page.raw("<li>left out: ").text(line).raw("</li>");
        }
        for what in &report.unexplored {
            page.raw("<li>not explored: ").text(what).raw("</li>");
        }
        page.raw("</ul></details>\n");
    }
    page.raw("</section>\n");
}
