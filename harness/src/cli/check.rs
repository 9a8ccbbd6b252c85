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
        CheckFormat::Human => println!("{} scenarios are valid", selected.scenarios.len()),
        CheckFormat::JsonLines => {
            selected.invalid.iter().for_each(|(_, report)| println!("{}", diagnostic::json::render(report)));
        }
        CheckFormat::Github => {
            selected.invalid.iter().for_each(|(_, report)| print!("{}", diagnostic::github::render(report)));
        }
    }
    match (selected.files, selected.invalid.is_empty()) {
        (_, false) => Ok(Exit::Usage),
        (0, true) => Ok(Exit::Nothing),
        (_, true) => Ok(Exit::Held),
    }
}
