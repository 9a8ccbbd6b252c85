//! The `omnigraph` program: a graph from the command line.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let command = cli::Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: there is no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = match runtime.block_on(cli::run(command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {}", cli::told(failure.as_ref()));
            ExitCode::FAILURE
        }
    };
    // What was to be done is done or was given up. A thread that still waits, for a producer that has stalled or for a lock
    // whose holder was stopped, waits without a bound and for nobody.
    runtime.shutdown_background();
    ended
}
