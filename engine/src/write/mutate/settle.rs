//! What the statements come to: checked as a whole, staged, and made one intent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::RecordBatch;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;

use super::execute::Mutation;
use super::working::{Left, Working};
use crate::error::Result;
use crate::failpoint::{Scope, Window, hit};
use crate::intent::{Intent, RowCounts};
use crate::manifest::Snapshot;
use crate::runtime::Runtime;
use crate::table::{Addresses, StagedTable, TableChange};
use crate::write::check::{
    AddressesByType, BY_VALUE_ROWS_MAX, Conflicts, Gatherer, HashKey, Lookups, Mistakes, Origin, verify,
};
use crate::writer::WriterKind;

pub(super) async fn settle(runtime: &Runtime, mutation: Mutation<'_>, actor: String) -> Result<Intent> {
    let snapshot = mutation.snapshot;
    let mut changes = Vec::new();
    let mut reads: BTreeSet<String> = BTreeSet::new();
    for (_, working) in mutation.tables {
        reads.insert(working.table.path().to_owned());
        if working.is_changed() {
            let left = working.left()?;
            changes.push((working, left));
        }
    }
    check(runtime, snapshot, &changes, &mut reads).await?;
    if !changes.is_empty() {
        hit(Scope::Mutate, Window::PrepareStage).await?;
    }
    let (mut effects, mut rows) = (BTreeMap::new(), BTreeMap::new());
    for (working, left) in changes {
        let def = &snapshot.catalog().types()[working.ty];
        let (staged, counts) = stage(runtime, snapshot, &working, left).await?;
        reads.remove(working.table.path());
        effects.insert(working.table.path().to_owned(), staged);
        rows.insert(def.name.clone(), counts);
    }
    let base = Arc::clone(snapshot.state());
    Ok(Intent { writer: WriterKind::Mutate, actor, base, reads, effects, rows })
}

/// Identities, `@unique` values and endpoints of what is left, against each other and against committed rows.
async fn check(
    runtime: &Runtime,
    snapshot: &Snapshot,
    changes: &[(Working, Vec<Left>)],
    reads: &mut BTreeSet<String>,
) -> Result<()> {
    let catalog = snapshot.catalog();
    let mut gatherer = Gatherer::new(Arc::clone(catalog), HashKey::draw(runtime.ids.as_ref()));
    let mut lookups = Lookups::default();
    let mut rows: Vec<(usize, &RecordBatch)> = Vec::new();
    let mut removed = AddressesByType::new();
    for (working, left) in changes {
        let ty = working.ty;
        if !working.removed.is_empty() {
            removed.insert(ty, working.removed.iter().copied().collect());
        }
        for left in left {
            let places = vec![left.statement; left.batch.num_rows()];
            rows.push((ty, &left.batch));
            lookups.uniques(ty, catalog);
            if left.updated {
                // Its identity is that of a committed row, and so are its endpoints.
                gatherer.updated(ty, &left.batch, &places)?;
                continue;
            }
            gatherer.input(ty, &left.batch, &places)?;
            lookups.identities(ty);
            if let Some((from, to)) = catalog.types()[ty].endpoints() {
                for node in [from, to] {
                    lookups.identities_of(node, catalog);
                }
            }
        }
    }
    let count: usize = rows.iter().map(|(_, batch)| batch.num_rows()).sum();
    if count == 0 {
        return Ok(());
    }
    if count <= BY_VALUE_ROWS_MAX {
        lookups.restrict(catalog, &rows)?;
    }
    for lookup in lookups.into_list() {
        let table = snapshot.table(&catalog.types()[lookup.ty].name).await?;
        reads.insert(table.path().to_owned());
        lookup.run(&table, &mut gatherer).await?;
    }
    let mut mistakes = Mistakes::new(Origin::Statement);
    verify(gatherer, Conflicts::Refuse("use UPDATE to change rows that exist"), &removed, &mut mistakes)?;
    mistakes.into_result()
}

async fn stage(
    runtime: &Runtime,
    snapshot: &Snapshot,
    working: &Working,
    left: Vec<Left>,
) -> Result<(StagedTable, RowCounts)> {
    let rows_where = |updated: bool| {
        left.iter().filter(move |left| left.updated == updated).map(|left| left.batch.num_rows() as u64).sum::<u64>()
    };
    let (inserted, updated) = (rows_where(false), rows_where(true));
    let removed = working.removed.len() as u64;
    let counts = RowCounts { inserted, updated, deleted: removed.saturating_sub(updated) };
    let table = &working.table;
    let deleted = match removed {
        0 => None,
        _ => Some(table.stage_delete(&Addresses(working.removed.iter().copied().collect())).await?),
    };
    let appended = match inserted + updated {
        0 => None,
        _ => {
            let schema = snapshot.catalog().types()[working.ty].arrow_schema();
            let batches = futures::stream::iter(left.into_iter().map(|left| Ok(left.batch)));
            let stream = Box::pin(RecordBatchStreamAdapter::new(schema, batches));
            Some(table.stage_append(snapshot.stack(), stream).await?)
        }
    };
    let change = match (deleted, appended) {
        (Some(deleted), Some(appended)) => TableChange::Replace(deleted, appended),
        (Some(deleted), None) => TableChange::Delete(deleted),
        (None, Some(appended)) => TableChange::Append(appended),
        (None, None) => return Err(crate::Error::internal("a change without rows")),
    };
    Ok((table.plan(change, runtime.ids.as_ref()), counts))
}
