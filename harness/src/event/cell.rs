//! A cell: one scenario on one backend.

use super::{FaultTally, Verdict};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Names one scenario on one backend.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CellId {
    /// Path of the scenario below `scenarios/`, without its extension.
    pub scenario: String,
    /// Name of the backend.
    pub backend: String,
}

impl CellId {
    /// A cell.
    pub fn new(scenario: impl Into<String>, backend: impl Into<String>) -> Self {
        CellId { scenario: scenario.into(), backend: backend.into() }
    }

    /// First folder of the scenario's path: what the summary groups by. A scenario at the top has the area `.`.
    pub fn area(&self) -> &str {
        self.scenario.split_once('/').map_or(".", |(area, _)| area)
    }
}

impl fmt::Display for CellId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.scenario, self.backend)
    }
}

impl FromStr for CellId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.rsplit_once('@') {
            Some((scenario, backend)) if !scenario.is_empty() && !backend.is_empty() => {
                Ok(CellId::new(scenario, backend))
            }
            _ => Err(format!("'{text}' is not a cell; write it as scenario@backend")),
        }
    }
}

/// What there is to say of a cell once it is judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FinishedCell {
    /// Which.
    pub cell: CellId,
    /// The scenario's `summary`.
    pub summary: String,
    /// The scenario's tags.
    pub tags: Vec<String>,
    /// Path of the scenario file as it was found.
    pub file: String,
    /// Seed of the cell.
    pub seed: u64,
    /// Whether the scenario is one that must fail. Its verdict is already turned: held means that it failed as it should.
    pub canary: bool,
    /// The verdict.
    pub verdict: Verdict,
    /// From the first worker's start to the verdict.
    pub duration_ms: u64,
    /// Every armed fault with what became of it.
    pub faults: Vec<FaultTally>,
    /// Invariants that were judged and held.
    pub held: Vec<String>,
    /// Invariants that the scenario waives, each with its reason; none where nothing was judged.
    pub waived: Vec<(String, String)>,
    /// Invariants that could not be judged, each with what was missing; in records of before there was this, none.
    #[serde(default)]
    pub not_judged: Vec<(String, String)>,
    /// The command that runs this cell again.
    pub replay: String,
    /// Folder of the failure bundle, where there is one.
    pub bundle: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::CellId;

    #[test]
    fn a_cell_reads_back_from_how_it_is_shown() {
        let cell = CellId::new("recovery/a@b", "s3");
        assert_eq!(cell.to_string().parse::<CellId>(), Ok(cell));
        assert!("no-backend".parse::<CellId>().is_err());
    }

    #[test]
    fn the_area_is_the_first_folder() {
        assert_eq!(CellId::new("recovery/a/b", "s3").area(), "recovery");
        assert_eq!(CellId::new("b", "s3").area(), ".");
    }
}
