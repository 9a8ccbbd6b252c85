//! The kinds of writers. A writer differs from the others only in the intent that it prepares.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which kind of write an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WriterKind {
    /// Rows from outside, in bulk.
    Load,
    /// SQL statements.
    Mutate,
    /// The operator's confirmation of drift.
    Repair,
}

impl WriterKind {
    /// The kind's name as sidecars, commits and scenarios spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            WriterKind::Load => "load",
            WriterKind::Mutate => "mutate",
            WriterKind::Repair => "repair",
        }
    }
}

impl fmt::Display for WriterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
