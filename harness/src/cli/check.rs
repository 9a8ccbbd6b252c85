//! `chaos check`: validates scenarios, and reports every mistake of every file at once.

use std::io::{self, IsTerminal};

use super::exit::Exit;
use super::flags::{CheckArgs, CheckFormat};
use super::run::{colored, show_invalid};
use super::select::select;
use crate::diagnostic;

/// Validates what was typed.
///
/// # Errors
/// A path that cannot be read.
pub fn command(args: &CheckArgs) -> Result<Exit, String> {
    let selected = select(&args.select)?;
    match args.format {
        CheckFormat::Human if !selected.invalid.is_empty() => {
            show_invalid(&selected, colored(args.color, io::stderr().is_terminal()));
        }
        CheckFormat::Human => super::print(&format!("{} scenarios are valid\n", selected.scenarios.len()))?,
        CheckFormat::JsonLines => {
            let lines = selected.invalid.iter().map(|(_, report)| format!("{}\n", diagnostic::json::render(report)));
            super::print(&lines.collect::<String>())?;
        }
        CheckFormat::Github => {
            let lines = selected.invalid.iter().map(|(_, report)| diagnostic::github::render(report));
            super::print(&lines.collect::<String>())?;
        }
    }
    match (selected.files, selected.invalid.is_empty()) {
        (_, false) => Ok(Exit::Usage),
        (0, true) => Ok(Exit::Nothing),
        (_, true) => Ok(Exit::Held),
    }
}
