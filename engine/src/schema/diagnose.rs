//! Mistakes in a schema text, with where they are.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::limit;

/// A place in a schema text, in bytes.
pub(super) type Span = Range<usize>;

/// Longest piece of a line that is shown, in bytes on either side of the mistake.
const EXCERPT_BYTES_MAX: usize = 100;

/// One mistake in a schema text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaError {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub advice: Option<String>,
    /// Where it starts, in bytes from the start of the text.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// The offending text, shortened where it is long.
    pub excerpt: String,
    rendered: String,
}

/// Every mistake found in a schema text, in the order of the text.
///
/// Its `Display` is for people: one block per mistake with line, column and the text it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaErrors {
    errors: Vec<SchemaError>,
    left_out: usize,
}

impl SchemaErrors {
    /// The mistakes; never empty.
    pub fn iter(&self) -> impl Iterator<Item = &SchemaError> {
        self.errors.iter()
    }

    /// How many mistakes there are.
    pub fn count(&self) -> usize {
        self.errors.len() + self.left_out
    }
}

impl fmt::Display for SchemaErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count() {
            1 => write!(f, "the schema has a mistake")?,
            n => write!(f, "the schema has {n} mistakes")?,
        }
        for error in &self.errors {
            write!(f, "\n{}", error.rendered)?;
        }
        if self.left_out > 0 {
            write!(f, "\nand {} more", self.left_out)?;
        }
        Ok(())
    }
}

impl std::error::Error for SchemaErrors {}

/// Collects mistakes while a text is read.
pub(super) struct Diagnostics<'a> {
    text: &'a str,
    found: Vec<(Span, String, Option<String>)>,
}

impl<'a> Diagnostics<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, found: Vec::new() }
    }

    pub(super) fn push(&mut self, span: Span, message: impl Into<String>) {
        self.found.push((span, message.into(), None));
    }

    pub(super) fn push_with_advice(&mut self, span: Span, message: impl Into<String>, advice: impl Into<String>) {
        self.found.push((span, message.into(), Some(advice.into())));
    }

    /// Whether there are so many mistakes that reading on is pointless.
    pub(super) fn is_full(&self) -> bool {
        self.found.len() > limit::ERRORS_MAX
    }

    pub(super) fn finish(mut self) -> Result<(), SchemaErrors> {
        if self.found.is_empty() {
            return Ok(());
        }
        self.found.sort_by_key(|(span, ..)| span.start);
        let left_out = self.found.len().saturating_sub(limit::ERRORS_MAX);
        self.found.truncate(limit::ERRORS_MAX);
        let errors = self.found.into_iter().map(|(span, message, advice)| locate(self.text, span, message, advice));
        Err(SchemaErrors { errors: errors.collect(), left_out })
    }
}

fn locate(text: &str, span: Span, message: String, advice: Option<String>) -> SchemaError {
    let start = boundary_at_or_before(text, span.start);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let end = boundary_at_or_before(text, span.end.clamp(start, line_end)).max(start);
    let line = text[..line_start].matches('\n').count() + 1;
    let column = text[line_start..start].chars().count() + 1;

    // Only the line itself is handed to the renderer, and only so much of it as a person can read.
    let window_start = boundary_at_or_before(text, start.saturating_sub(EXCERPT_BYTES_MAX).max(line_start));
    let window_end = boundary_at_or_before(text, (start + EXCERPT_BYTES_MAX).min(line_end)).max(start);
    let window = &text[window_start..window_end];
    let mark_end = end.min(window_end);
    let mark = start - window_start..(mark_end - window_start).max(start - window_start);
    let excerpt = text[start..mark_end].to_owned();

    let snippet =
        Snippet::source(window).line_start(line).path("schema").annotation(AnnotationKind::Primary.span(mark));
    let mut group = Level::ERROR.primary_title(message.as_str()).element(snippet);
    if let Some(advice) = &advice {
        group = group.element(Level::HELP.message(advice.as_str()));
    }
    let rendered = Renderer::plain().render(&[group]);
    // A window into a long line has columns of its own: say the true place instead.
    let shown = format!("schema:{line}:{}", text[window_start..start].chars().count() + 1);
    let rendered = rendered.replacen(&shown, &format!("schema:{line}:{column}"), 1);
    SchemaError { message, advice, offset: start, line, column, excerpt, rendered }
}

fn boundary_at_or_before(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
