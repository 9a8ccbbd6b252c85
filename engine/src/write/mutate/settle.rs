//! What the statements come to: checked as a whole, staged, and made one intent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::RecordBatch;
use datafusion::common::DataFusionError;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;

use super::execute::Mutation;
use super::working::{Left, Leftover, Working};
use crate::error::{Error, Result};
use crate::failpoint::{Scope, Window, hit};
use crate::intent::{Intent, RowCounts};
use crate::manifest::Snapshot;
use crate::runtime::Runtime;
use crate::schema::TypeDef;
use crate::table::{Addresses, StagedTable, TableChange};
use crate::write::check::{
    AddressesByType, BY_VALUE_ROWS_MAX, Conflicts, Gatherer, HashKey, Lookups, Mistakes, Origin, verify,
};
use crate::writer::WriterKind;

pub(super) async fn settle(runtime: &Runtime, mutation: Mutation<'_>, actor: String) -> Result<Intent> {
    let (snapshot, hash_key) = (mutation.snapshot, mutation.hash_key);
    let mut changes = Vec::new();
    let mut reads: BTreeSet<String> = BTreeSet::new();
    for (_, working) in mutation.tables {
        reads.insert(working.table.path().to_owned());
        if working.is_changed() {
            changes.push(working);
        }
    }
    let mut counts = check(hash_key, snapshot, &changes, &mut reads).await?;
    if !changes.is_empty() {
        hit(Scope::Mutate, Window::PrepareStage).await?;
    }
    let (mut effects, mut rows) = (BTreeMap::new(), BTreeMap::new());
    for working in changes {
        let def = &snapshot.catalog().types()[working.ty];
        let staged = stage(runtime, snapshot, &working).await?;
        reads.remove(working.table.path());
        effects.insert(working.table.path().to_owned(), staged);
        rows.insert(def.name.clone(), counts.remove(&working.ty).unwrap_or_default());
    }
    let base = Arc::clone(snapshot.state());
    Ok(Intent { writer: WriterKind::Mutate, actor, base, reads, effects, rows })
}

/// Identities, `@unique` values and endpoints of what is left, against each other and against committed rows. Counts
/// the rows on the way, by type.
async fn check(
    hash_key: HashKey,
    snapshot: &Snapshot,
    changes: &[Working],
    reads: &mut BTreeSet<String>,
) -> Result<BTreeMap<usize, RowCounts>> {
    let catalog = snapshot.catalog();
    let mut gatherer = Gatherer::new(Arc::clone(catalog), hash_key);
    let mut lookups = Lookups::default();
    let mut rows = Few::default();
    let mut removed = AddressesByType::new();
    let mut counts = BTreeMap::new();
    for working in changes {
        let ty = working.ty;
        let def = &catalog.types()[ty];
        let mut count = RowCounts::default();
        for left in working.left() {
            let left = left?;
            count_left(&mut count, &left);
            gather(&mut gatherer, &mut lookups, ty, &left)?;
            rows.add(ty, def, &left.rows)?;
        }
        count.deleted = working.removed().len().saturating_sub(count.updated);
        counts.insert(ty, count);
        if !working.removed().is_empty() {
            removed.insert(ty, working.removed().clone());
        }
    }
    if rows.count == 0 {
        return Ok(counts);
    }
    if rows.are_few() {
        let keys: Vec<(usize, &RecordBatch)> = rows.keys.iter().map(|(ty, batch)| (*ty, batch)).collect();
        lookups.restrict(catalog, &keys)?;
    }
    for lookup in lookups.into_list() {
        let table = snapshot.table(&catalog.types()[lookup.ty].name).await?;
        reads.insert(table.path().to_owned());
        lookup.run(&table, &mut gatherer).await?;
    }
    let conflicts = Conflicts::Refuse("use UPDATE to change rows that exist");
    let verify = move || {
        let mut mistakes = Mistakes::new(Origin::Statement);
        verify(gatherer, conflicts, &removed, &mut mistakes)?;
        mistakes.into_result()
    };
    if rows.are_few() {
        verify()?;
    } else {
        let verified = tokio::task::spawn_blocking(verify).await;
        verified.map_err(|e| Error::internal(format!("the check of the rows stopped: {e}")))??;
    }
    Ok(counts)
}

fn count_left(count: &mut RowCounts, left: &Left) {
    let rows = left.rows.num_rows() as u64;
    match left.kind {
        Leftover::New => count.inserted += rows,
        Leftover::Updated | Leftover::Moved => count.updated += rows,
    }
}

fn gather(gatherer: &mut Gatherer, lookups: &mut Lookups, ty: usize, left: &Left) -> Result<()> {
    let catalog = Arc::clone(gatherer.catalog());
    let places = vec![left.statement; left.rows.num_rows()];
    lookups.uniques(ty, &catalog);
    if left.kind == Leftover::Updated {
        // Its identity is that of a committed row, and so are its endpoints.
        return gatherer.updated(ty, &left.rows, &places);
    }
    lookups.identities(ty);
    if let Some((from, to)) = catalog.types()[ty].endpoints() {
        for node in [from, to] {
            lookups.identities_of(node, &catalog);
        }
    }
    gatherer.input(ty, &left.rows, &places)
}

/// What has to be known of rows to ask for others by value, while they are few.
#[derive(Default)]
struct Few {
    count: usize,
    keys: Vec<(usize, RecordBatch)>,
}

impl Few {
    fn are_few(&self) -> bool {
        self.count <= BY_VALUE_ROWS_MAX
    }

    fn add(&mut self, ty: usize, def: &TypeDef, rows: &RecordBatch) -> Result<()> {
        self.count += rows.num_rows();
        if !self.are_few() {
            self.keys.clear();
            return Ok(());
        }
        let unique = def.properties.iter().filter(|property| property.unique).map(|property| property.name.as_str());
        let mut names = def.identity_columns();
        names.extend(unique);
        let columns: BTreeSet<usize> =
            names.into_iter().filter_map(|name| rows.schema_ref().index_of(name).ok()).collect();
        let keys = rows.project(&columns.into_iter().collect::<Vec<_>>());
        self.keys.push((ty, keys.map_err(|e| Error::internal(format!("keys of pending rows: {e}")))?));
        Ok(())
    }
}

async fn stage(runtime: &Runtime, snapshot: &Snapshot, working: &Working) -> Result<StagedTable> {
    let table = &working.table;
    let deleted = match working.removed().is_empty() {
        true => None,
        false => Some(table.stage_delete(&Addresses(working.removed().clone())).await?),
    };
    let appended = match working.pending_rows() {
        0 => None,
        _ => {
            let packing = Arc::clone(working.packing());
            let schema = Arc::clone(packing.table());
            let batches = working.left().flat_map(move |left| match left {
                Ok(left) => {
                    let packing = Arc::clone(&packing);
                    let ranges = packing.ranges(left.rows.num_rows());
                    let parts = ranges.map(move |range| packing.unpack(&left.rows.slice(range.start, range.len())));
                    Box::new(parts) as Box<dyn Iterator<Item = Result<RecordBatch>> + Send>
                }
                Err(error) => Box::new(std::iter::once(Err(error))),
            });
            let batches = batches.map(|batch| batch.map_err(|e| DataFusionError::External(Box::new(e))));
            let stream = Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::iter(batches)));
            Some(table.stage_append(snapshot.stack(), stream).await?)
        }
    };
    let change = match (deleted, appended) {
        (Some(deleted), Some(appended)) => TableChange::Replace(deleted, appended),
        (Some(deleted), None) => TableChange::Delete(deleted),
        (None, Some(appended)) => TableChange::Append(appended),
        (None, None) => return Err(Error::internal("a change without rows")),
    };
    Ok(table.plan(change, runtime.ids.as_ref()))
}
