//! `chaos replay`: runs a failure again from its bundle alone, and says whether the same thing broke.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;

use super::exit::Exit;
use super::flags::{Color, ReplayArgs};
use super::run::{colored, start};
use crate::backend::BackendKind;
use crate::diagnostic;
use crate::event::{Selection, Verdict};
use crate::repro::{Comparison, Replay, ReplayError, compare};
use crate::runner::CellPlan;

/// Replays a bundle. Broken when the failure happened again, held when the cell held this time.
///
/// # Errors
/// The bundle cannot be read, or this machine cannot run it.
pub fn command(args: &ReplayArgs) -> Result<Exit, String> {
    let Some(replay) = load(&args.bundle, args.how.color)? else { return Ok(Exit::Usage) };
    let backend: BackendKind = replay.cell.backend.parse().map_err(|error| format!("{error}"))?;
    let mut scenario = replay.scenario.clone();
    scenario.seed = Some(replay.seed.0);
    let plan = CellPlan { id: replay.cell.clone(), scenario: Arc::new(scenario), backend, not_applicable: None };
    let selection = Selection {
        paths: vec![args.bundle.display().to_string()],
        backends: vec![replay.cell.backend.clone()],
        scenarios: 1,
        cells: vec![replay.cell.clone()],
        ..Selection::default()
    };
    let (result, verdict) = start(vec![plan], selection, &args.how, vec![backend], replay.seed, None)?;
    let Some(verdict) = verdict else { return Ok(Exit::of(&result)) };
    if matches!(verdict, Verdict::Infrastructure { .. } | Verdict::Skipped { .. }) {
        eprintln!("the cell could not be run: {}", verdict.reasons().join("; "));
        return Ok(Exit::Trouble);
    }
    match compare(&replay.recorded, &verdict) {
        Comparison::Reproduced if !verdict.is_failure() => {
            println!("reproduced: it came to '{}' again", verdict.name())
        }
        Comparison::Reproduced => println!("reproduced: the same thing broke again"),
        Comparison::FailedOtherwise { differences } => {
            println!("not reproduced: it failed otherwise");
            differences.iter().for_each(|difference| println!("  {difference}"));
        }
        Comparison::NotReproduced { verdict } => {
            println!(
                "not reproduced: this time it came to '{verdict}'; the code has changed, or the failure is a race"
            );
        }
    }
    Ok(Exit::of(&result))
}

/// The bundle that is meant; none where its scenario is not valid, which is then shown.
///
/// # Errors
/// It cannot be read.
pub fn load(bundle: &Path, color: Color) -> Result<Option<Replay>, String> {
    match Replay::load(bundle) {
        Ok(replay) => Ok(Some(replay)),
        Err(ReplayError::Scenario(report)) => {
            eprint!("{}", diagnostic::terminal::render(&report, colored(color, io::stderr().is_terminal())));
            Ok(None)
        }
        Err(error) => Err(error.to_string()),
    }
}
