//! What is written in a schema text, before anybody asks whether it makes sense.

use crate::schema::diagnose::Span;
use crate::schema::scalar::ScalarType;

#[derive(Clone, Debug)]
pub(in crate::schema) struct Name {
    pub(in crate::schema) text: String,
    pub(in crate::schema) span: Span,
}

#[derive(Debug)]
pub(in crate::schema) enum KindDecl {
    Node,
    Edge { from: Name, to: Name },
}

#[derive(Debug)]
pub(in crate::schema) struct TypeDecl {
    pub(in crate::schema) kind: KindDecl,
    pub(in crate::schema) name: Name,
    pub(in crate::schema) properties: Vec<PropertyDecl>,
}

#[derive(Debug)]
pub(in crate::schema) struct PropertyDecl {
    pub(in crate::schema) name: Name,
    pub(in crate::schema) ty: ScalarType,
    pub(in crate::schema) ty_span: Span,
    pub(in crate::schema) optional: bool,
    pub(in crate::schema) attributes: Vec<(AttributeKind, Span)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::schema) enum AttributeKind {
    Key,
    Unique,
    Index,
}

impl PropertyDecl {
    pub(in crate::schema) fn has(&self, kind: AttributeKind) -> bool {
        self.attributes.iter().any(|(other, _)| *other == kind)
    }
}
