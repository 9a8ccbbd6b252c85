//! What the run came to, in one line, and what it was.

use super::markup::Markup;
use super::{Part, look};
use crate::event::{Summary, VerdictName};
use crate::report::collected::{Collected, duration};

/// The verdict of the whole run: the worst that happened, as one word and a sentence.
struct Verdict {
    name: VerdictName,
    word: &'static str,
    sentence: String,
}

fn verdict(run: &Collected, summary: &Summary) -> Verdict {
    let failed = run.failures();
    let unfinished = run.unfinished().len();
    let held = summary.totals.of(VerdictName::Held);
    let ran = summary.totals.total()
        - summary.totals.of(VerdictName::Skipped)
        - summary.totals.of(VerdictName::NotApplicable);
    let of = |count: usize| format!("{count} of {ran} cells that ran");
    match failed.first() {
        Some(worst) => {
            let name = worst.verdict.name();
            let word = match name {
                VerdictName::Broken => "Broken",
                VerdictName::NotExercised => "Not exercised",
                VerdictName::Inconclusive => "Inconclusive",
                VerdictName::Invalid => "Invalid",
                _ => "In trouble",
            };
            let what = if failed.len() == 1 { "is" } else { "are" };
            Verdict { name, word, sentence: format!("{} {what} not green", of(failed.len())) }
        }
        None if !run.failed_backends.is_empty() => Verdict {
            name: VerdictName::Infrastructure,
            word: "In trouble",
            sentence: format!("a backend failed; {}", of(held as usize)) + " held",
        },
        None if unfinished > 0 || run.summary.is_none() => Verdict {
            name: VerdictName::Inconclusive,
            word: "Broke off",
            sentence: format!("{unfinished} cells never finished"),
        },
        None if ran == 0 => Verdict {
            name: VerdictName::Skipped,
            word: "Nothing ran",
            sentence: "nothing of what was selected could be run".to_owned(),
        },
        None if held < ran => {
            let sentence = format!("{}; {} broke as a known issue says", of(held as usize), ran - held);
            Verdict { name: VerdictName::Held, word: "Held", sentence }
        }
        None => Verdict { name: VerdictName::Held, word: "Held", sentence: format!("all {ran} cells that ran") },
    }
}

/// The page's title.
pub fn title(run: &Collected) -> String {
    let verdict = verdict(run, &run.summary());
    format!("{} {}: {} – chaos", look::of(verdict.name).sign, verdict.word, verdict.sentence)
}

/// The top of the page.
pub(super) fn write(page: &mut Markup, run: &Collected, parts: &[Part]) {
    let summary = run.summary();
    let verdict = verdict(run, &summary);
    let look = look::of(verdict.name);
    page.raw("<header class=\"top v-")
        .raw(look.class)
        .raw("\">\n<p class=\"brand\">chaos</p>\n<h1><span class=\"mark\" ");
    page.raw("aria-hidden=\"true\">").raw(look.sign).raw("</span> ").raw(verdict.word).raw(" <small>");
    page.text(&verdict.sentence).raw("</small></h1>\n<dl class=\"facts\">\n");
    for name in VerdictName::ALL.iter().filter(|name| summary.totals.of(**name) > 0) {
        page.raw("<div class=\"v-").raw(look::of(*name).class).raw("\"><dt>").raw(name.as_str()).raw("</dt><dd>");
        page.text(summary.totals.of(*name)).raw("</dd></div>\n");
    }
    fact(page, "took", &duration(summary.duration_ms));
    if let Some(started) = &run.started {
        fact(page, "seed", &started.seed.to_string());
        fact(page, "started", &started.started_at.replace('T', " ").replace('Z', " UTC"));
        if let Some((k, n)) = started.selection.shard {
            fact(page, "shard", &format!("{k} of {n}"));
        }
    }
    let (ran, failed) = run.canaries();
    if ran > 0 {
        fact(page, "canaries that failed, as they must", &format!("{failed} of {ran}"));
    }
    page.raw("</dl>\n</header>\n");
    navigation(page, parts);
}

fn fact(page: &mut Markup, name: &'static str, value: &str) {
    page.raw("<div><dt>").raw(name).raw("</dt><dd>").text(value).raw("</dd></div>\n");
}

fn navigation(page: &mut Markup, parts: &[Part]) {
    page.raw("<nav class=\"bar\" aria-label=\"parts of the page\">\n<div class=\"links\">");
    // A part that has nothing to say is not on the page.
    for Part { anchor, name, count, .. } in parts.iter().filter(|part| !part.markup.is_empty()) {
        page.raw("<a href=\"").raw(anchor).raw("\">").raw(name);
        if *count > 0 {
            page.raw(" <span class=\"count\">").text(count).raw("</span>");
        }
        page.raw("</a>");
    }
    page.raw("</div>\n<label class=\"find\"><span class=\"unseen\">Filter scenarios and failpoints</span>");
    page.raw(
        "<input id=\"find\" type=\"search\" placeholder=\"Filter… ( / )\" autocomplete=\"off\" spellcheck=\"false\">",
    );
    page.raw("</label>\n</nav>\n");
}

/// The end of the page: what the run stood on.
pub fn foot(page: &mut Markup, run: &Collected) {
    page.raw("<footer>\n");
    if let Some(started) = &run.started {
        page.raw("<p>Run <code>").text(&started.run).raw("</code>");
        for (name, version) in &started.versions {
            page.raw(", ").text(name).raw(" ").text(version);
        }
        page.raw(", ").text(started.selection.jobs).raw(" cells at a time</p>\n");
    }
    for backend in &run.ready {
        page.raw("<details><summary>Backend ").text(&backend.name).raw(", ready in ").text(duration(backend.start_ms));
        if !backend.details.is_empty() {
            page.raw(" <small>").text(&backend.details).raw("</small>");
        }
        page.raw("</summary>\n<ul class=\"plain\">\n");
        for answer in &backend.preflight {
            let name = if answer.held { VerdictName::Held } else { VerdictName::Broken };
            page.raw("<li>");
            look::sign(page, &look::of(name), if answer.held { "kept" } else { "not kept" });
            page.raw(" ").text(&answer.check);
            if let Some(detail) = &answer.detail {
                page.raw(" <small>").text(detail).raw("</small>");
            }
            page.raw("</li>\n");
        }
        page.raw("</ul></details>\n");
    }
    page.raw("</footer>\n");
}
