//! An intent: everything that a write will do, prepared and not begun.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::gate::QueueKey;
use crate::manifest::{GraphState, MAIN_BRANCH, TableEntry};
use crate::storage::Stack;
use crate::table::StagedTable;
use crate::writer::WriterKind;

/// How many rows of a type a write changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    /// Rows that were not there before.
    pub inserted: u64,
    /// Rows that were there and have new content.
    pub updated: u64,
    /// Rows that were there and are gone.
    pub deleted: u64,
}

/// What one write promises. Preparing it moved no HEAD; driving it is the same for every writer.
#[derive(Clone, Debug)]
pub struct Intent {
    /// The kind of write.
    pub writer: WriterKind,
    /// Who writes.
    pub actor: String,
    /// The version of the graph that everything was read from and validated against.
    pub base: Arc<GraphState>,
    /// Paths of tables that the write was validated against and does not change, such as those of an edge's endpoints.
    pub reads: BTreeSet<String>,
    /// The staged part of each table that changes, by path.
    pub effects: BTreeMap<String, StagedTable>,
    /// What it means in rows, by type.
    pub rows: BTreeMap<String, RowCounts>,
}

impl Intent {
    /// Takes back what was staged, as far as the store lets it. Nothing of it may have been committed.
    pub(crate) async fn discard(&self, stack: &Stack) {
        self.discard_but(0, stack).await;
    }

    /// As [`discard`](Self::discard), but for the first `landed` tables.
    pub(crate) async fn discard_but(&self, landed: usize, stack: &Stack) {
        for staged in self.effects.values().skip(landed) {
            staged.discard(stack).await;
        }
    }

    /// Whether everything that the intent was prepared on is as it was: the life of the branch, the schema, the pins of the tables
    /// that it changes, and the rows of those that it was validated against.
    pub fn still_stands(&self, now: &GraphState) -> bool {
        let base = &self.base;
        let same = |path: &String, version: fn(&TableEntry) -> u64| match (base.tables.get(path), now.tables.get(path))
        {
            (Some(then), Some(now)) => then.lance_branch == now.lance_branch && version(then) == version(now),
            _ => false,
        };
        base.incarnation == now.incarnation
            && base.schema == now.schema
            && self.effects.keys().all(|path| same(path, |entry| entry.version))
            && self.reads.iter().all(|path| same(path, |entry| entry.rows_version))
    }

    /// The queues that the write holds from before arm until after disarm.
    pub fn queue_keys(&self) -> BTreeSet<QueueKey> {
        let paths = self.reads.iter().chain(self.effects.keys());
        paths.map(|path| QueueKey { table: path.clone(), branch: MAIN_BRANCH.to_owned() }).collect()
    }
}
