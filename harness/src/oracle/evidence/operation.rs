//! The calls of a cell and what their clients know of them.

use serde::{Deserialize, Serialize};

use super::Tick;
use crate::event::{Outcome, WriteData};

/// One call on a handle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperationRecord {
    /// Number of the scenario's step counted from 1 as in events; `None` for set-up and closing calls.
    pub step: Option<u64>,
    /// When the call began.
    pub started: Tick,
    /// When it returned or its process died in it; `None` when it was never seen to end.
    pub ended: Option<Tick>,
    /// The handle's name in the scenario.
    pub handle: String,
    /// The process's name in the scenario.
    pub process: String,
    /// The actor it was given, if any.
    pub actor: Option<String>,
    /// The name it was given, if any: calls of one name are one write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What each call of the name was told, once they are taken for the one write that they are ([`super::one_write()`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<CallOfName>,
    /// What was asked for.
    pub call: OperationCall,
    /// What came of it, as in the step's last event.
    pub outcome: Outcome,
}

/// One of several calls of one name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallOfName {
    /// As in reports.
    pub label: String,
    /// What it was told.
    pub outcome: Outcome,
}

/// What a call asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "kebab-case")]
pub enum OperationCall {
    /// Create the graph.
    Create,
    /// Load rows, in the lines' own form: `{"type", "data"}` and, for edges, `{"type", "from", "to", "data"}`.
    Load {
        /// `append`, `merge` or `overwrite`.
        mode: LoadMode,
        /// The lines as given.
        rows: Vec<serde_json::Value>,
    },
    /// Run statements that change rows.
    Mutate {
        /// The statements as given.
        sql: String,
    },
    /// Open read-write or read-only; a read-write open recovers.
    Open {
        /// Whether the open was read-only.
        read_only: bool,
    },
    /// Refresh a handle; this heals.
    Refresh,
    /// Repair; only a confirmed one changes what is visible.
    Repair {
        /// Whether drift was published on the operator's word.
        confirmed: bool,
        /// Types whose drift a confirmed one published, as it reports; none where it did not report.
        #[serde(default)]
        published: Option<Vec<String>>,
    },
}

impl OperationCall {
    /// Whether the call writes rows, so that the reference model has to follow it.
    pub fn writes_rows(&self) -> bool {
        matches!(self, OperationCall::Load { .. } | OperationCall::Mutate { .. })
    }

    /// The types whose drift a confirmed repair published, where it reported them.
    pub fn published(&self) -> Option<&Vec<String>> {
        match self {
            OperationCall::Repair { published, .. } => published.as_ref(),
            _ => None,
        }
    }

    /// Whether the call may have published what nobody wrote through the engine.
    pub fn may_publish_drift(&self) -> bool {
        matches!(self, OperationCall::Repair { confirmed: true, published } if published.as_ref().is_none_or(|types| !types.is_empty()))
    }
}

/// How a load treats rows that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoadMode {
    /// Every row must be new.
    Append,
    /// Rows with a known identity replace, others are added.
    Merge,
    /// The types that the input names hold the input's rows and nothing else.
    Overwrite,
}

impl LoadMode {
    /// As scenarios spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            LoadMode::Append => "append",
            LoadMode::Merge => "merge",
            LoadMode::Overwrite => "overwrite",
        }
    }
}

/// The three things that a client can know of a write. In doubt is never read as refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It returned success: visible, and to stay.
    Acknowledged,
    /// It returned an error of any kind but in-doubt: nothing of it may ever become visible.
    Refused,
    /// Everything else: an in-doubt error, a panic, a crash, no answer.
    InDoubt,
}

impl OperationRecord {
    /// What its client knows.
    pub fn known(&self) -> Known {
        match self.outcome {
            Outcome::Acknowledged { .. } => Known::Acknowledged,
            Outcome::Refused { .. } => Known::Refused,
            _ => Known::InDoubt,
        }
    }

    /// What an acknowledged write reported; none for one that changed nothing.
    pub fn write(&self) -> Option<&WriteData> {
        match &self.outcome {
            Outcome::Acknowledged { write } => write.as_ref().filter(|write| !write.commit.is_empty()),
            _ => None,
        }
    }

    /// Where an acknowledged write stands in the order of graph versions: the version that it made, or right behind the one
    /// that it found and did not change.
    pub fn version(&self) -> Option<(u64, bool)> {
        match &self.outcome {
            Outcome::Acknowledged { write } => {
                write.as_ref().map(|write| (write.graph_version, write.commit.is_empty()))
            }
            _ => None,
        }
    }

    /// The operation id, where the outcome carries one. An acknowledged write that changed nothing has none.
    pub fn operation_id(&self) -> Option<&str> {
        let id = match &self.outcome {
            Outcome::Acknowledged { write } => write.as_ref().map(|write| write.operation.as_str()),
            Outcome::Refused { error } | Outcome::InDoubt { error } => error.operation.as_deref(),
            _ => None,
        };
        id.filter(|id| !id.is_empty())
    }

    /// How reports name it, such as `step 3 (load append by main)`.
    pub fn label(&self) -> String {
        let call = match &self.call {
            OperationCall::Create => "create".to_owned(),
            OperationCall::Load { mode, .. } => format!("load {}", mode.as_str()),
            OperationCall::Mutate { .. } => "mutate".to_owned(),
            OperationCall::Open { read_only: true } => "open read-only".to_owned(),
            OperationCall::Open { read_only: false } => "open".to_owned(),
            OperationCall::Refresh => "refresh".to_owned(),
            OperationCall::Repair { .. } => "repair".to_owned(),
        };
        match self.step {
            Some(step) => format!("step {step} ({call} by {})", self.handle),
            None => format!("set-up ({call} by {})", self.handle),
        }
    }
}
