//! Scenarios: from YAML to a validated model, with a span on every step.
//!
//! In reading order: [`model`] (what can be said; the file's form and the worker's form are the same), [`catalogue`] (the
//! names that come from elsewhere).

pub mod catalogue;
pub mod model;

pub use model::Scenario;
