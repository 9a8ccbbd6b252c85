//! How a step ended. A client knows three things at most: it was acknowledged, it was refused, or it is in doubt; and in
//! doubt is never read as refused.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It was done.
    Acknowledged {
        /// What was written, for a step that writes.
        write: Option<WriteData>,
    },
    /// It was not done and never will be.
    Refused {
        /// The engine's error.
        error: ErrorData,
    },
    /// It may or may not have been done.
    InDoubt {
        /// The engine's error.
        error: ErrorData,
    },
    /// Its process died in it.
    Crashed {
        /// Where, as far as the harness knows: a failpoint or a store call.
        at: Option<String>,
    },
    /// It panicked; the process lives.
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// It did not end within its deadline and its process was killed.
    Hung {
        /// What it was doing.
        doing: String,
    },
    /// It runs in the background; a later `join` tells how it ended.
    Started,
    /// It is held at a failpoint, in the background.
    Held {
        /// At which failpoint.
        at: String,
    },
    /// A check did not find what it asked for.
    Mismatch {
        /// One sentence for each difference.
        differences: Vec<String>,
    },
    /// The harness itself could not do it.
    Trouble {
        /// Why.
        reason: String,
    },
}

/// The shape of an [`Outcome`] without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum OutcomeName {
    Acknowledged,
    Refused,
    InDoubt,
    Crashed,
    Panicked,
    Hung,
    Started,
    Held,
    Mismatch,
    Trouble,
}

/// What an acknowledged write reports.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WriteData {
    /// Operation id, a ULID; empty for a write that changed nothing.
    pub operation: String,
    /// Id of the graph commit that made it visible; empty for a write that changed nothing.
    pub commit: String,
    /// Version of the graph that made it visible, or that a write which changed nothing found.
    pub graph_version: u64,
    /// Rows inserted, updated and deleted, by type.
    pub rows: BTreeMap<String, (u64, u64, u64)>,
    /// Whether it had been done before, by an earlier call of the same name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeated: bool,
}

/// An engine error as data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorData {
    /// Kind, kebab-case, such as `conflict`.
    pub kind: String,
    /// What happened.
    pub message: String,
    /// The way out.
    pub advice: Option<String>,
    /// Operation that it is about, a ULID.
    pub operation: Option<String>,
    /// Whether trying again can help.
    pub retryable: bool,
    /// The errors below, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
}

impl ErrorData {
    /// An error of which only kind and message are known.
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Self {
        ErrorData { kind: kind.into(), message: message.into(), ..ErrorData::default() }
    }
}

impl fmt::Display for ErrorData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)?;
        match &self.advice {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

impl Outcome {
    /// Done, with nothing to say about it.
    pub fn done() -> Self {
        Outcome::Acknowledged { write: None }
    }

    /// Its shape.
    pub fn name(&self) -> OutcomeName {
        match self {
            Outcome::Acknowledged { .. } => OutcomeName::Acknowledged,
            Outcome::Refused { .. } => OutcomeName::Refused,
            Outcome::InDoubt { .. } => OutcomeName::InDoubt,
            Outcome::Crashed { .. } => OutcomeName::Crashed,
            Outcome::Panicked { .. } => OutcomeName::Panicked,
            Outcome::Hung { .. } => OutcomeName::Hung,
            Outcome::Started => OutcomeName::Started,
            Outcome::Held { .. } => OutcomeName::Held,
            Outcome::Mismatch { .. } => OutcomeName::Mismatch,
            Outcome::Trouble { .. } => OutcomeName::Trouble,
        }
    }

    /// The engine's error, where the step ended with one.
    pub fn error(&self) -> Option<&ErrorData> {
        match self {
            Outcome::Refused { error } | Outcome::InDoubt { error } => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Acknowledged { .. } => f.write_str("ok"),
            Outcome::Refused { error } => write!(f, "refused, {error}"),
            Outcome::InDoubt { error } => write!(f, "in doubt, {error}"),
            Outcome::Crashed { at: Some(at) } => write!(f, "crashed at {at}"),
            Outcome::Crashed { at: None } => f.write_str("crashed"),
            Outcome::Panicked { message } => write!(f, "panicked, {message}"),
            Outcome::Hung { doing } => write!(f, "hung while {doing}"),
            Outcome::Started => f.write_str("started"),
            Outcome::Held { at } => write!(f, "held at {at}"),
            Outcome::Mismatch { differences } => write!(f, "found otherwise, {}", differences.join("; ")),
            Outcome::Trouble { reason } => write!(f, "trouble, {reason}"),
        }
    }
}
