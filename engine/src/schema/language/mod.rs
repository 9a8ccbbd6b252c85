//! The schema language: text → declarations.
//!
//! ```text
//! schema     = { "node" name body | "edge" name ":" name "->" name [ body ] }
//! body       = "{" { property [ "," ] } "}"
//! property   = name ":" type [ "?" ] { "@key" | "@unique" | "@index" }
//! type       = word | "enum" "(" name { "," name } ")" | "[" type "]" | "Vector" "(" number ")"
//! ```
//!
//! White space separates and means nothing else; `//` starts a comment that runs to the end of the line. Words such as
//! `node` are special only where the grammar looks for them, so a property may be called `node`.

mod lexer;
mod parser;
mod syntax;

pub(super) use parser::parse;
pub(super) use syntax::{AttributeKind, KindDecl, TypeDecl};
