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
//! | a later commit | some tables, not all | refused: recovery will undo it | kept |
//! | a commit whose outcome is not known | perhaps | in doubt | kept |
//! | publish | every table | in doubt: recovery will finish it | kept |
//! | disarm | everything | success | kept, consumed by the next write or open |

use std::collections::BTreeMap;

use super::guard;
use crate::error::{Error, ErrorKind, Result};
use crate::failpoint::{Scope, Window, hit, inherit};
use crate::history::{Commit, CommitKind};
use crate::id::{CommitId, OperationId};
use crate::intent::{BranchRef, FORMAT_VERSION, Intent, PlannedTable, ReadTable, Sidecar};
use crate::limit::PUBLISH_ATTEMPTS_MAX_COUNT;
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
    /// Another writer of this process published what was read before the write was armed. It can be prepared again.
    Stale,
    /// The write failed.
    Failed(Error),
}

impl From<Error> for NotDriven {
    fn from(error: Error) -> Self {
        NotDriven::Failed(error)
    }
}

/// Drives `intent`, prepared on `snapshot`, to its end.
///
/// Runs as a task of its own, so that a caller who stops waiting does not cut a write in two.
pub(crate) async fn drive(runtime: &Runtime, snapshot: Snapshot, intent: Intent) -> Result<Driven, NotDriven> {
    let drive = Drive::new(runtime.clone(), intent);
    let task = tokio::spawn(inherit(drive.run(snapshot)));
    match task.await {
        Ok(driven) => driven,
        Err(died) => match died.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(NotDriven::Failed(Error::internal("the write's task was cancelled"))),
        },
    }
}

struct Drive {
    runtime: Runtime,
    intent: Intent,
    operation: OperationId,
    scope: Scope,
}

impl Drive {
    fn new(runtime: Runtime, mut intent: Intent) -> Self {
        let operation = OperationId::new(runtime.ids.ulid());
        for staged in intent.effects.values_mut() {
            staged.name_operation(operation);
        }
        let scope = Scope::from(intent.writer);
        Drive { runtime, intent, operation, scope }
    }

    async fn run(self, snapshot: Snapshot) -> Result<Driven, NotDriven> {
        let held = self.runtime.gate.take(&self.intent.queue_keys()).await?;
        let head = self.fresh_head(&snapshot).await?;
        let sidecar = self.sidecar(head.state());
        self.arm(&sidecar).await?;
        let before = head.state().version;
        let (head, commit, landed) = match self.land(head, &sidecar).await {
            Ok(landed) => landed,
            Err(e) => {
                // What is known of the manifest may be out of date now, for whoever waits for the queues.
                self.runtime.gate.published(before + 1);
                return Err(e.into());
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
    async fn land(&self, head: ManifestHead, sidecar: &Sidecar) -> Result<(ManifestHead, Commit, Vec<Table>)> {
        let landed = self.commit_tables(&head, sidecar).await?;
        let (head, commit) = self.publish(head, sidecar, &landed).await?;
        Ok((head, commit, landed))
    }

    /// The manifest to publish on: the one that was read, or a newer one that leaves all that was read alone.
    async fn fresh_head(&self, snapshot: &Snapshot) -> Result<ManifestHead, NotDriven> {
        let head = snapshot.manifest().clone();
        if !self.runtime.gate.has_published_after(head.state().version) {
            return Ok(head);
        }
        let head = head.latest().await?;
        if self.still_stands(head.state()) { Ok(head) } else { Err(NotDriven::Stale) }
    }

    /// Whether everything that the intent was prepared on is as it was.
    fn still_stands(&self, now: &GraphState) -> bool {
        let base = &self.intent.base;
        let same_pin = |path: &String| match (base.tables.get(path), now.tables.get(path)) {
            (Some(then), Some(now)) => then.version == now.version,
            _ => false,
        };
        base.incarnation == now.incarnation
            && base.schema == now.schema
            && self.intent.effects.keys().chain(&self.intent.reads).all(same_pin)
    }

    fn sidecar(&self, head: &GraphState) -> Sidecar {
        let tables = self.intent.effects.iter().map(|(path, staged)| PlannedTable {
            type_name: head.tables.get(path).map(|entry| entry.type_name.clone()).unwrap_or_default(),
            path: path.clone(),
            lance_branch: MAIN_BRANCH.to_owned(),
            base_version: staged.table().version(),
            transaction_uuid: staged.transaction_uuid().to_owned(),
        });
        let reads =
            self.intent.reads.iter().filter(|path| !self.intent.effects.contains_key(*path)).filter_map(|path| {
                head.tables.get(path).map(|entry| ReadTable { path: path.clone(), version: entry.version })
            });
        Sidecar {
            format_version: FORMAT_VERSION,
            operation_id: self.operation,
            writer: self.intent.writer,
            actor: self.intent.actor.clone(),
            started_at: self.runtime.clock.now(),
            branch: BranchRef { name: MAIN_BRANCH.to_owned(), incarnation: head.incarnation },
            graph_version: head.version,
            tables: tables.collect(),
            reads: reads.collect(),
            registrations: Vec::new(),
            retirements: Vec::new(),
            planned_schema: None,
            merge_source: None,
        }
    }

    async fn arm(&self, sidecar: &Sidecar) -> Result<()> {
        // Remembered first: a put that fails may still have left a sidecar, which this process then may retire.
        self.runtime.gate.armed(self.operation);
        self.journal().put(sidecar).await?;
        if let Err(e) = hit(self.scope, Window::SidecarWritten).await {
            self.disarm().await;
            return Err(e);
        }
        Ok(())
    }

    async fn commit_tables(&self, head: &ManifestHead, sidecar: &Sidecar) -> Result<Vec<Table>> {
        let mut landed: Vec<Table> = Vec::with_capacity(self.intent.effects.len());
        for staged in self.intent.effects.values() {
            if let Err(e) = hit(self.scope, Window::TableCommit).await {
                return Err(self.undone(e, sidecar, &landed).await);
            }
            match staged.commit(&self.runtime.stack).await {
                Ok(landing) => landed.push(landing.table),
                Err(CommitFailure::Failed(e)) => return Err(self.undone(e, sidecar, &landed).await),
                Err(CommitFailure::Unknown(e)) => return Err(self.in_doubt(e)),
                Err(CommitFailure::Moved(e)) => {
                    let error = guard::explain(&self.runtime, head, staged.table(), self.operation, e).await;
                    return Err(self.undone(error, sidecar, &landed).await);
                }
            }
            if let Err(e) = hit(self.scope, Window::TableCommitted).await {
                let all = landed.len() == self.intent.effects.len();
                return Err(if all { self.in_doubt(e) } else { self.undone(e, sidecar, &landed).await });
            }
        }
        Ok(landed)
    }

    /// The error of a write of which one table certainly did not land: it will never become visible.
    ///
    /// An open in another process may have taken the sidecar away while no table had moved yet, so it is put back.
    async fn undone(&self, error: Error, sidecar: &Sidecar, landed: &[Table]) -> Error {
        if landed.is_empty() {
            self.disarm().await;
            return error;
        }
        self.put_back(sidecar).await;
        let tables: Vec<&str> = landed.iter().map(Table::path).collect();
        tracing::warn!(operation = %self.operation, ?tables, "a write moved tables and failed; recovery undoes it");
        let advice = format!(
            "{}reopen the graph read-write, which undoes what this write committed to {}; until then those tables take \
             no writes",
            error.advice().map(|first| format!("{first}; ")).unwrap_or_default(),
            tables.join(", ")
        );
        error.with_operation(self.operation).with_advice(advice).needing_recovery()
    }

    /// The error of a write that recovery may finish.
    fn in_doubt(&self, error: Error) -> Error {
        Error::new(
            ErrorKind::InDoubt,
            format!("operation {} failed when it may have moved its tables: {}", self.operation, error.message()),
        )
        .with_advice(
            "the next write finishes it, or a read-write open finishes or undoes it; look for the operation id in the \
             commits",
        )
        .with_operation(self.operation)
        .with_source(error)
    }

    async fn publish(
        &self,
        mut head: ManifestHead,
        sidecar: &Sidecar,
        landed: &[Table],
    ) -> Result<(ManifestHead, Commit)> {
        let pins: BTreeMap<String, u64> =
            landed.iter().map(|table| (table.path().to_owned(), table.version())).collect();
        let since = head.state().version;
        for _ in 0..PUBLISH_ATTEMPTS_MAX_COUNT {
            if let Err(e) = hit(self.scope, Window::ManifestPublish).await {
                return Err(self.in_doubt(e));
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
                Err(_) => return Err(self.in_doubt(failure.into_error())),
            };
            match find_operation(&head, self.operation, since).await {
                Ok(Some(commit)) if commit.kind == CommitKind::RolledBack => return Err(self.overtaken(sidecar).await),
                // Our own publish whose answer was lost, or a recovery that finished this write first.
                Ok(Some(commit)) => return Ok((head, commit)),
                Ok(None) => {}
                Err(e) => return Err(self.in_doubt(e)),
            }
            match failure {
                PublishFailure::Failed(e) | PublishFailure::Unknown(e) => return Err(self.in_doubt(e)),
                PublishFailure::Lost(_) if self.still_stands(head.state()) => {}
                // Recovery never finishes it either: what it was validated against stays moved.
                PublishFailure::Lost(e) => return Err(self.undone(e, sidecar, landed).await),
            }
        }
        let error = Error::conflict(format!("{PUBLISH_ATTEMPTS_MAX_COUNT} other writes were published first"));
        Err(self.in_doubt(error))
    }

    /// The error of a write that another process took for dead and undid while it was at work.
    ///
    /// A table that landed after that undoing stands past its pin and nothing covers it, so the sidecar is put back for
    /// the next read-write open to look at.
    async fn overtaken(&self, sidecar: &Sidecar) -> Error {
        self.put_back(sidecar).await;
        Error::conflict(format!("recovery in another process has undone operation {}", self.operation))
            .with_operation(self.operation)
            .needing_recovery()
    }

    async fn put_back(&self, sidecar: &Sidecar) {
        if let Err(e) = self.journal().put_back(sidecar).await {
            tracing::warn!(operation = %self.operation, error = %e, "the sidecar of an undone write was not put back");
        }
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
