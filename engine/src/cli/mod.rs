//! The program: what can be typed, what is done then, and how it is told.
//!
//! - [`flags`], [`quantity`]: what can be typed. [`input`]: what is read.
//! - [`command`]: what each command does. [`report`]: what came of it, as text and as the shape for a program.
//! - [`output`]: standard output, and the forms that rows have, a file each.
//! - [`failure`], [`exit`]: why something was not done, and what the program ends with. [`interrupt`], [`log`]: what goes on beside.

mod command;
mod exit;
mod failure;
mod flags;
mod input;
mod interrupt;
mod log;
mod output;
mod quantity;
mod report;

use std::process::ExitCode;

use clap::Parser;
use omnigraph::printable::escaped_lines;

use failure::Failure;
use flags::Cli;

/// Does what was typed, and says what to end with.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(not_parsed(&error)),
    };
    let json = cli.json;
    log::begin(json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let error = omnigraph::Error::new(omnigraph::ErrorKind::Internal, "there is no runtime").with_source(error);
            return ExitCode::from(Failure::from(error).tell(json));
        }
    };
    let ended = match runtime.block_on(command::run(cli)) {
        Ok(()) => 0,
        // Whoever read it has had enough.
        Err(failure) if failure.is_closed_pipe() => 0,
        Err(failure) => failure.tell(json),
    };
    // What was to be done is done or was given up. A thread that still waits, for a producer that has stalled or for a lock
    // whose holder was stopped, waits without a bound and for nobody.
    runtime.shutdown_background();
    ExitCode::from(ended)
}

/// Help and the version are asked for by what is then no command; the rest is a mistake.
fn not_parsed(error: &clap::Error) -> u8 {
    if !error.use_stderr() {
        return match error.print() {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Failure::Output(error).tell(false),
            _ => 0,
        };
    }
    let json = std::env::args_os().any(|typed| typed == "--json");
    if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand && !json {
        failure::say(&error.to_string());
        return exit::of("usage");
    }
    let text = flags::mistyped_option().map_or_else(|| error.to_string(), |mistyped| mistyped.to_string());
    let text = escaped_lines(text.trim_end());
    Failure::Usage(text.strip_prefix("error: ").unwrap_or(&text).to_owned()).tell(json)
}
