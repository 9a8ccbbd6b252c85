//! A table as the statements so far have left it, for SQL: committed rows that are not removed, then pending rows.
//!
//! A view keeps what it was made of, so a statement that changes the table while it reads still sees it as it was.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow_cast::cast;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::filter::filter_record_batch;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::filter::batch_filter;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, SendableRecordBatchStream};
use futures::{StreamExt, TryStreamExt};
use roaring::RoaringTreemap;

use super::pack::ORIGIN;
use super::pile::{Frozen, PENDING, Piece};
use crate::sql::{texts_in, texts_of, views_in};

/// The column that names a row of a view: an address, or a pending row's number with [`PENDING`] set.
pub(super) const ROW: &str = "__row";
/// What Lance calls a row's address.
const ADDRESS: &str = "_rowaddr";

#[derive(Debug)]
pub(super) struct View {
    schema: SchemaRef,
    /// Committed rows with their addresses; `None` where there is none.
    committed: Option<Arc<dyn TableProvider>>,
    /// Addresses of committed rows that are taken away.
    removed: Arc<RoaringTreemap>,
    pending: Frozen,
}

impl View {
    /// With the columns [`ROW`] and [`ORIGIN`] where rows are to be changed.
    pub(super) fn new(
        committed: Option<Arc<dyn TableProvider>>,
        removed: Arc<RoaringTreemap>,
        pending: Frozen,
        with_row: bool,
    ) -> Self {
        // As a table without changes has them.
        let mut fields = views_in(pending.packing().table());
        if with_row {
            fields.extend([ROW, ORIGIN].map(|name| Arc::new(Field::new(name, DataType::UInt64, true))));
        }
        View { schema: Arc::new(Schema::new(fields)), committed, removed, pending }
    }
}

#[async_trait]
impl TableProvider for View {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let projection = projection.unwrap_or(&all);
        let committed = match &self.committed {
            Some(committed) => Some(self.scan_committed(committed, state, projection, filters).await?),
            None => None,
        };
        let schema = Arc::new(self.schema.project(projection)?);
        let rows = Rows {
            committed,
            removed: Arc::clone(&self.removed),
            pending: PendingScan::new(&self.schema, self.pending.clone(), state, projection, filters)?,
            schema: Arc::clone(&schema),
        };
        Ok(Arc::new(StreamingTableExec::try_new(schema, vec![Arc::new(rows)], None, [], false, limit)?))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // The names of rows are known only after a scan.
        let is_of_the_type =
            |filter: &&Expr| !filter.column_refs().iter().any(|column| [ROW, ORIGIN].contains(&column.name()));
        let support = |filter| match is_of_the_type(filter) {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }
}

impl View {
    async fn scan_committed(
        &self,
        committed: &Arc<dyn TableProvider>,
        state: &dyn Session,
        projection: &[usize],
        filters: &[Expr],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = committed.schema();
        let names = projection.iter().map(|at| self.schema.field(*at).name().as_str());
        let names = names.filter(|name| ![ROW, ORIGIN].contains(name)).chain([ADDRESS]);
        let columns = names.map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let plan = committed.scan(state, Some(&columns), filters, None).await?;
        match plan.output_partitioning().partition_count() {
            1 => Ok(plan),
            _ => Ok(Arc::new(CoalescePartitionsExec::new(plan))),
        }
    }
}

/// Rows whose texts are views, as rows whose texts are what a table holds, in batches that their bytes fit into.
pub(super) fn with_texts(rows: SendableRecordBatchStream) -> SendableRecordBatchStream {
    let schema = texts_in(&rows.schema());
    let texts = rows.map(|batch| {
        let batches = texts_of(batch?).map_err(|e| DataFusionError::External(Box::new(e)))?;
        Ok::<_, DataFusionError>(futures::stream::iter(batches.into_iter().map(Ok::<_, DataFusionError>)))
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, texts.try_flatten()))
}

/// The rows of a view, as one stream.
#[derive(Debug)]
struct Rows {
    schema: SchemaRef,
    committed: Option<Arc<dyn ExecutionPlan>>,
    removed: Arc<RoaringTreemap>,
    pending: PendingScan,
}

impl PartitionStream for Rows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let pending = futures::stream::iter(self.pending.clone().into_batches());
        let Some(plan) = &self.committed else {
            return Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), pending));
        };
        let committed = match plan.execute(0, context) {
            Ok(committed) => committed,
            Err(error) => Box::pin(RecordBatchStreamAdapter::new(
                plan.schema(),
                futures::stream::once(std::future::ready(Err(error))),
            )),
        };
        let (schema, removed) = (Arc::clone(&self.schema), Arc::clone(&self.removed));
        let left = committed.map(move |rows| left(&rows?, &schema, &removed));
        let left = left.try_filter(|rows| std::future::ready(rows.num_rows() > 0));
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), left.chain(pending)))
    }
}

/// What is left of committed rows, in the columns of `schema`.
fn left(rows: &RecordBatch, schema: &SchemaRef, removed: &RoaringTreemap) -> Result<RecordBatch> {
    let addresses = rows.column_by_name(ADDRESS).and_then(|column| column.as_primitive_opt::<UInt64Type>());
    let addresses = addresses.ok_or_else(|| DataFusionError::Internal("a scan gave no addresses".into()))?;
    let columns = schema.fields().iter().map(|field| match field.name().as_str() {
        ROW | ORIGIN => Some(Arc::new(addresses.clone()) as ArrayRef),
        name => rows.column_by_name(name).cloned(),
    });
    let columns = columns.collect::<Option<Vec<_>>>();
    let columns = columns.ok_or_else(|| DataFusionError::Internal("a scan lacks a column".into()))?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    let shown = RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?;
    if removed.is_empty() {
        return Ok(shown);
    }
    let keep: BooleanArray = addresses.values().iter().map(|address| Some(!removed.contains(*address))).collect();
    match keep.has_false() {
        true => Ok(filter_record_batch(&shown, &keep)?),
        false => Ok(shown),
    }
}

/// Pending rows that match a filter, in some of their columns.
#[derive(Clone, Debug)]
struct PendingScan {
    pending: Frozen,
    /// What is read: what is shown, then what the filter needs beside it.
    read: Vec<usize>,
    read_schema: SchemaRef,
    shown: usize,
    filter: Option<Arc<dyn PhysicalExpr>>,
}

impl PendingScan {
    fn new(
        schema: &SchemaRef,
        pending: Frozen,
        state: &dyn Session,
        projection: &[usize],
        filters: &[Expr],
    ) -> Result<Self> {
        let mut read = projection.to_vec();
        let needed: BTreeSet<usize> = filters
            .iter()
            .flat_map(|filter| filter.column_refs().into_iter().map(|column| schema.index_of(column.name())))
            .collect::<Result<_, _>>()?;
        read.extend(needed.into_iter().filter(|at| !projection.contains(at)));
        let read_schema = Arc::new(schema.project(&read)?);
        let filter = match conjunction(filters.iter().cloned()) {
            Some(filter) => {
                let columns = DFSchema::try_from(Arc::clone(&read_schema))?;
                Some(state.create_physical_expr(filter, &columns)?)
            }
            None => None,
        };
        Ok(PendingScan { pending, read, read_schema, shown: projection.len(), filter })
    }

    /// A few rows at a time, so that vectors and a filter's values take little memory.
    fn into_batches(self) -> impl Iterator<Item = Result<RecordBatch>> {
        let pieces = self.pending.clone().into_pieces();
        let batches = pieces.flat_map(move |(piece, dead)| match self.alive(&piece, &dead) {
            Ok(rows) => {
                let scan = self.clone();
                let ranges = scan.pending.packing().ranges(rows.num_rows());
                let batches = ranges.map(move |range| scan.batch(&rows.slice(range.start, range.len())));
                Box::new(batches) as Box<dyn Iterator<Item = Result<RecordBatch>> + Send>
            }
            Err(error) => Box::new(std::iter::once(Err(error))),
        });
        batches.filter(|batch| batch.as_ref().map_or(true, |batch| batch.num_rows() > 0))
    }

    /// The rows of a piece that are not gone, packed, with their names behind their origins.
    fn alive(&self, piece: &Piece, dead: &RoaringTreemap) -> Result<RecordBatch> {
        let rows = piece.read().map_err(|e| DataFusionError::External(Box::new(e)))?;
        let numbers = piece.first..piece.first + piece.rows;
        let names = UInt64Array::from_iter_values(numbers.clone().map(|number| PENDING | number));
        let mut fields = rows.schema_ref().fields().to_vec();
        fields.push(Arc::new(Field::new(ROW, DataType::UInt64, true)));
        let mut columns = rows.columns().to_vec();
        columns.push(Arc::new(names));
        let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        let keep: BooleanArray = numbers.map(|number| Some(!dead.contains(number))).collect();
        match keep.has_false() {
            true => Ok(filter_record_batch(&rows, &keep)?),
            false => Ok(rows),
        }
    }

    fn batch(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let packing = self.pending.packing();
        let of_the_type = packing.table().fields().len();
        let columns = self.read.iter().map(|at| match *at {
            at if at < of_the_type => packing.column(rows, at),
            // The view shows the name first, and then the origin.
            at if at == of_the_type => Ok(Arc::clone(rows.column(of_the_type + 1))),
            _ => Ok(Arc::clone(rows.column(of_the_type))),
        });
        let columns = columns.collect::<crate::error::Result<Vec<_>>>();
        let columns = columns.map_err(|e| DataFusionError::External(Box::new(e)))?;
        let fields = self.read_schema.fields().iter();
        let columns = columns.iter().zip(fields).map(|(column, field)| cast(column, field.data_type()));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        let mut batch = RecordBatch::try_new_with_options(Arc::clone(&self.read_schema), columns, &options)?;
        if let Some(filter) = &self.filter {
            batch = batch_filter(&batch, filter)?;
        }
        Ok(batch.project(&(0..self.shown).collect::<Vec<_>>())?)
    }
}
