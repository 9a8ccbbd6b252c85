//! `chaos explain`: what a scenario will do, in sentences.

use std::io::{self, IsTerminal};

use super::exit::Exit;
use super::flags::{ExplainArgs, SelectArgs};
use super::run::{colored, show_invalid};
use super::select::select;
use crate::scenario::explain;

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
    let texts: Vec<String> = selected.scenarios.iter().map(|scenario| explain(scenario)).collect();
    super::print(&texts.join("\n"))?;
    Ok(if texts.is_empty() { Exit::Nothing } else { Exit::Held })
}
