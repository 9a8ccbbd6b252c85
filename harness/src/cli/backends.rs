//! `chaos backends`: which backends there are.

use super::exit::Exit;
use super::flags::BackendsArgs;
use super::settings;
use crate::backend::{Availability, BackendKind, available};

/// Lists the backends, or prints the image that one of them needs.
///
/// # Errors
/// This machine has no runtime to ask with.
pub fn command(args: &BackendsArgs) -> Result<Exit, String> {
    let config = settings::backends();
    if args.image {
        println!("{}", config.rustfs.reference());
        return Ok(Exit::Held);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("there is no runtime: {error}"))?;
    for &kind in BackendKind::ALL {
        match runtime.block_on(available(kind, &config)) {
            Availability::Ready(_) => println!("{kind}: there"),
            Availability::Absent { reason } => println!("{kind}: not there, {}", super::redactor().redact(&reason)),
        }
    }
    Ok(Exit::Held)
}
