//! What a checker is, and what it answers.

use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use crate::event;

/// One property that must hold for every cell.
pub trait Invariant: Send + Sync {
    /// Kebab-case, unique among the standing invariants; what a scenario's `waive` names.
    fn name(&self) -> &'static str;

    /// The property as one sentence.
    fn property(&self) -> &'static str;

    /// What is missing from the evidence for a judgement, as a phrase such as `no second recovery was tried`; `None`
    /// when the property can be judged. What cannot be judged is reported so, never as held.
    fn missing(&self, evidence: &Evidence) -> Option<String>;

    /// Judges. Only called when nothing is [missing](Invariant::missing).
    fn check(&self, evidence: &Evidence) -> Result<(), Breach>;

    /// Defects that this checker must find in a world that is sound otherwise; a checker without one does not count.
    #[cfg(test)]
    fn defects(&self) -> Vec<Defect>;
}

/// A defect planted in sound evidence.
#[cfg(test)]
pub struct Defect {
    /// What is wrong then.
    pub what: &'static str,
    /// Plants it.
    pub plant: fn(&mut Evidence),
}

/// Why a property did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breach {
    /// The invariant's name; [`judge`](super::judge) fills it in.
    pub invariant: String,
    /// The property that did not hold, as one sentence; [`judge`](super::judge) fills it in.
    pub property: String,
    /// What kind of failure it is.
    pub kind: BreachKind,
    /// The evidence, a line each, the telling ones first. At most [`Breach::LINES_MAX`] lines.
    pub evidence: Vec<String>,
}

/// Not every breach says that the engine is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreachKind {
    /// The engine broke its promise.
    Violated,
    /// An armed fault never fired: the scenario proved nothing.
    NotExercised,
    /// A limit of the oracle was met before it could tell.
    Inconclusive,
}

impl Breach {
    /// Lines of evidence kept; the rest are counted in one more line.
    pub const LINES_MAX: usize = 40;

    /// A breach with these lines of evidence.
    pub fn new(kind: BreachKind, evidence: Vec<String>) -> Breach {
        let mut kept = evidence;
        let left_out = kept.len().saturating_sub(Self::LINES_MAX);
        kept.truncate(Self::LINES_MAX);
        if left_out > 0 {
            kept.push(format!("and {left_out} more lines"));
        }
        Breach { invariant: String::new(), property: String::new(), kind, evidence: kept }
    }

    /// `Ok` when there are no lines, else a violation that they are the evidence of.
    pub fn unless_empty(lines: Vec<String>) -> Result<(), Breach> {
        if lines.is_empty() { Ok(()) } else { Err(Breach::new(BreachKind::Violated, lines)) }
    }
}

impl From<&Breach> for event::Breach {
    fn from(breach: &Breach) -> Self {
        event::Breach::new(&breach.invariant, format!("does not hold: {}", breach.property))
            .with_evidence(breach.evidence.clone())
    }
}
