//! Reading the world for one sidecar. Nothing is changed here.

use super::classify::{TableFacts, TableState, classify};
use super::decide::Observation;
use crate::error::{ErrorKind, Result};
use crate::history::Commit;
use crate::id::OperationId;
use crate::intent::{PlannedTable, Sidecar};
use crate::manifest::{ManifestHead, find_operation};
use crate::runtime::Runtime;
use crate::storage::Stack;
use crate::table::Table;

/// One planned table as it was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) planned: PlannedTable,
    pub(crate) facts: TableFacts,
    pub(crate) state: TableState,
}

impl Found {
    /// Whether a version past the pin is the operation's: the planned transaction, or a restore that a pass over it made.
    pub(crate) fn is_ours_past_pin(&self, operation: OperationId) -> bool {
        let mut past_pin = self.facts.landed.iter().filter(|landed| landed.version > self.facts.pin);
        past_pin.any(|landed| {
            let is_planned = landed.transaction_uuid.as_ref().is_some_and(|uuid| self.facts.planned.contains(uuid));
            landed.operation == Some(operation) || is_planned
        })
    }
}

/// The world of one sidecar, seen through one version of the manifest.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) manifest: ManifestHead,
    pub(crate) published: Option<Commit>,
    pub(crate) tables: Vec<Found>,
    pub(crate) observation: Observation,
}

/// Observes the world of `sidecar` through `manifest`, which must be fresh.
pub(crate) async fn observe(runtime: &Runtime, manifest: &ManifestHead, sidecar: &Sidecar) -> Result<World> {
    let stack = &runtime.stack;
    let state = manifest.state();
    // The manifest is the authority on branches; a dataset that fails to open never is.
    let branch_lives =
        sidecar.branch.name == crate::manifest::MAIN_BRANCH && sidecar.branch.incarnation == state.incarnation;
    let mut world = World {
        manifest: manifest.clone(),
        published: None,
        tables: Vec::new(),
        observation: Observation { branch_lives, published: None, tables: Vec::new(), reads_moved: false },
    };
    if !branch_lives {
        return Ok(world);
    }
    world.published = find_operation(manifest, sidecar.operation_id, sidecar.graph_version).await?;
    for planned in &sidecar.tables {
        let pin = state.table_at(&planned.path, &planned.lance_branch);
        let pin = pin.map_or(planned.base_version(), |entry| entry.version);
        let facts = observe_table(stack, planned, pin).await?;
        let state = classify(&facts);
        world.tables.push(Found { planned: planned.clone(), facts, state });
    }
    world.observation.published = world.published.as_ref().map(|commit| commit.kind);
    world.observation.tables = world.tables.iter().map(|found| found.state).collect();
    world.observation.reads_moved = !sidecar.reads.iter().all(|read| read.still_stands(state));
    Ok(world)
}

async fn observe_table(stack: &Stack, planned: &PlannedTable, pin: u64) -> Result<TableFacts> {
    let table = match Table::open_head(stack, &planned.path).await {
        Ok(table) => table,
        // A dataset without any version stands behind every pin: that is regressed, not an accident to pass over.
        Err(e) if e.kind() == ErrorKind::NotFound => {
            return Ok(TableFacts {
                base: planned.base_version(),
                planned: planned.transactions.clone(),
                pin,
                head: 0,
                landed: Vec::new(),
            });
        }
        Err(e) => return Err(e),
    };
    let (base, head) = (planned.base_version(), table.version());
    // The commits land right after their base or not at all, and what others have published since then decides nothing. A writer
    // that nobody may give up is observed before every write: that must not cost more from one write to the next.
    let last = base.saturating_add(planned.transactions.len() as u64);
    let mut landed = table.landed_after(base, last.min(head)).await?;
    landed.extend(table.landed_after(last.max(pin), head).await?);
    Ok(TableFacts { base, planned: planned.transactions.clone(), pin, head, landed })
}
