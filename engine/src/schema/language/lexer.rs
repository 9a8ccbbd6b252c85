//! Text → tokens.

use crate::schema::diagnose::{Diagnostics, Span};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Word,
    Number,
    /// One of `{ } ( ) [ ] : , ? @`.
    Mark(char),
    /// `->`
    Arrow,
    End,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Span,
}

/// All tokens of a text, closed by [`TokenKind::End`]. What is no token is reported and skipped.
pub(super) fn tokens(text: &str, diagnostics: &mut Diagnostics<'_>) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        if diagnostics.is_full() {
            break;
        }
        let rest = &text[at..];
        let (kind, length) = match next {
            c if c.is_whitespace() => (None, c.len_utf8()),
            '/' if rest.starts_with("//") => (None, rest.find('\n').unwrap_or(rest.len())),
            '-' if rest.starts_with("->") => (Some(TokenKind::Arrow), 2),
            '{' | '}' | '(' | ')' | '[' | ']' | ':' | ',' | '?' | '@' => (Some(TokenKind::Mark(next)), 1),
            c if c.is_ascii_digit() => (Some(TokenKind::Number), run(rest, |c| c.is_ascii_digit())),
            c if is_word(c) => (Some(TokenKind::Word), run(rest, is_word)),
            _ => (None, stray(text, at, diagnostics)),
        };
        if let Some(kind) = kind {
            tokens.push(Token { kind, span: at..at + length });
        }
        at += length;
    }
    tokens.push(Token { kind: TokenKind::End, span: text.len()..text.len() });
    tokens
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// Reports a run of characters that belong to no token as one mistake, and returns its length.
fn stray(text: &str, at: usize, diagnostics: &mut Diagnostics<'_>) -> usize {
    let known = |c: char| c.is_whitespace() || is_word(c) || "{}()[]:,?@/-".contains(c);
    let first = text[at..].chars().next().map_or(1, char::len_utf8);
    let length = first + text[at + first..].find(known).unwrap_or(text.len() - at - first);
    let shown: String = text[at..at + length].chars().take(20).collect();
    let advice = match shown.chars().next() {
        Some('#') => "comments start with `//`",
        Some(';') => "separate declarations by a new line or a comma",
        Some('"' | '\'' | '`') => "names are written without quotes",
        Some(c) if c.is_alphabetic() => "names are made of ascii letters, digits and `_`",
        _ => "see the schema language: names, `{ } ( ) [ ] : , ? @ ->` and `//` comments",
    };
    diagnostics.push_with_advice(at..at + length, format!("`{shown}` means nothing here"), advice);
    length
}
