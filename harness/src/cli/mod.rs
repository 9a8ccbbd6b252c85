//! From what was typed to what is done.
//!
//! - [`flags`]: what can be typed; [`exit`]: how the program ends.
//! - [`select`]: scenarios that are read and valid; [`settings`]: what the program reads from its surroundings.
//! - one file a command: [`run`], [`sweep`], [`swarm`], [`list`], [`check`], [`failpoints`], [`schema`], [`explain`],
//!   [`replay`], [`judge`], [`shrink`], [`inspect`], [`serve_s3`], [`reap`], [`matrix`], [`backends`], [`coverage`]. [`bundles`] keeps
//!   what a failure left.

mod backends;
mod bundles;
mod check;
mod coverage;
mod exit;
mod explain;
mod failpoints;
mod flags;
mod inspect;
mod judge;
mod list;
mod matrix;
mod reap;
mod replay;
mod run;
mod schema;
mod select;
mod serve_s3;
mod settings;
mod shrink;
mod swarm;
mod sweep;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

pub use exit::Exit;
pub use flags::{Command, Flags};

use crate::report::Redactor;

/// Takes this program's secrets out of whatever it says of what it was told by others.
fn redactor() -> Redactor {
    Redactor::new(settings::secrets())
}

/// Writes to standard output. A reader that has seen enough, such as `head`, is no trouble.
///
/// # Errors
/// The output cannot be written for another reason.
fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("standard output cannot be written: {error}"))
        }
        _ => Ok(()),
    }
}

/// Does what was typed.
pub fn main() -> ExitCode {
    #[cfg(unix)]
    if let Some(mut again) = settings::without_proxy_to_itself() {
        // It returns only where the program cannot be started once more.
        let error = std::os::unix::process::CommandExt::exec(&mut again);
        eprintln!("chaos: a proxy stands between this program and its own endpoints: {error}");
    }
    let flags = match Flags::try_parse() {
        Ok(flags) => flags,
        Err(error) => {
            let asked_for = !error.use_stderr();
            let _ = error.print();
            return if asked_for { Exit::Held.into() } else { Exit::Usage.into() };
        }
    };
    let exit = match &flags.command {
        Command::Run(args) => run::command(args),
        Command::Sweep(args) => sweep::command(args),
        Command::Swarm(args) => swarm::command(args),
        Command::List(args) => list::command(args),
        Command::Check(args) => check::command(args),
        Command::Failpoints(args) => failpoints::command(args),
        Command::Schema(args) => schema::command(args),
        Command::Replay(args) => replay::command(args),
        Command::Judge(args) => judge::command(args),
        Command::Explain(args) => explain::command(args),
        Command::Inspect(args) => inspect::command(args),
        Command::ServeS3(args) => serve_s3::command(args),
        Command::Shrink(args) => shrink::command(args),
        Command::Reap(args) => reap::command(args),
        Command::Matrix(args) => matrix::command(args),
        Command::Coverage(args) => coverage::command(args),
        Command::Backends(args) => backends::command(args),
        Command::Worker => return crate::runner::worker::serve(),
    };
    match exit {
        Ok(exit) => exit.into(),
        Err(reason) => {
            eprintln!("chaos: {}", redactor().redact(&reason));
            Exit::Usage.into()
        }
    }
}
