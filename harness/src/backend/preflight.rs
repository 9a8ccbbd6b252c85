//! The questions that a backend answers before the first scenario: whatever fails here is trouble with the backend, and
//! no invariant is judged on it.

use std::fmt;

use omnigraph::storage::conformance::{CheckOutcome, CheckResult, Conformance, Scope};
use omnigraph::storage::{Stack, StorageUri};
use serde::{Deserialize, Serialize};

use super::access::CellAddress;
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
    /// It is not; the text says what was seen instead.
    Broken(String),
    /// It was not put to the test; the text says what was missing. Not kept, as far as anybody knows.
    NotAsked(String),
}

impl PreflightAnswer {
    /// Whether the promise is kept.
    pub fn is_kept(&self) -> bool {
        self.outcome == PreflightOutcome::Kept
    }
}

impl fmt::Display for PreflightAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            PreflightOutcome::Kept => write!(f, "{}: kept", self.check),
            PreflightOutcome::Broken(why) => write!(f, "{}: broken: {why}", self.check),
            PreflightOutcome::NotAsked(why) => write!(f, "{}: not asked: {why}", self.check),
        }
    }
}

impl From<CheckResult> for PreflightAnswer {
    fn from(result: CheckResult) -> Self {
        let outcome = match result.outcome {
            CheckOutcome::Held => PreflightOutcome::Kept,
            CheckOutcome::Broken { why } => PreflightOutcome::Broken(why),
            CheckOutcome::NotApplicable { why } => PreflightOutcome::NotAsked(why),
        };
        PreflightAnswer { check: result.check.to_owned(), outcome }
    }
}

/// Puts the preflight checks of the engine's suite to one cell, through two handles as two processes would have them,
/// and removes the cell again.
pub(super) async fn ask(backend: &'static str, cell: CellStore) -> Result<Vec<PreflightAnswer>, BackendError> {
    let address = cell.address();
    let conformance = Conformance::new(open(backend, &address).await?).with_other(open(backend, &address).await?);
    let answers = conformance.run(Scope::Preflight).await.into_iter().map(PreflightAnswer::from).collect();
    cell.cleanup().await?;
    Ok(answers)
}

async fn open(backend: &'static str, address: &CellAddress) -> Result<Stack, BackendError> {
    let failed = || BackendError::new(backend, format!("cannot open {} for the preflight", address.uri));
    let uri: StorageUri = address.uri.parse().map_err(|error| failed().with_source(error))?;
    Stack::open(&uri, &address.storage, &[]).await.map_err(|error| failed().with_source(error))
}
