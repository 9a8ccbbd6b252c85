//! How a step ended, and what was seen in it.

use std::collections::BTreeMap;

use omnigraph::Error;
use omnigraph::recovery::{HealReport, RecoveryKind};
use serde::{Deserialize, Serialize};

use super::rows::Row;
use crate::event::{ErrorData, Outcome};
use crate::oracle::evidence::MovedHead;

/// How a step ended, and what was seen in it. What a step does not see stays empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// How it ended.
    pub outcome: Outcome,
    /// What was recovered on the way.
    #[serde(default)]
    pub recovered: Option<Recovered>,
    /// Types whose drift a repair shows or published, sorted.
    #[serde(default)]
    pub drift: Option<Vec<String>>,
    /// What was read of whole types.
    #[serde(default)]
    pub read: Option<WholeTypes>,
    /// Objects as they were before a damage.
    #[serde(default)]
    pub saved: Vec<SavedObject>,
    /// What a damage did.
    #[serde(default)]
    pub damaged: Option<Damaged>,
}

impl Done {
    /// Of nothing but an outcome.
    pub fn of(outcome: Outcome) -> Self {
        Done { outcome, recovered: None, drift: None, read: None, saved: Vec::new(), damaged: None }
    }

    /// The engine's error.
    pub fn failed(error: &Error) -> Self {
        Done::of(outcome_of(error))
    }

    /// The harness could not do it.
    pub fn trouble(reason: impl Into<String>) -> Self {
        Done::of(Outcome::Trouble { reason: reason.into() })
    }

    /// Fine when there are no differences.
    pub fn compared(differences: Vec<String>) -> Self {
        Done::of(if differences.is_empty() { Outcome::done() } else { Outcome::Mismatch { differences } })
    }
}

/// Whole types as one snapshot shows them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WholeTypes {
    /// The snapshot's graph version.
    pub graph_version: u64,
    /// By type, every row.
    pub rows: BTreeMap<String, Vec<Row>>,
}

/// An object as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedObject {
    /// Path relative to the graph root.
    pub path: String,
    /// Its bytes in hexadecimal; none where there was no object.
    pub hex: Option<String>,
}

/// What a damage did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damaged {
    /// For people.
    pub description: String,
    /// Objects that it wrote, moved or removed.
    pub paths: Vec<String>,
    /// Whether rows may become visible or vanish through it.
    pub may_change_rows: bool,
    /// The HEAD that it moved, for damage that did nothing else.
    #[serde(default)]
    pub moved: Option<MovedHead>,
}

/// What a recovery pass did: operation ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recovered {
    /// Finished.
    pub rolled_forward: Vec<String>,
    /// Undone.
    pub rolled_back: Vec<String>,
    /// Left alone, each with the reason.
    pub deferred: Vec<String>,
}

impl Recovered {
    /// Whether there was nothing to recover.
    pub fn is_empty(&self) -> bool {
        *self == Recovered::default()
    }
}

impl From<&HealReport> for Recovered {
    fn from(report: &HealReport) -> Self {
        let of = |kind: RecoveryKind| {
            let resolved = report.resolved.iter().filter(|(_, found)| *found == kind);
            resolved.map(|(operation, _)| operation.to_string()).collect()
        };
        Recovered {
            rolled_forward: of(RecoveryKind::RolledForward),
            rolled_back: of(RecoveryKind::RolledBack),
            deferred: report
                .deferred
                .iter()
                .map(|deferred| format!("{}: {}", deferred.operation, deferred.why))
                .collect(),
        }
    }
}

/// An engine error as data.
pub fn error_data(error: &Error) -> ErrorData {
    let mut causes = Vec::new();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    ErrorData {
        kind: error.kind().as_str().to_owned(),
        message: error.message().to_owned(),
        advice: error.advice().map(str::to_owned),
        operation: error.operation_id().map(|id| id.to_string()),
        retryable: error.is_retryable(),
        causes,
    }
}

/// A call that failed: in doubt is never read as refused.
pub fn outcome_of(error: &Error) -> Outcome {
    let data = error_data(error);
    if error.is_in_doubt() { Outcome::InDoubt { error: data } } else { Outcome::Refused { error: data } }
}
