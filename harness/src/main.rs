//! The `chaos` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    omnigraph_harness::cli::main()
}
