//! Values: what a column can hold, how a value arrives in it, and how it is shown.
//!
//! A value arrives *exactly*, or its row is refused with its place. Every door reads what comes in as a [`Value`] and asks
//! the same rules; what `query` prints is what `load` takes. The rules as a table: `docs/values.md`.
//!
//! - [`cell`]: what a value is, and Arrow arrays of whatever type as values. [`calendar`], [`number`]: texts of them.
//! - [`rule`]: which value fits which type. [`column`]: a column that is being filled. [`fit`]: a whole array into one.
//! - [`packed`]: vectors that take up room only where there is one.
//! - [`json`]: values as JSON lines.

mod calendar;
mod cell;
mod column;
mod fit;
mod json;
mod number;
mod packed;
mod rule;
#[cfg(test)]
mod tests;

pub use json::{each_value, write_rows};

pub(crate) use calendar::{parse_date, parse_timestamp};
pub(crate) use cell::Value;
pub(crate) use column::{Column, Problem, check, written_as};
pub(crate) use fit::fit;
pub(crate) use packed::{packed_schema, unpacked, unpacked_column};
pub(crate) use rule::expectation;

/// Characters of a value that an error shows.
const EXCERPT_CHARACTERS: usize = 40;

/// The beginning of a text, in quotes, without anything that could break a terminal.
pub(crate) fn excerpt(text: &str) -> String {
    let mut characters = text.chars();
    let shown: String = characters.by_ref().take(EXCERPT_CHARACTERS).flat_map(char::escape_debug).collect();
    let more = if characters.next().is_some() { "…" } else { "" };
    format!("\"{shown}{more}\"")
}
