//! `chaos schema`: the format of scenario files, for editors and for people.

use super::exit::Exit;
use super::flags::SchemaArgs;
use crate::scenario::{reference, schema};

/// Prints the JSON Schema, or the reference page.
pub fn command(args: &SchemaArgs) -> Exit {
    if args.markdown {
        print!("{}", reference::to_markdown());
    } else {
        print!("{}", schema::to_file());
    }
    Exit::Held
}
