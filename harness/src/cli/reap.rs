//! `chaos reap`: removes what killed runs have left.

use super::exit::Exit;
use super::flags::ReapArgs;
use crate::backend::reap::{Leftover, reap};

/// Removes containers and networks of dead runs.
///
/// # Errors
/// This machine has no runtime to ask with. That Docker does not answer is trouble, and no error of whoever asks.
pub fn command(args: &ReapArgs) -> Result<Exit, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("there is no runtime: {error}"))?;
    let reaped = match runtime.block_on(reap(args.all)) {
        Ok(reaped) => reaped,
        Err(error) => {
            eprintln!("chaos: {error}");
            return Ok(Exit::Trouble);
        }
    };
    let show =
        |what: &str, leftover: &Leftover| println!("{what} {} of run {}: {}", leftover.id, leftover.run, leftover.why);
    reaped.removed.iter().for_each(|leftover| show("removed", leftover));
    reaped.kept.iter().for_each(|leftover| show("kept", leftover));
    if reaped.removed.is_empty() && reaped.kept.is_empty() {
        println!("nothing is left of any run");
    }
    Ok(Exit::Held)
}
