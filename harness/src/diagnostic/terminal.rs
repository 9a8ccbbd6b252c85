//! Diagnostics for people at a terminal.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::{Diagnostic, Report};

/// Every mistake with its excerpt, and a last line that counts them.
pub fn render(report: &Report, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    for diagnostic in &report.diagnostics {
        text.push_str(&one(report, diagnostic, &renderer));
        text.push_str("\n\n");
    }
    let count = report.diagnostics.len();
    let noun = if count == 1 { "mistake" } else { "mistakes" };
    text.push_str(&format!("{}: {count} {noun}\n", report.source.path()));
    text
}

fn one(report: &Report, diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let source = &report.source;
    let mut snippet = Snippet::source(source.text())
        .path(source.path())
        .annotation(AnnotationKind::Primary.span(visible(source.text(), diagnostic.span.range())));
    for (span, label) in &diagnostic.related {
        let range = visible(source.text(), span.range());
        snippet = snippet.annotation(AnnotationKind::Context.span(range).label(label.as_str()));
    }
    let title = Level::ERROR.primary_title(diagnostic.message.as_str()).id(diagnostic.code.as_str());
    let mut group = title.element(snippet);
    if let Some(suggestion) = &diagnostic.suggestion {
        group = group.element(Level::HELP.message(suggestion.as_str()));
    }
    renderer.render(&[group])
}

/// The first line of a stretch: an excerpt of many lines hides more than it shows.
fn visible(text: &str, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let slice = text.get(range.clone()).unwrap_or_default();
    match slice.find('\n') {
        Some(first_line) => range.start..range.start + slice[..first_line].trim_end().len(),
        None => range,
    }
}
