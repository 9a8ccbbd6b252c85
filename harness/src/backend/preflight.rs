//! The questions that a backend answers before the first scenario: whatever fails here is trouble with the backend, and
//! no invariant is judged on it.

use serde::{Deserialize, Serialize};

use super::cell::CellStore;
use super::error::BackendError;

/// One promise of storage, and whether the backend keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreflightAnswer {
    /// The promise, as the engine's conformance suite names it.
    pub check: String,
    /// What was found.
    pub outcome: PreflightOutcome,
}

/// Whether a promise is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PreflightOutcome {
    /// It is.
    Kept,
    /// It is not, or it could not be asked; the text says what was seen.
    Broken(String),
}

impl PreflightAnswer {
    /// Whether the promise is kept.
    pub fn is_kept(&self) -> bool {
        self.outcome == PreflightOutcome::Kept
    }
}

pub(super) async fn ask(_backend: &'static str, _cell: CellStore) -> Result<Vec<PreflightAnswer>, BackendError> {
    Ok(vec![])
}
