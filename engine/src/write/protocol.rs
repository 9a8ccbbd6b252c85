//! The one function that drives every intent: arm, commit, publish, disarm.
//!
//! ```text
//! prepare ─ arm ─ commit(table 1) … commit(table n) ─ publish ─ disarm
//!             │            │                             │         │
//!        sidecar put   Lance HEAD moves           one manifest CAS  sidecar delete
//! ```
//!
//! What a caller is told after a failure follows from what is certain:
//!
//! | failed | what landed | the caller is told | the sidecar |
//! |---|---|---|---|
//! | arm, or the first commit | nothing, for certain | refused, with the cause | deleted |
//! | a later commit | some tables, not all | refused: the next write undoes it | kept |
//! | a commit whose outcome is not known | perhaps | in doubt | kept |
//! | publish | every table | in doubt: recovery will finish it | kept |
//! | disarm | everything | success | kept, consumed by the next write or open |
//!
//! A writer that lost a race, or that recovery in another process undid, is *beaten*: nothing of it will become visible. What it
//! landed is undone by the heal before it is prepared again.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::call::Operation;
use super::guard;
use crate::error::{Error, ErrorKind, Result};
use crate::failpoint::{Scope, Window, hit, inherit};
use crate::gate::Held;
use crate::history::{Commit, CommitKind};
use crate::id::{CommitId, OperationId};
use crate::intent::{Base, BranchRef, FORMAT_VERSION, Intent, PlannedTable, ReadTable, Sidecar};
use crate::limit::{PREPARED_LONG_MILLISECONDS, PUBLISH_ATTEMPTS_MAX_COUNT};
use crate::manifest::{Delta, GraphState, MAIN_BRANCH, ManifestHead, PublishFailure, Snapshot, find_operation};
use crate::recovery::Journal;
use crate::runtime::Runtime;
use crate::table::{CommitFailure, Table};

/// What a write that succeeded left.
#[derive(Debug)]
pub(crate) struct Driven {
    pub(crate) operation: OperationId,
    pub(crate) commit: Commit,
    pub(crate) snapshot: Snapshot,
}

/// Why a write was not driven to its end.
#[derive(Debug)]
pub(crate) enum NotDriven {
    /// Somebody published what was read before the write was armed. It can be prepared again, and keeps its place in the queues
    /// of this process meanwhile.
    Stale(Held),
    /// Somebody was faster after it was armed, or undid it. Nothing of it will become visible; it can be prepared again.
    Beaten(Error),
    /// The same, and this operation of another process, which is given grace, stands in its way.
    Blocked(Error, OperationId),
    /// The write failed.
    Failed(Error),
}

impl From<Error> for NotDriven {
    fn from(error: Error) -> Self {
        NotDriven::Failed(error)
    }
}

/// Drives `intent`, which was prepared on `snapshot` from `begun` on, to its end as `operation`. `place`: queues that are held already.
///
/// Runs as a task of its own, so that a caller who stops waiting does not cut a write in two.
pub(crate) async fn drive(
    runtime: &Runtime,
    snapshot: Snapshot,
    intent: Intent,
    operation: Operation,
    begun: DateTime<Utc>,
    place: Option<Held>,
) -> Result<Driven, NotDriven> {
    let drive = Drive::new(runtime.clone(), intent, operation);
    let task = tokio::spawn(inherit(drive.run(snapshot, begun, place)));
    match task.await {
        Ok(driven) => driven,
        Err(died) => match died.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(NotDriven::Failed(Error::internal("the write's task was cancelled"))),
        },
    }
}

/// The sidecar of `intent` as `operation`, which is to be published on `head`.
pub(super) fn record(runtime: &Runtime, intent: &Intent, head: &GraphState, operation: OperationId) -> Sidecar {
    let tables = intent.effects.iter().map(|(path, staged)| PlannedTable {
        type_name: head.tables.get(path).map(|entry| entry.type_name.clone()).unwrap_or_default(),
        path: path.clone(),
        lance_branch: staged.table().lance_branch().to_owned(),
        base: Base::Version(staged.table().version()),
        transactions: vec![staged.transaction_uuid().to_owned()],
    });
    let read = intent.reads.iter().filter(|path| !intent.effects.contains_key(*path));
    let reads = read.filter_map(|path| head.tables.get(path)).map(ReadTable::of);
    Sidecar {
        format_version: FORMAT_VERSION,
        operation_id: operation,
        writer: intent.writer,
        actor: intent.actor.clone(),
        started_at: runtime.clock.now(),
        branch: BranchRef { name: MAIN_BRANCH.to_owned(), incarnation: head.incarnation },
        graph_version: head.version,
        tables: tables.collect(),
        reads: reads.collect(),
        registrations: Vec::new(),
        retirements: Vec::new(),
        planned_schema: None,
        merge_parent: None,
    }
}

struct Drive {
    runtime: Runtime,
    intent: Intent,
    operation: OperationId,
    is_named: bool,
    scope: Scope,
}

impl Drive {
    fn new(runtime: Runtime, mut intent: Intent, operation: Operation) -> Self {
        let Operation { id: operation, is_named } = operation;
        for staged in intent.effects.values_mut() {
            staged.name_operation(operation);
        }
        let scope = Scope::from(intent.writer);
        Drive { runtime, intent, operation, is_named, scope }
    }

    async fn run(self, snapshot: Snapshot, begun: DateTime<Utc>, place: Option<Held>) -> Result<Driven, NotDriven> {
        let held = self.runtime.gate.take_or_keep(place, &self.intent.queue_keys()).await?;
        let Some(head) = self.fresh_head(&snapshot, begun).await? else {
            self.intent.discard(&self.runtime.stack).await;
            return Err(NotDriven::Stale(held));
        };
        let sidecar = record(&self.runtime, &self.intent, head.state(), self.operation);
        self.arm(&sidecar).await?;
        self.require_first(&head).await?;
        let before = head.state().version;
        let (head, commit, landed) = match self.land(head, &sidecar).await {
            Ok(landed) => landed,
            Err(e) => {
                // What is known of the manifest may be out of date now, for whoever waits for the queues.
                self.runtime.gate.published(before + 1);
                return Err(e);
            }
        };
        self.runtime.gate.published(head.state().version);
        match hit(self.scope, Window::ManifestPublished).await {
            Ok(()) => self.disarm().await,
            Err(leftover) => tracing::warn!(operation = %self.operation, %leftover, "a recovery sidecar remains"),
        }
        drop(held);
        Ok(Driven { operation: self.operation, commit, snapshot: snapshot.advanced(head, landed) })
    }

    /// Commits every table and publishes.
    async fn land(
        &self,
        head: ManifestHead,
        sidecar: &Sidecar,
    ) -> Result<(ManifestHead, Commit, Vec<Table>), NotDriven> {
        let landed = self.commit_tables(&head, sidecar).await?;
        let (head, commit) = self.publish(head, &landed).await?;
        Ok((head, commit, landed))
    }

    /// The manifest to publish on: the one that was read, or a newer one that leaves all that was read alone. `None` when what was
    /// read has been published again.
    ///
    /// Who publishes in this process tells. Who does in another one is looked for when the preparation took long.
    async fn fresh_head(&self, snapshot: &Snapshot, begun: DateTime<Utc>) -> Result<Option<ManifestHead>> {
        let head = snapshot.manifest().clone();
        let took_long = (self.runtime.clock.now() - begun).num_milliseconds() > PREPARED_LONG_MILLISECONDS;
        if !took_long && !self.runtime.gate.has_published_after(head.state().version) {
            return Ok(Some(head));
        }
        let head = head.latest().await?;
        Ok(self.intent.still_stands(head.state()).then_some(head))
    }

    async fn arm(&self, sidecar: &Sidecar) -> Result<(), NotDriven> {
        // Remembered first: a put that fails may still have left a sidecar, whose writer this process then knows to be dead.
        let is_first = self.runtime.gate.armed(self.operation);
        if let Err(e) = self.journal().put(sidecar).await {
            if !self.is_named || e.kind() != ErrorKind::AlreadyExists {
                return Err(e.into());
            }
            // It is another call's, and so is whatever is to be done about it.
            if is_first {
                self.runtime.gate.disarmed(self.operation);
            }
            self.intent.discard(&self.runtime.stack).await;
            let error =
                Error::conflict(format!("another call of operation {} is under way or pending", self.operation));
            let error = error.with_advice("call it again, which tells what became of it").with_source(e);
            return Err(NotDriven::Blocked(error, self.operation));
        }
        if let Err(e) = hit(self.scope, Window::SidecarWritten).await {
            self.disarm().await;
            return Err(e.into());
        }
        Ok(())
    }

    /// Makes sure that another call with the id of this one has not been published since this one looked. There can be no other from
    /// now on, since the sidecar has its name.
    async fn require_first(&self, head: &ManifestHead) -> Result<(), NotDriven> {
        if !self.is_named {
            return Ok(());
        }
        let since = head.state().version;
        let found = async { find_operation(&head.latest().await?, self.operation, since).await }.await;
        if matches!(found, Ok(None)) {
            return Ok(());
        }
        self.disarm().await;
        self.intent.discard(&self.runtime.stack).await;
        found?;
        let error = Error::conflict(format!("another call of operation {} was faster", self.operation));
        Err(NotDriven::Beaten(error.with_advice("call it again, which tells what became of it")))
    }

    async fn commit_tables(&self, head: &ManifestHead, sidecar: &Sidecar) -> Result<Vec<Table>, NotDriven> {
        let mut landed: Vec<Table> = Vec::with_capacity(self.intent.effects.len());
        for staged in self.intent.effects.values() {
            if let Err(e) = hit(self.scope, Window::TableCommit).await {
                return Err(self.undone(e, &landed).await.into());
            }
            match staged.commit(&self.runtime.stack).await {
                Ok(landing) => landed.push(landing.table),
                Err(CommitFailure::Failed(e)) => return Err(self.undone(e, &landed).await.into()),
                Err(CommitFailure::Unknown(e)) => return Err(self.in_doubt(e).into()),
                Err(CommitFailure::Moved(e)) => {
                    let moved = guard::explain(&self.runtime, head, staged.table(), self.operation, e).await;
                    return Err(match moved {
                        guard::Moved::Beaten(e) => NotDriven::Beaten(self.undone(e, &landed).await),
                        guard::Moved::Pending(e, by) => NotDriven::Blocked(self.undone(e, &landed).await, by),
                        guard::Moved::Overtaken(e) => {
                            self.intent.discard_but(landed.len(), &self.runtime.stack).await;
                            NotDriven::Beaten(e)
                        }
                        guard::Moved::Drifted(e) => self.undone(e, &landed).await.into(),
                    });
                }
            }
            if let Err(e) = hit(self.scope, Window::TableCommitted).await {
                let all = landed.len() == sidecar.tables.len();
                return Err(if all { self.in_doubt(e) } else { self.undone(e, &landed).await }.into());
            }
        }
        Ok(landed)
    }

    /// The error of a write of which one table certainly did not land: it will never become visible. Where nothing landed it takes
    /// its sidecar back, and has never been.
    async fn undone(&self, error: Error, landed: &[Table]) -> Error {
        self.intent.discard_but(landed.len(), &self.runtime.stack).await;
        if landed.is_empty() {
            self.disarm().await;
            return error;
        }
        let tables: Vec<&str> = landed.iter().map(Table::path).collect();
        tracing::warn!(operation = %self.operation, ?tables, "a write moved tables and failed; recovery undoes it");
        error.with_operation(self.operation)
    }

    /// The error of a write that recovery may finish.
    fn in_doubt(&self, error: Error) -> Error {
        Error::new(
            ErrorKind::InDoubt,
            format!("operation {} failed when it may have moved its tables: {}", self.operation, error.message()),
        )
        .with_advice(
            "the next write, refresh or read-write open finishes or undoes it; look for the operation id in the commits",
        )
        .with_operation(self.operation)
        .with_source(error)
    }

    async fn publish(&self, mut head: ManifestHead, landed: &[Table]) -> Result<(ManifestHead, Commit), NotDriven> {
        let pins: BTreeMap<String, u64> =
            landed.iter().map(|table| (table.path().to_owned(), table.version())).collect();
        let since = head.state().version;
        for _ in 0..PUBLISH_ATTEMPTS_MAX_COUNT {
            if let Err(e) = hit(self.scope, Window::ManifestPublish).await {
                return Err(self.in_doubt(e).into());
            }
            let delta = Delta::of_pins(pins.clone(), self.commit());
            let failure = match head.publish(&self.runtime.stack, &delta, self.runtime.ids.as_ref()).await {
                Ok(published) => {
                    let commit = published.state().commit.clone();
                    return Ok((published, commit));
                }
                Err(failure) => failure,
            };
            head = match head.latest().await {
                Ok(latest) => latest,
                Err(_) => return Err(self.in_doubt(failure.into_error()).into()),
            };
            match find_operation(&head, self.operation, since).await {
                Ok(Some(commit)) if commit.kind == CommitKind::RolledBack => {
                    return Err(NotDriven::Beaten(guard::overtaken(self.operation)));
                }
                // Our own publish whose answer was lost, or a recovery that finished this write first.
                Ok(Some(commit)) => return Ok((head, commit)),
                Ok(None) => {}
                Err(e) => return Err(self.in_doubt(e).into()),
            }
            match failure {
                PublishFailure::Failed(e) | PublishFailure::Unknown(e) => return Err(self.in_doubt(e).into()),
                PublishFailure::Lost(_) if self.intent.still_stands(head.state()) => {}
                // Recovery never finishes it either: what it was validated against stays moved.
                PublishFailure::Lost(e) => return Err(NotDriven::Beaten(self.undone(e, landed).await)),
            }
        }
        let error = Error::conflict(format!("{PUBLISH_ATTEMPTS_MAX_COUNT} other writes were published first"));
        Err(self.in_doubt(error).into())
    }

    fn commit(&self) -> Commit {
        Commit {
            id: CommitId::new(self.runtime.ids.ulid()),
            parents: Vec::new(),
            kind: CommitKind::Written,
            writer: Some(self.intent.writer),
            actor: self.intent.actor.clone(),
            operation_id: Some(self.operation),
            graph_version: 0,
            at: self.runtime.clock.now(),
        }
    }

    /// Deletes the sidecar. A failure never fails the caller's write: the next write or open consumes the leftover.
    async fn disarm(&self) {
        match self.journal().delete(self.operation).await {
            Ok(()) => self.runtime.gate.disarmed(self.operation),
            Err(leftover) => tracing::warn!(operation = %self.operation, %leftover, "a recovery sidecar remains"),
        }
    }

    fn journal(&self) -> Journal<'_> {
        Journal::new(&self.runtime.stack, self.scope)
    }
}
