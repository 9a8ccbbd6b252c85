//! What a cell comes to. There are more than two answers, and only one of them is green.

use super::FaultTally;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a cell comes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// Every invariant and every check held, and every armed fault fired.
    Held,
    /// At least one did not.
    Broken {
        /// Each with its evidence.
        breaches: Vec<Breach>,
    },
    /// Everything held, but an armed fault was never reached, or reached and never fired.
    NotExercised {
        /// The faults that did not fire.
        faults: Vec<FaultTally>,
    },
    /// A limit or a deadline was hit before there was an answer.
    Inconclusive {
        /// Which, and what was being done.
        reason: String,
    },
    /// The backend or the harness is in trouble; nothing is said about the engine.
    Infrastructure {
        /// Which trouble.
        reason: String,
    },
    /// The scenario cannot be run as written.
    Invalid {
        /// Why, with the place in the file.
        reason: String,
    },
    /// Not run.
    Skipped {
        /// Why.
        reason: String,
    },
    /// The scenario asks for what the backend does not have.
    NotApplicable {
        /// What it asks for.
        reason: String,
        /// The line that asks, counted from 1.
        line: Option<u64>,
    },
    /// Broken exactly as a known issue says, and the issue's date has not passed.
    Known {
        /// The issue.
        issue: String,
        /// Last day on which it is accepted, as `YYYY-MM-DD`.
        until: String,
        /// What broke.
        breaches: Vec<Breach>,
    },
}

/// One property that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breach {
    /// Name of the invariant, or `expectation` or `check` for what the scenario itself says.
    pub invariant: String,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What had to be, where that is a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was found, where that is a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What it was judged by: rows, objects, operations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// The step that it happened in, counted from 1; none for what is judged at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// Line of the scenario that says what had to be, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

impl Breach {
    /// A breach of which only name and sentence are known.
    pub fn new(invariant: impl Into<String>, message: impl Into<String>) -> Self {
        Breach {
            invariant: invariant.into(),
            message: message.into(),
            expected: None,
            found: None,
            evidence: Vec::new(),
            step: None,
            line: None,
        }
    }

    /// Says what had to be and what was found.
    #[must_use]
    pub fn between(mut self, expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        self.expected = Some(expected.to_string());
        self.found = Some(found.to_string());
        self
    }

    /// Adds what it was judged by.
    #[must_use]
    pub fn with_evidence(mut self, evidence: impl IntoIterator<Item = String>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    /// What is wrong, with what had to be and what was found, where those are values.
    pub fn text(&self) -> String {
        match (&self.expected, &self.found) {
            (Some(expected), Some(found)) => format!("{} (expected {expected}, found {found})", self.message),
            _ => self.message.clone(),
        }
    }

    /// Says in which step it happened, and which line of the scenario says otherwise.
    #[must_use]
    pub fn at_step(mut self, step: u64, line: Option<u64>) -> Self {
        self.step = Some(step);
        self.line = line;
        self
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.text())
    }
}

/// The shape of a [`Verdict`] without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum VerdictName {
    Held,
    Broken,
    NotExercised,
    Inconclusive,
    Infrastructure,
    Invalid,
    Skipped,
    NotApplicable,
    Known,
}

impl VerdictName {
    /// All of them, best known first.
    pub const ALL: &[VerdictName] = &[
        VerdictName::Held,
        VerdictName::Broken,
        VerdictName::NotExercised,
        VerdictName::Inconclusive,
        VerdictName::Infrastructure,
        VerdictName::Invalid,
        VerdictName::Skipped,
        VerdictName::NotApplicable,
        VerdictName::Known,
    ];

    /// Its name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            VerdictName::Held => "held",
            VerdictName::Broken => "broken",
            VerdictName::NotExercised => "not exercised",
            VerdictName::Inconclusive => "inconclusive",
            VerdictName::Infrastructure => "infrastructure",
            VerdictName::Invalid => "invalid",
            VerdictName::Skipped => "skipped",
            VerdictName::NotApplicable => "not applicable",
            VerdictName::Known => "known",
        }
    }
}

impl fmt::Display for VerdictName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Verdict {
    /// Its shape.
    pub fn name(&self) -> VerdictName {
        match self {
            Verdict::Held => VerdictName::Held,
            Verdict::Broken { .. } => VerdictName::Broken,
            Verdict::NotExercised { .. } => VerdictName::NotExercised,
            Verdict::Inconclusive { .. } => VerdictName::Inconclusive,
            Verdict::Infrastructure { .. } => VerdictName::Infrastructure,
            Verdict::Invalid { .. } => VerdictName::Invalid,
            Verdict::Skipped { .. } => VerdictName::Skipped,
            Verdict::NotApplicable { .. } => VerdictName::NotApplicable,
            Verdict::Known { .. } => VerdictName::Known,
        }
    }

    /// Whether the run may still be green. Only held is green; what was not run at all does not count against it.
    pub fn is_failure(&self) -> bool {
        match self {
            Verdict::Held | Verdict::Skipped { .. } | Verdict::NotApplicable { .. } | Verdict::Known { .. } => false,
            Verdict::Broken { .. }
            | Verdict::NotExercised { .. }
            | Verdict::Inconclusive { .. }
            | Verdict::Infrastructure { .. }
            | Verdict::Invalid { .. } => true,
        }
    }

    /// What went wrong or why nothing was done, a line each; empty where it held.
    pub fn reasons(&self) -> Vec<String> {
        match self {
            Verdict::Held => Vec::new(),
            Verdict::Broken { breaches } | Verdict::Known { breaches, .. } => {
                breaches.iter().map(Breach::to_string).collect()
            }
            Verdict::NotExercised { faults } => faults
                .iter()
                .map(|tally| format!("{} (reached {}, fired {})", tally.fault, tally.reached, tally.fired))
                .collect(),
            Verdict::Inconclusive { reason }
            | Verdict::Infrastructure { reason }
            | Verdict::Invalid { reason }
            | Verdict::Skipped { reason } => vec![reason.clone()],
            Verdict::NotApplicable { reason, line: Some(line) } => vec![format!("line {line}: {reason}")],
            Verdict::NotApplicable { reason, line: None } => vec![reason.clone()],
        }
    }
}
