//! What becomes of edges when the nodes at their ends go away or get other keys.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow_select::concat::concat;
use arrow_select::filter::filter_record_batch;
use datafusion::common::Column;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::SendableRecordBatchStream;
use futures::TryStreamExt;
use roaring::RoaringBitmap;

use super::KEYS_AT_ONCE;
use super::execute::{Mutation, numbers};
use super::pack::{ORIGIN, mark_moved, unexpected};
use super::rename::{Renames, is_there_twice};
use super::view::{ROW, with_texts};
use super::working::Taken;
use crate::error::{Error, Result};
use crate::query::refused;
use crate::schema::{DST, SRC, TypeDef};
use crate::sql::session_within;
use crate::write::check::{BY_VALUE_ROWS_MAX, HashKey, one_of, shown};

/// Keys of nodes that are deleted.
pub(super) struct Keys {
    hash_key: HashKey,
    /// The keys themselves, while they are few enough to ask a scan for.
    few: Vec<ArrayRef>,
    hashes: HashSet<u128>,
}

impl Keys {
    pub(super) fn new(hash_key: HashKey) -> Self {
        Keys { hash_key, few: Vec::new(), hashes: HashSet::new() }
    }

    pub(super) fn add(&mut self, keys: &ArrayRef) -> Result<()> {
        self.hashes.extend(self.hash_key.of_column(keys.as_ref())?.into_iter().flatten());
        match self.hashes.len() > BY_VALUE_ROWS_MAX {
            true => self.few.clear(),
            false => self.few.push(Arc::clone(keys)),
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Whether edges should be compared with these before there are more.
    pub(super) fn is_full(&self) -> bool {
        self.hashes.len() >= KEYS_AT_ONCE
    }

    /// Which values of a column are among them.
    fn among(&self, column: &ArrayRef) -> Result<impl Iterator<Item = bool>> {
        let hashes = self.hash_key.of_column(column.as_ref())?;
        Ok(hashes.into_iter().map(|hash| hash.is_some_and(|hash| self.hashes.contains(&hash))))
    }

    fn few(&self) -> Result<Option<ArrayRef>> {
        let few: Vec<&dyn Array> = self.few.iter().map(AsRef::as_ref).collect();
        if few.is_empty() { Ok(None) } else { concat(&few).map(Some).map_err(unexpected) }
    }
}

impl Mutation<'_> {
    /// Deletes the edges that start or end at nodes that are deleted.
    pub(super) async fn delete_edges(&mut self, node: &TypeDef, keys: &Keys) -> Result<()> {
        let few = keys.few()?;
        let catalog = Arc::clone(self.snapshot.catalog());
        for edge in catalog.edges_of(&node.name) {
            let ty = self.open(&edge.name).await?;
            let ends = ends_at(edge, node);
            let columns: Vec<&str> = ends.iter().copied().chain([ROW]).collect();
            let mut edges = self.rows_at(ty, &ends, few.as_deref(), &columns).await?;
            let mut taken = Taken::default();
            while let Some(batch) = edges.try_next().await.map_err(refused)? {
                let mut touched = vec![false; batch.num_rows()];
                for end in 0..ends.len() {
                    touched.iter_mut().zip(keys.among(batch.column(end))?).for_each(|(touched, here)| *touched |= here);
                }
                let touched = filter_record_batch(&batch, &touched.into()).map_err(unexpected)?;
                taken.add(numbers(&touched, ROW)?)?;
            }
            drop(edges);
            self.working(ty)?.take(taken);
        }
        Ok(())
    }

    /// Makes edges follow the nodes that got other keys.
    ///
    /// # Errors
    /// A new key that another row has.
    pub(super) async fn follow(&mut self, renames: &Renames<'_>, statement: u64) -> Result<()> {
        let catalog = Arc::clone(self.snapshot.catalog());
        self.require_keys_once(renames).await?;
        for edge in catalog.edges_of(&renames.def.name) {
            let ty = self.open(&edge.name).await?;
            let ends = ends_at(edge, renames.def);
            let schema = edge.arrow_schema();
            let columns = schema.fields().iter().map(|field| field.name().as_str()).chain([ROW, ORIGIN]);
            let columns: Vec<&str> = columns.collect();
            let few = (renames.old.len() <= BY_VALUE_ROWS_MAX).then_some(renames.old.as_ref());
            let mut edges = self.rows_at(ty, &ends, few, &columns).await?;
            let mut taken = Taken::default();
            while let Some(batch) = edges.try_next().await.map_err(refused)? {
                let mut touched = vec![false; batch.num_rows()];
                for end in &ends {
                    let found = renames.of_column(end_of(&batch, end)?)?;
                    touched.iter_mut().zip(found).for_each(|(touched, found)| *touched |= found.is_some());
                }
                let touched = filter_record_batch(&batch, &BooleanArray::from(touched)).map_err(unexpected)?;
                taken.add(numbers(&touched, ROW)?)?;
                let step = self.working(ty)?.packing().rows_at_once().min(renames.rows_at_once());
                for first in (0..touched.num_rows()).step_by(step) {
                    let part = touched.slice(first, step.min(touched.num_rows() - first));
                    let origin = mark_moved(numbers(&part, ORIGIN)?, &vec![true; part.num_rows()]);
                    let moved = moved(&part, &ends, renames, edge)?;
                    self.working(ty)?.replace(&moved, origin, statement)?;
                }
            }
            drop(edges);
            self.working(ty)?.take(taken);
        }
        Ok(())
    }

    /// No row has the key of a node that is deleted: the edges would be its own.
    pub(super) async fn require_keys_gone(&mut self, node: &TypeDef, keys: &Keys) -> Result<()> {
        let Some(key) = node.key() else { return Ok(()) };
        let ty = self.open(&node.name).await?;
        let few = keys.few()?;
        let mut rows = self.rows_at(ty, &[&key.name], few.as_deref(), &[&key.name]).await?;
        while let Some(batch) = rows.try_next().await.map_err(refused)? {
            if let Some(row) = keys.among(batch.column(0))?.position(|here| here) {
                return Err(is_there_twice(&node.name, &shown(&key.ty, batch.column(0).as_ref(), row)?));
            }
        }
        Ok(())
    }

    /// Every new key belongs to one row, and no row has an old one.
    async fn require_keys_once(&mut self, renames: &Renames<'_>) -> Result<()> {
        let (ty, key) = (self.open(&renames.def.name).await?, renames.key.name.as_str());
        let few = renames.few()?;
        let mut rows = self.rows_at(ty, &[key], few.as_deref(), &[key]).await?;
        let mut seen = RoaringBitmap::new();
        while let Some(batch) = rows.try_next().await.map_err(refused)? {
            renames.look_at(batch.column(0), &mut seen)?;
        }
        Ok(())
    }

    /// Columns of the rows that have one of a `few` values in one of the columns `at`; of all rows where there are many
    /// values.
    async fn rows_at(
        &mut self,
        ty: usize,
        at: &[&str],
        few: Option<&dyn Array>,
        columns: &[&str],
    ) -> Result<SendableRecordBatchStream> {
        let context = session_within(&self.memory);
        let mut rows = context.read_table(self.working(ty)?.view(true)).map_err(refused)?;
        if let Some(few) = few {
            let filters = at.iter().map(|column| one_of(column, few)).collect::<Result<Option<Vec<_>>>>()?;
            if let Some(filter) = filters.into_iter().flatten().reduce(Expr::or) {
                rows = rows.filter(filter).map_err(refused)?;
            }
        }
        let columns: Vec<Expr> = columns.iter().map(|column| Expr::Column(Column::from_name(*column))).collect();
        let rows = rows.select(columns).map_err(refused)?.execute_stream().await.map_err(refused)?;
        Ok(with_texts(rows))
    }
}

/// The columns of an edge type that hold keys of a node type.
fn ends_at(edge: &TypeDef, node: &TypeDef) -> Vec<&'static str> {
    let ends = edge.endpoints().into_iter().flat_map(|(from, to)| [(SRC, from), (DST, to)]);
    ends.filter(|(_, end)| *end == node.name).map(|(column, _)| column).collect()
}

fn end_of<'a>(edges: &'a RecordBatch, end: &str) -> Result<&'a ArrayRef> {
    edges.column_by_name(end).ok_or_else(|| Error::internal(format!("edges lack `{end}`")))
}

/// Edges with the new keys at their ends, in the columns of their type.
fn moved(edges: &RecordBatch, ends: &[&str], renames: &Renames<'_>, def: &TypeDef) -> Result<RecordBatch> {
    let schema = def.arrow_schema();
    let columns = schema.fields().iter().zip(edges.columns()).map(|(field, column)| {
        if !ends.contains(&field.name().as_str()) {
            return Ok(Arc::clone(column));
        }
        renames.apply(column, &renames.of_column(column)?)
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    RecordBatch::try_new(Arc::clone(&schema), columns).map_err(unexpected)
}
