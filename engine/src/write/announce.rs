//! How a writer that keeps losing to writers of other processes gets its turn.
//!
//! Within a process there are queues. Between processes the slower writer of two would lose for ever: a large load beside a steady
//! stream of small writes. So a writer that has lost a few times puts a sidecar of its own beside the one that it will arm, which plans
//! the same tables and never commits to any. Writers of other processes see it as a writer at work, which has grace, and wait for
//! it. Should its writer die, it is undone like every other.

use super::protocol::record;
use crate::failpoint::Scope;
use crate::id::OperationId;
use crate::intent::Intent;
use crate::manifest::Snapshot;
use crate::recovery::Journal;
use crate::runtime::Runtime;

/// A sidecar that holds a place. While this lives, no heal of this process touches it.
pub(super) struct Announcement {
    runtime: Runtime,
    operation: OperationId,
    scope: Scope,
}

impl Announcement {
    /// Tells other processes which tables `intent` is about to change. It is no trouble if that fails: the writer goes on without.
    pub(super) async fn of(runtime: &Runtime, snapshot: &Snapshot, intent: &Intent) -> Option<Announcement> {
        let operation = OperationId::new(runtime.ids.ulid());
        let mut sidecar = record(runtime, intent, snapshot.state(), operation);
        for planned in &mut sidecar.tables {
            // Nobody ever commits this, so that nobody takes the commits of the write itself for it.
            planned.transactions = vec![runtime.ids.uuid()];
        }
        let scope = Scope::from(intent.writer);
        runtime.gate.armed(operation);
        runtime.gate.announced(operation);
        let announcement = Announcement { runtime: runtime.clone(), operation, scope };
        let put = Journal::new(&runtime.stack, scope).put(&sidecar).await;
        put.inspect_err(|error| tracing::info!(%operation, %error, "a write is not announced"))
            .is_ok()
            .then_some(announcement)
    }

    /// What names it. Of two, the one that sorts first came first.
    pub(super) fn operation(&self) -> OperationId {
        self.operation
    }

    /// Lets the others go on.
    pub(super) async fn withdraw(self) {
        match Journal::new(&self.runtime.stack, self.scope).delete(self.operation).await {
            Ok(()) => self.runtime.gate.disarmed(self.operation),
            Err(leftover) => tracing::warn!(operation = %self.operation, %leftover, "a recovery sidecar remains"),
        }
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        self.runtime.gate.withdrawn(self.operation);
    }
}
