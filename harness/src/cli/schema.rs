//! `chaos schema`: the format of scenario files, for editors and for people.

use super::exit::Exit;
use super::flags::SchemaArgs;
use crate::scenario::{reference, schema};

/// Prints the JSON Schema, or the reference page.
///
/// # Errors
/// The output cannot be written.
pub fn command(args: &SchemaArgs) -> Result<Exit, String> {
    super::print(&if args.markdown { reference::to_markdown() } else { schema::to_file() })?;
    Ok(Exit::Held)
}
