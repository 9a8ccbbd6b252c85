//! Tokens → declarations, by recursive descent, going on after a mistake.

use super::lexer::{Token, TokenKind, tokens};
use super::syntax::{AttributeKind, KindDecl, Name, PropertyDecl, TypeDecl};
use crate::schema::diagnose::{Diagnostics, Span};
use crate::schema::limit;
use crate::schema::scalar::ScalarType;

/// How deep types may nest in the text. One list is all that is allowed; the rest is for a clear error.
const TYPE_DEPTH_MAX: usize = 8;

/// A mistake that is already reported: the caller skips to where it can go on.
struct Reported;

pub(in crate::schema) fn parse(text: &str, diagnostics: &mut Diagnostics<'_>) -> Vec<TypeDecl> {
    if text.len() > limit::TEXT_BYTES_MAX {
        let message = format!("the schema is {} bytes long, at most {} are read", text.len(), limit::TEXT_BYTES_MAX);
        diagnostics.push(0..0, message);
        return Vec::new();
    }
    let tokens = tokens(text, diagnostics);
    let mut parser = Parser { text, tokens, at: 0, diagnostics };
    let mut types = Vec::new();
    while parser.kind() != TokenKind::End && !parser.diagnostics.is_full() {
        match parser.declaration() {
            Ok(ty) => types.push(ty),
            Err(Reported) => parser.skip_to_declaration(),
        }
    }
    types
}

struct Parser<'a, 'd, 't> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    diagnostics: &'d mut Diagnostics<'t>,
}

impl<'a> Parser<'a, '_, '_> {
    fn declaration(&mut self) -> Result<TypeDecl, Reported> {
        match self.word() {
            Some("node") => {
                self.advance();
                let name = self.name("a name for the node type")?;
                let properties = self.body()?;
                Ok(TypeDecl { kind: KindDecl::Node, name, properties })
            }
            Some("edge") => {
                self.advance();
                let name = self.name("a name for the edge type")?;
                self.expect(TokenKind::Mark(':'), "`:` and the endpoints, as in `edge WorksAt: Person -> Company`")?;
                let from = self.name("the node type that the edge starts at")?;
                self.expect(TokenKind::Arrow, "`->` between the two endpoints")?;
                let to = self.name("the node type that the edge ends at")?;
                let properties = if self.kind() == TokenKind::Mark('{') { self.body()? } else { Vec::new() };
                Ok(TypeDecl { kind: KindDecl::Edge { from, to }, name, properties })
            }
            _ => Err(self.unexpected("`node` or `edge`")),
        }
    }

    fn body(&mut self) -> Result<Vec<PropertyDecl>, Reported> {
        self.expect(TokenKind::Mark('{'), "`{` and the properties")?;
        let mut properties = Vec::new();
        loop {
            match self.kind() {
                TokenKind::Mark('}') => {
                    self.advance();
                    return Ok(properties);
                }
                TokenKind::End => return Err(self.unexpected("a property or `}`")),
                _ if self.starts_declaration() && self.peek(2) != TokenKind::Mark('?') => {
                    return Err(self.unexpected("`}` before the next declaration"));
                }
                _ => {}
            }
            if self.diagnostics.is_full() {
                return Err(Reported);
            }
            match self.property() {
                Ok(property) => properties.push(property),
                Err(Reported) => self.skip_to_property(),
            }
            if self.kind() == TokenKind::Mark(',') {
                self.advance();
            }
        }
    }

    fn property(&mut self) -> Result<PropertyDecl, Reported> {
        let name = self.name("a property")?;
        self.expect(TokenKind::Mark(':'), "`:` and the type of the property")?;
        let start = self.span().start;
        let ty = self.scalar(0)?;
        let ty_span = start..self.end_of_last();
        let optional = self.kind() == TokenKind::Mark('?');
        if optional {
            self.advance();
        }
        let mut attributes: Vec<(AttributeKind, Span)> = Vec::new();
        while self.kind() == TokenKind::Mark('@') {
            let (kind, span) = self.attribute()?;
            if attributes.iter().any(|(other, _)| *other == kind) {
                self.diagnostics.push(span.clone(), "this attribute is there already");
            }
            attributes.push((kind, span));
        }
        Ok(PropertyDecl { name, ty, ty_span, optional, attributes })
    }

    fn attribute(&mut self) -> Result<(AttributeKind, Span), Reported> {
        let start = self.span().start;
        self.advance();
        let kind = match self.word() {
            Some("key") => AttributeKind::Key,
            Some("unique") => AttributeKind::Unique,
            Some("index") => AttributeKind::Index,
            _ => return Err(self.unexpected("`@key`, `@unique` or `@index`")),
        };
        self.advance();
        Ok((kind, start..self.end_of_last()))
    }

    fn scalar(&mut self, depth: usize) -> Result<ScalarType, Reported> {
        if depth > TYPE_DEPTH_MAX {
            self.diagnostics.push(self.span(), "types nest too deeply");
            return Err(Reported);
        }
        if self.kind() == TokenKind::Mark('[') {
            self.advance();
            let item = self.scalar(depth + 1)?;
            if self.kind() == TokenKind::Mark('?') {
                let advice = "write `[T]?` for a list that may be missing";
                self.diagnostics.push_with_advice(self.span(), "the items of a list are never null", advice);
                self.advance();
            }
            self.expect(TokenKind::Mark(']'), "`]` after the type of the items")?;
            return Ok(ScalarType::List(Box::new(item)));
        }
        let Some(word) = self.word() else { return Err(self.unexpected("a type")) };
        let span = self.span();
        self.advance();
        match word {
            "enum" => self.variants(),
            "Vector" => self.dimension(),
            _ => match ScalarType::WORDS.iter().find(|(name, _)| *name == word) {
                Some((_, ty)) => Ok(ty.clone()),
                None => {
                    let message = format!("there is no type `{}`", shorten(word));
                    self.diagnostics.push_with_advice(span, message, type_advice(word));
                    // Going on as if it were text finds the other mistakes of this property.
                    Ok(ScalarType::String)
                }
            },
        }
    }

    fn variants(&mut self) -> Result<ScalarType, Reported> {
        self.expect(TokenKind::Mark('('), "`(` and the variants, as in `enum(open, closed)`")?;
        let mut variants = Vec::new();
        while self.kind() != TokenKind::Mark(')') {
            variants.push(self.name("a variant or `)`")?.text);
            match self.kind() {
                TokenKind::Mark(',') => self.advance(),
                TokenKind::Mark(')') => {}
                _ => return Err(self.unexpected("`,` or `)` after the variant")),
            }
        }
        self.advance();
        Ok(ScalarType::Enum(variants))
    }

    fn dimension(&mut self) -> Result<ScalarType, Reported> {
        self.expect(TokenKind::Mark('('), "`(` and the dimension, as in `Vector(128)`")?;
        if self.kind() != TokenKind::Number {
            return Err(self.unexpected("the dimension, a number"));
        }
        // A number too large for the type is out of the range that validation names.
        let dimension = self.text[self.span()].parse().unwrap_or(u32::MAX);
        self.advance();
        self.expect(TokenKind::Mark(')'), "`)` after the dimension")?;
        Ok(ScalarType::Vector(dimension))
    }

    fn name(&mut self, what: &str) -> Result<Name, Reported> {
        match self.word() {
            Some(word) => {
                let name = Name { text: word.to_owned(), span: self.span() };
                self.advance();
                Ok(name)
            }
            None => Err(self.unexpected(what)),
        }
    }

    fn expect(&mut self, kind: TokenKind, what: &str) -> Result<(), Reported> {
        if self.kind() != kind {
            return Err(self.unexpected(what));
        }
        self.advance();
        Ok(())
    }

    fn unexpected(&mut self, wanted: &str) -> Reported {
        let span = self.span();
        let found = match self.kind() {
            TokenKind::End => "the end of the text".to_owned(),
            _ => format!("`{}`", shorten(&self.text[span.clone()])),
        };
        self.diagnostics.push(span, format!("expected {wanted}, found {found}"));
        Reported
    }

    /// To the next `node Name` or `edge Name`; past the token that was not understood at least.
    fn skip_to_declaration(&mut self) {
        while self.kind() != TokenKind::End && !self.starts_declaration() {
            self.advance();
        }
    }

    /// To what looks like the next property, or to the end of the body.
    fn skip_to_property(&mut self) {
        loop {
            match self.kind() {
                TokenKind::End | TokenKind::Mark('}') => return,
                TokenKind::Word if self.peek(1) == TokenKind::Mark(':') || self.starts_declaration() => return,
                _ => self.advance(),
            }
        }
    }

    /// `node Name {` or `edge Name :`: nothing inside a body looks like it.
    fn starts_declaration(&self) -> bool {
        let next = match self.word() {
            Some("node") => TokenKind::Mark('{'),
            Some("edge") => TokenKind::Mark(':'),
            _ => return false,
        };
        self.peek(1) == TokenKind::Word && self.peek(2) == next
    }

    fn word(&self) -> Option<&'a str> {
        let text = self.text;
        (self.kind() == TokenKind::Word).then(|| &text[self.span()])
    }

    fn kind(&self) -> TokenKind {
        self.peek(0)
    }

    fn peek(&self, ahead: usize) -> TokenKind {
        self.tokens.get(self.at + ahead).map_or(TokenKind::End, |token| token.kind)
    }

    fn span(&self) -> Span {
        self.tokens.get(self.at).map_or(self.text.len()..self.text.len(), |token| token.span.clone())
    }

    fn end_of_last(&self) -> usize {
        self.at.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(0, |token| token.span.end)
    }

    fn advance(&mut self) {
        if self.kind() != TokenKind::End {
            self.at += 1;
        }
    }
}

fn type_advice(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    let meant = match lower.as_str() {
        "str" | "text" | "varchar" | "utf8" => Some("String"),
        "int" | "int32" | "integer" => Some("I32"),
        "long" | "int64" | "bigint" => Some("I64"),
        "float" | "float32" => Some("F32"),
        "double" | "float64" | "real" => Some("F64"),
        "boolean" => Some("Bool"),
        "timestamp" | "time" => Some("DateTime"),
        "vector" | "embedding" => Some("Vector(n)"),
        other => ScalarType::WORDS.iter().map(|(name, _)| *name).find(|name| name.eq_ignore_ascii_case(other)),
    };
    match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => {
            let words: Vec<_> = ScalarType::WORDS.iter().map(|(name, _)| *name).collect();
            format!("the types are {}, enum(a, b), [T] and Vector(n)", words.join(", "))
        }
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
