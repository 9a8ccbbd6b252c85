//! `chaos explain`: what a scenario will do, in sentences.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};

use super::exit::Exit;
use super::flags::{ExplainArgs, SelectArgs};
use super::run::{colored, show_invalid};
use super::select::select;
use crate::runner::{NotApplicable, places};
use crate::scenario::model::BackendName;
use crate::scenario::{Scenario, explain};

/// Explains what was typed.
///
/// # Errors
/// A path that cannot be read.
pub fn command(args: &ExplainArgs) -> Result<Exit, String> {
    let paths = args.paths.clone();
    let selected = select(&SelectArgs { paths, scenarios: args.scenarios.clone(), ..SelectArgs::default() })?;
    if !selected.invalid.is_empty() {
        show_invalid(&selected, colored(args.color, io::stderr().is_terminal()));
        return Ok(Exit::Usage);
    }
    let texts: Vec<String> = selected.scenarios.iter().map(|scenario| explain(scenario, &lacking(scenario))).collect();
    super::print(&texts.join("\n"))?;
    Ok(if texts.is_empty() { Exit::Nothing } else { Exit::Held })
}

/// Backends on which the scenario does not run although it names them, each with the reason.
fn lacking(scenario: &Scenario) -> BTreeMap<BackendName, String> {
    let told = |(name, lacking): (BackendName, Option<NotApplicable>)| {
        let NotApplicable { reason, line } = lacking?;
        let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        Some((name, format!("{line}{reason}")))
    };
    places(scenario).into_iter().filter_map(told).collect()
}
