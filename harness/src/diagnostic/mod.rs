//! Diagnostics: what is wrong with a text, as data, and one renderer for each format.

mod span;

pub use span::{Position, Span};
