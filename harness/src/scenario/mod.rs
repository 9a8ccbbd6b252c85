//! Scenarios: from YAML to a validated model, with a span on every step.
//!
//! In reading order:
//!
//! - [`model`]: what can be said. The form of a file and the form that a worker receives are the same.
//! - [`catalogue`]: names that come from the engine; [`limit`]: how large a scenario may be.
//! - [`schema`]: the JSON Schema, made from the model's types, for editors; [`shape`]: the same as a walk needs it.
//! - [`tree`]: YAML in which every value knows its place; [`walk`]: a value against a shape, every mistake at once, with
//!   [`format`] for texts that have a form and [`nearest`] for the name that was meant.
//! - [`cases`]: a file that says several scenarios.
//! - [`sense`]: contradictions and faults that nothing can reach.
//! - [`parse`]: all of that, in order.
//! - [`cuts`], [`pairs`]: the cases that a sweep is made into.
//! - [`discover`]: files in a folder; [`select`]: which of them, on which backends.
//! - [`explain`]: a scenario in sentences; [`reference`]: the page about the format, made from the schema.

mod cases;
pub mod catalogue;
pub mod cuts;
mod discover;
mod explain;
mod format;
pub mod limit;
pub mod model;
pub mod nearest;
pub mod pairs;
mod parse;
pub mod reference;
pub mod schema;
mod select;
mod sense;
mod shape;
#[cfg(test)]
mod tests;
pub mod tree;
mod walk;

pub use discover::{FOLDER, Found, discover};
pub use explain::explain;
pub use model::Scenario;
pub use parse::{parse, parse_cases};
pub use select::{Selection, armed};
pub use sense::{can_strike, crossed_by};
