//! Values: what a column can hold, how a value arrives in it, and how it is shown.
//!
//! A value arrives *exactly*, or its row is refused with its place. Every door reads what comes in as a [`Value`] and asks
//! the same rules; what `query` prints is what `load` takes. The rules as a table: `docs/values.md`.
//!
//! - [`calendar`]: days and instants ↔ text.
//! - [`cell`]: Arrow arrays, of whatever type → [`Value`]s. [`json`]: [`Value`]s → JSON lines.

mod calendar;
mod cell;
mod json;

pub use json::write_rows;

pub(crate) use calendar::{parse_date, parse_instant};
