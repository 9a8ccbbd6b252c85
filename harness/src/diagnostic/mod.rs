//! Diagnostics: what is wrong with a text, as data, and one renderer for each format.
//!
//! In reading order: [`span`] (places), [`source`] (a text that knows its lines), this file (what is wrong), then the
//! renderers [`terminal`], [`json`] and [`github`].

pub mod github;
pub mod json;
pub mod source;
pub mod span;
pub mod terminal;

pub use source::Source;
pub use span::{Position, Span};

use std::fmt;

/// Longest offending text that a diagnostic carries, in characters.
const TEXT_CHARS_MAX: usize = 80;

/// What kind of mistake a diagnostic is about. The names are stable, so that a tool can match them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The text is not YAML, or uses a part of YAML that scenarios do not.
    Syntax,
    /// The file, a list, a text or the nesting is larger than what is allowed.
    Limit,
    /// A key stands twice in one map.
    DuplicateKey,
    /// A key that means nothing where it stands.
    UnknownKey,
    /// A key that has to be there is not.
    MissingKey,
    /// A word that is not one of those that can stand there.
    UnknownWord,
    /// A value of the wrong type.
    WrongType,
    /// A number outside its range.
    OutOfRange,
    /// A text that does not have the form it needs: a sequence of actions, a glob, a date, a schema.
    BadFormat,
    /// A path that leaves the graph's root.
    Sandbox,
    /// Parts that contradict each other.
    Contradiction,
    /// A fault that nothing can reach.
    Unreachable,
    /// A type that the scenario's schema does not have.
    UnknownType,
    /// A scenario that would be green whatever the engine did.
    NothingToCheck,
}

impl Code {
    /// Every code.
    pub const ALL: &'static [Code] = &[
        Code::Syntax,
        Code::Limit,
        Code::DuplicateKey,
        Code::UnknownKey,
        Code::MissingKey,
        Code::UnknownWord,
        Code::WrongType,
        Code::OutOfRange,
        Code::BadFormat,
        Code::Sandbox,
        Code::Contradiction,
        Code::Unreachable,
        Code::UnknownType,
        Code::NothingToCheck,
    ];

    /// The code's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::Syntax => "syntax",
            Code::Limit => "limit",
            Code::DuplicateKey => "duplicate-key",
            Code::UnknownKey => "unknown-key",
            Code::MissingKey => "missing-key",
            Code::UnknownWord => "unknown-word",
            Code::WrongType => "wrong-type",
            Code::OutOfRange => "out-of-range",
            Code::BadFormat => "bad-format",
            Code::Sandbox => "sandbox",
            Code::Contradiction => "contradiction",
            Code::Unreachable => "unreachable",
            Code::UnknownType => "unknown-type",
            Code::NothingToCheck => "nothing-to-check",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One mistake, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of mistake.
    pub code: Code,
    /// Where.
    pub span: Span,
    /// What is wrong, without a full stop.
    pub message: String,
    /// The way out, such as the nearest name.
    pub suggestion: Option<String>,
    /// Other places that have to do with it, each with a few words.
    pub related: Vec<(Span, String)>,
}

impl Diagnostic {
    /// A mistake at a place.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Diagnostic { code, span, message: message.into(), suggestion: None, related: Vec::new() }
    }

    /// Says the way out.
    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// Says the way out, where there is one.
    #[must_use]
    pub fn suggest_maybe(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion.or(self.suggestion);
        self
    }

    /// Points at another place.
    #[must_use]
    pub fn relate(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }
}

/// Everything that is wrong with one file, in the file's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The file.
    pub source: Source,
    /// The mistakes; never empty.
    pub diagnostics: Vec<Diagnostic>,
}

impl Report {
    /// A report with the mistakes put in order.
    pub fn new(source: Source, mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.code));
        diagnostics.dedup();
        Report { source, diagnostics }
    }

    /// The text that a diagnostic is about, cut to one line of a bearable length.
    pub fn text(&self, diagnostic: &Diagnostic) -> String {
        let line = self.source.slice(diagnostic.span).lines().next().unwrap_or_default().trim_end();
        match line.char_indices().nth(TEXT_CHARS_MAX) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line.to_owned(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&terminal::render(self, false))
    }
}

impl std::error::Error for Report {}
