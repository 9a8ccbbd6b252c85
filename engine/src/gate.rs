//! In-process queues, so that recovery never races a live writer of the same process.
//!
//! Every writer holds the queues of the tables that it reads and touches from before it arms until after it disarms.
//! Heal takes the queues that a sidecar names and then looks whether the sidecar is still there: if it is, its writer
//! is dead. Keys are always taken in sorted order, so that no two holders wait for each other.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::error::{Error, ErrorKind, Result};
use crate::id::OperationId;
use crate::limit::QUEUE_WAIT_MAX_SECONDS;

/// Operations of other processes that are remembered as in the way; beyond that, one may be waited for twice.
const IN_THE_WAY_MAX_COUNT: usize = 10_000;

/// What one process shares between all its handles: one [`GraphGate`] for every graph that it has open.
///
/// A real process has one, [`ProcessContext::global`]. A harness that simulates several processes inside one gives each
/// its own.
#[derive(Debug, Default)]
pub struct ProcessContext {
    graphs: Mutex<HashMap<String, Weak<GraphGate>>>,
}

impl ProcessContext {
    /// The context of this operating-system process.
    pub fn global() -> Arc<ProcessContext> {
        static GLOBAL: OnceLock<Arc<ProcessContext>> = OnceLock::new();
        Arc::clone(GLOBAL.get_or_init(Arc::default))
    }

    /// The gate that all handles of this process on the graph with this identity share.
    pub(crate) fn gate(&self, identity: &str) -> Arc<GraphGate> {
        let mut graphs = self.graphs.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        graphs.retain(|_, gate| gate.strong_count() > 0);
        if let Some(gate) = graphs.get(identity).and_then(Weak::upgrade) {
            return gate;
        }
        let gate = Arc::new(GraphGate::default());
        graphs.insert(identity.to_owned(), Arc::downgrade(&gate));
        gate
    }
}

/// What is queued for: one table on one graph branch.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueKey {
    /// The table's path below the graph root.
    pub table: String,
    /// The graph branch.
    pub branch: String,
}

/// The queues of one graph in one process, and the operations that the process armed.
#[derive(Debug, Default)]
pub(crate) struct GraphGate {
    queues: Mutex<HashMap<QueueKey, Arc<AsyncMutex<()>>>>,
    armed: Mutex<HashSet<OperationId>>,
    announced: Mutex<HashSet<OperationId>>,
    in_the_way: Mutex<HashMap<OperationId, Instant>>,
    published: AtomicU64,
}

/// Queues that are held; they are given back on drop.
#[must_use = "queues are given back when this is dropped"]
#[derive(Debug)]
pub(crate) struct Held {
    keys: BTreeSet<QueueKey>,
    _guards: Vec<OwnedMutexGuard<()>>,
}

impl GraphGate {
    /// Takes all of `keys` in sorted order.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] when a queue is not free within [`QUEUE_WAIT_MAX_SECONDS`] seconds.
    pub(crate) async fn take(&self, keys: &BTreeSet<QueueKey>) -> Result<Held> {
        let mut guards = Vec::with_capacity(keys.len());
        for key in keys {
            let queue = Arc::clone(self.lock(&self.queues).entry(key.clone()).or_default());
            let wait = Duration::from_secs(QUEUE_WAIT_MAX_SECONDS);
            let guard = tokio::time::timeout(wait, queue.lock_owned()).await.map_err(|_| {
                Error::new(
                    ErrorKind::Timeout,
                    format!(
                        "another writer of this process has held table `{}` for {QUEUE_WAIT_MAX_SECONDS} seconds",
                        key.table
                    ),
                )
                .with_advice("retry when it has finished")
            })?;
            guards.push(guard);
        }
        Ok(Held { keys: keys.clone(), _guards: guards })
    }

    /// As [`take`](Self::take), for who holds `place` already: it is kept where it covers all of `keys`, and given back first where
    /// it does not, so that nobody waits with queues in hand.
    pub(crate) async fn take_or_keep(&self, place: Option<Held>, keys: &BTreeSet<QueueKey>) -> Result<Held> {
        match place {
            Some(held) if keys.is_subset(&held.keys) => Ok(held),
            other => {
                drop(other);
                self.take(keys).await
            }
        }
    }

    /// Remembers that this process armed `operation`. Whether it had not before.
    pub(crate) fn armed(&self, operation: OperationId) -> bool {
        self.lock(&self.armed).insert(operation)
    }

    /// Forgets an operation whose sidecar is gone.
    pub(crate) fn disarmed(&self, operation: OperationId) {
        self.lock(&self.armed).remove(&operation);
    }

    /// Remembers that a live writer of this process holds its place by the sidecar of `operation`.
    pub(crate) fn announced(&self, operation: OperationId) {
        self.lock(&self.announced).insert(operation);
    }

    /// Forgets a place, whose writer has come to its end.
    pub(crate) fn withdrawn(&self, operation: OperationId) {
        self.lock(&self.announced).remove(&operation);
    }

    /// Whether the sidecar of `operation` holds the place of a live writer of this process.
    pub(crate) fn is_announced(&self, operation: OperationId) -> bool {
        self.lock(&self.announced).contains(&operation)
    }

    /// For how long `operation` of another process has been in the way of a write of this process; from now on it is.
    pub(crate) fn in_the_way_for(&self, operation: OperationId) -> Duration {
        let mut in_the_way = self.lock(&self.in_the_way);
        if in_the_way.len() >= IN_THE_WAY_MAX_COUNT {
            in_the_way.clear();
        }
        in_the_way.entry(operation).or_insert_with(Instant::now).elapsed()
    }

    /// Whether this process armed `operation`.
    pub(crate) fn did_arm(&self, operation: OperationId) -> bool {
        self.lock(&self.armed).contains(&operation)
    }

    /// Remembers that this process published version `graph_version`.
    pub(crate) fn published(&self, graph_version: u64) {
        self.published.fetch_max(graph_version, Ordering::SeqCst);
    }

    /// Whether this process has published a version after `graph_version`.
    pub(crate) fn has_published_after(&self, graph_version: u64) -> bool {
        self.published.load(Ordering::SeqCst) > graph_version
    }

    fn lock<'a, T>(&self, mutex: &'a Mutex<T>) -> std::sync::MutexGuard<'a, T> {
        mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(table: &str) -> QueueKey {
        QueueKey { table: table.into(), branch: "main".into() }
    }

    #[test]
    fn handles_on_one_graph_share_a_gate_and_other_graphs_have_another() {
        let process = ProcessContext::default();
        let gate = process.gate("a");
        assert!(Arc::ptr_eq(&gate, &process.gate("a")));
        assert!(!Arc::ptr_eq(&gate, &process.gate("b")));
    }

    #[tokio::test]
    async fn a_second_holder_waits_until_the_first_gives_back() {
        let gate = Arc::new(GraphGate::default());
        let keys: BTreeSet<_> = [key("a"), key("b")].into();
        let held = gate.take(&keys).await.unwrap();
        let second = tokio::spawn({
            let (gate, keys) = (Arc::clone(&gate), keys.clone());
            async move { gate.take(&keys).await.map(drop) }
        });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(held);
        second.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn who_holds_all_that_is_needed_keeps_it_and_else_queues_again() {
        let gate = GraphGate::default();
        let (a, both): (BTreeSet<_>, BTreeSet<_>) = ([key("a")].into(), [key("a"), key("b")].into());
        let held = gate.take(&both).await.unwrap();
        let held = gate.take_or_keep(Some(held), &a).await.unwrap();
        assert_eq!(held.keys, both);
        drop(held);
        let held = gate.take(&a).await.unwrap();
        assert_eq!(gate.take_or_keep(Some(held), &both).await.unwrap().keys, both);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_is_bounded() {
        let gate = GraphGate::default();
        let keys: BTreeSet<_> = [key("a")].into();
        let _held = gate.take(&keys).await.unwrap();
        assert_eq!(gate.take(&keys).await.unwrap_err().kind(), ErrorKind::Timeout);
    }
}
