//! A reader beside the steps: one snapshot after another, every type in each, until it is told that it has read enough.
//!
//! It shares nothing with the processes of the scenario but the bytes, and nothing strikes it. Whenever the newest version
//! is another one than before, the snapshot of the one before and the very first one are read once more: what was written
//! since must not show in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use omnigraph::{Graph, Snapshot};
use tokio::sync::watch;

use super::host::{Host, Look};
use super::observe;
use crate::event::Outcome;
use crate::oracle::evidence::{Taken, Tick};
use crate::oracle::rows::{Row, digest};
use crate::runner::protocol::{Note, Report, Saw};
use crate::workload::rows::rows_of;
use crate::workload::{WholeTypes, outcome_of};

/// Snapshots that are taken before the reader waits to be told to look again, so that it never spins.
const ROUNDS_MAX: usize = 6;

/// Reads until it is enough; ends early when something cannot be read.
pub async fn read(host: &Arc<Host>, number: u64) -> Report {
    let mut reader = Reader { host, number, handle: None, first: None, last: None, told: None };
    let looks = host.looks.subscribe();
    Report::of(match reader.until_enough(looks).await {
        Ok(()) => Outcome::done(),
        Err(outcome) => outcome,
    })
}

struct Reader<'a> {
    host: &'a Arc<Host>,
    number: u64,
    /// The handle of a reader that keeps one.
    handle: Option<Graph>,
    /// The first snapshot that was taken.
    first: Option<Snapshot>,
    /// The snapshot that was taken last.
    last: Option<Snapshot>,
    /// What was told last, so that nothing is told twice: since when, which version, which rows.
    told: Option<(Tick, u64, String)>,
}

impl Reader<'_> {
    async fn until_enough(&mut self, mut looks: watch::Receiver<Look>) -> Result<(), Outcome> {
        loop {
            let look = *looks.borrow_and_update();
            for _ in 0..ROUNDS_MAX {
                if looks.borrow().enough {
                    return Ok(());
                }
                self.round(look.since).await?;
                if looks.has_changed().unwrap_or(true) {
                    break;
                }
            }
            if looks.changed().await.is_err() {
                return Ok(());
            }
        }
    }

    async fn round(&mut self, since: Tick) -> Result<(), Outcome> {
        let snapshot = self.newest().await.map_err(|error| outcome_of(&error))?;
        self.saw(since, Taken::Fetched, &snapshot).await?;
        let before = self.last.replace(snapshot.clone());
        let first = self.first.get_or_insert_with(|| snapshot.clone()).clone();
        if let Some(before) = before.filter(|before| before.version() != snapshot.version()) {
            self.saw(since, Taken::Kept, &before).await?;
            if first.version() != before.version() {
                self.saw(since, Taken::Kept, &first).await?;
            }
        }
        Ok(())
    }

    /// Odd readers keep a handle and refresh it; even ones open the graph anew.
    async fn newest(&mut self) -> omnigraph::Result<Snapshot> {
        if self.number.is_multiple_of(2) {
            return Ok(observe::open_read_only(&self.host.site.fresh(&[])).await?.snapshot());
        }
        match &self.handle {
            Some(graph) => {
                graph.refresh().await?;
                Ok(graph.snapshot())
            }
            None => {
                let graph = observe::open_read_only(&self.host.site.fresh(&[])).await?;
                Ok(self.handle.insert(graph).snapshot())
            }
        }
    }

    async fn saw(&mut self, since: Tick, taken: Taken, snapshot: &Snapshot) -> Result<(), Outcome> {
        let rows = whole(snapshot).await?;
        let content =
            rows.iter().map(|(type_name, rows)| format!("{type_name} {}\n", digest(rows))).collect::<String>();
        let told = (since, snapshot.version(), content);
        if self.told.as_ref() != Some(&told) {
            self.told = Some(told);
            let read = WholeTypes { graph_version: snapshot.version(), rows };
            self.host.outbox.note(Note::Saw(Box::new(Saw { reader: self.number, since, taken, read })));
        }
        Ok(())
    }
}

/// Every type, with a chance for others to go on after each.
async fn whole(snapshot: &Snapshot) -> Result<BTreeMap<String, Vec<Row>>, Outcome> {
    let mut rows = BTreeMap::new();
    for pin in snapshot.tables() {
        let batches = snapshot.query(&format!("SELECT * FROM {}", pin.type_name)).await;
        let batches = batches.map_err(|error| outcome_of(&error))?;
        rows.insert(pin.type_name.clone(), rows_of(&batches).map_err(|reason| Outcome::Trouble { reason })?);
        tokio::task::yield_now().await;
    }
    Ok(rows)
}
