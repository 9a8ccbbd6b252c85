//! Judging a recorded run again: the checkers of today over the evidence of then.

use serde::Serialize;

use super::replay::{Comparison, Replay, compare};
use crate::event::{CellId, Verdict};
use crate::oracle::{Judgement, Waiver, judge};
use crate::runner::supervisor::verdict::{self, Found};

/// What the oracle says about a recorded run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JudgedAgain {
    /// The cell.
    pub cell: CellId,
    /// One finding for each standing invariant.
    pub judgement: Judgement,
    /// What the run comes to with them.
    pub verdict: Verdict,
    /// What it came to when it was recorded.
    pub recorded: Verdict,
    /// What is different from then, a line each; empty where nothing is.
    pub differences: Vec<String>,
}

/// Judges a bundle again. What its steps came to is taken as it was recorded: no checker looks at that.
///
/// `today` is written as `YYYY-MM-DD`.
///
/// # Errors
/// The evidence is not there or cannot be read.
pub fn judge_again(replay: &Replay, today: &str) -> Result<JudgedAgain, String> {
    let evidence = replay.bundle.evidence().map_err(|error| error.to_string())?;
    let evidence =
        evidence.ok_or("the bundle holds no evidence: the cell was not judged, or there was too much of it")?;
    let scenario = &replay.scenario;
    let waivers: Vec<Waiver> = scenario
        .waive
        .iter()
        .map(|waiver| Waiver { invariant: waiver.invariant.as_str().to_owned(), reason: waiver.reason.clone() })
        .collect();
    let mut found =
        Found { judgement: Some(judge(&evidence, &waivers)), faults: evidence.faults.clone(), ..Found::default() };
    match &replay.recorded {
        Verdict::Broken { breaches } | Verdict::Known { breaches, .. } => {
            found.breaches = breaches.iter().filter(|breach| breach.step.is_some()).cloned().collect();
        }
        Verdict::Inconclusive { reason } => found.limit = Some(reason.clone()),
        Verdict::Infrastructure { reason } => found.trouble = Some(reason.clone()),
        _ => {}
    }
    let mut verdict = found.verdict();
    if let Some(known) = &scenario.known {
        verdict = verdict::of_known(verdict, known, today);
    }
    if let Some(canary) = &scenario.canary {
        verdict = verdict::of_canary(verdict, &found.broken(), canary);
    }
    let differences = match compare(&replay.recorded, &verdict) {
        Comparison::Reproduced => Vec::new(),
        Comparison::FailedOtherwise { differences } => differences,
        Comparison::NotReproduced { verdict } => {
            vec![format!("recorded as '{}', now '{verdict}'", replay.recorded.name())]
        }
    };
    let judgement = found.judgement.unwrap_or_default();
    Ok(JudgedAgain { cell: replay.cell.clone(), judgement, verdict, recorded: replay.recorded.clone(), differences })
}
