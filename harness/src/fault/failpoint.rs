//! What the engine's failpoints do in one process.
//!
//! Every failpoint of the engine is switched on once for the program's life, so that each crossing comes here; whether it
//! does anything is the [`Board`]'s word.

use std::sync::Arc;

use futures::future::BoxFuture;
use omnigraph::failpoint::{Failpoint, FailpointEffects, Scope, Window, injected};
use omnigraph::{Error, ErrorKind};

use super::board::Board;
use crate::event::FaultId;
use crate::scenario::model::Task;

/// Switches every failpoint of the engine on. They do nothing until an armed fault says so.
///
/// # Errors
/// The `fail` crate refused a name.
pub fn switch_on() -> Result<(), String> {
    omnigraph::failpoint::install(Arc::new(Quiet));
    for point in Failpoint::catalogue() {
        fail::cfg(point.to_string(), "return")?;
    }
    Ok(())
}

/// What a crossing does outside of every process of a cell: nothing.
struct Quiet;

impl FailpointEffects for Quiet {
    fn reached(&self, _: Scope, _: Window) {}

    fn fired<'a>(&'a self, _: Failpoint, _: Scope, _: Option<String>) -> BoxFuture<'a, omnigraph::Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

impl FailpointEffects for Board {
    fn reached(&self, scope: Scope, window: Window) {
        let scoped = Failpoint { scope: Some(scope), window };
        self.crossed(&scoped.to_string(), window.as_str());
    }

    fn fired<'a>(&'a self, point: Failpoint, scope: Scope, _: Option<String>) -> BoxFuture<'a, omnigraph::Result<()>> {
        let crossing = Failpoint { scope: Some(scope), ..point };
        match self.cross(&point.to_string(), &crossing.to_string()) {
            None => Box::pin(std::future::ready(Ok(()))),
            Some((fault, task)) => Box::pin(self.act(point, fault, task)),
        }
    }
}

impl Board {
    async fn act(&self, point: Failpoint, fault: FaultId, task: Task) -> omnigraph::Result<()> {
        match task {
            Task::Off => Ok(()),
            Task::Return => Err(injected(point)),
            Task::Delay(time) => {
                tokio::time::sleep(time).await;
                Ok(())
            }
            Task::Pause => self.hold(&fault).await.map_err(|reason| Error::new(ErrorKind::Timeout, reason)),
            Task::Panic => panic!("failpoint `{point}` panicked"),
            Task::Print(text) => {
                tracing::info!(failpoint = %point, "{text}");
                Ok(())
            }
            Task::Yield => {
                tokio::task::yield_now().await;
                Ok(())
            }
            Task::Crash => {
                self.life().die(&format!("failpoint {point}"));
                // A simulated process: whoever runs the step drops it here.
                std::future::pending().await
            }
        }
    }
}
