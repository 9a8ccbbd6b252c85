//! One Lance dataset as a table of SQL, whose texts are views.
//!
//! The texts of an Arrow batch are addressed by 32 bits, and operators put batches together: rows that were acknowledged one by
//! one could not be sorted or joined when they have two gigabytes of text between them. Views have no such bound. Lance reads
//! texts, in batches of bounded size, and its filters are over texts; above it there are views.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion, TreeNodeVisitor};
use datafusion::common::{DFSchema, Result as PlanResult, ScalarValue};
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::expr::{Cast, TryCast};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::expressions::{CastExpr, Column};
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;
use lance::Dataset;
use lance::datafusion::LanceTableProvider;

use super::limit::{BATCH_BYTES, BATCH_ROWS, FILTER_LEVELS_MAX, LONG_TEXT_ROWS, PLAIN_FILE_BYTES, VECTOR_BYTES_MAX};
use super::views_in;

/// The rows of a dataset; `with_address` adds the column `_rowaddr`.
pub(crate) fn table_provider(dataset: &Arc<Dataset>, with_address: bool) -> Arc<dyn TableProvider> {
    let stored = provider(dataset, with_address, None).schema();
    let schema = Arc::new(Schema::new_with_metadata(views_in(&stored), stored.metadata().clone()));
    Arc::new(Table { dataset: Arc::clone(dataset), with_address, stored, schema })
}

fn provider(dataset: &Arc<Dataset>, with_address: bool, rows_at_once: Option<usize>) -> LanceTableProvider {
    let provider = LanceTableProvider::new(Arc::clone(dataset), false, with_address).with_batch_size_bytes(BATCH_BYTES);
    match rows_at_once {
        Some(rows) => provider.with_batch_size(rows),
        None => provider,
    }
}

#[derive(Debug)]
struct Table {
    dataset: Arc<Dataset>,
    with_address: bool,
    /// What Lance gives.
    stored: SchemaRef,
    /// The same with views.
    schema: SchemaRef,
}

#[async_trait]
impl TableProvider for Table {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> PlanResult<Vec<TableProviderFilterPushDown>> {
        let stored = DFSchema::try_from(Arc::clone(&self.stored))?;
        Ok(filters.iter().map(|filter| self.pushdown(filter, &stored)).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> PlanResult<Arc<dyn ExecutionPlan>> {
        let rows_at_once = self.rows_at_once(projection, filters);
        let filters = filters.iter().cloned().map(stored_texts).collect::<PlanResult<Vec<_>>>()?;
        let provider = provider(&self.dataset, self.with_address, rows_at_once);
        viewed(provider.scan(state, projection, &filters, limit).await?)
    }
}

impl Table {
    /// How many rows of what is read may be in memory together, where that has to be said beforehand: Lance counts the bytes of a batch
    /// once it is there.
    fn rows_at_once(&self, projection: Option<&Vec<usize>>, filters: &[Expr]) -> Option<usize> {
        let is_read = |at: usize, name: &str| {
            projection.is_none_or(|projection| projection.contains(&at))
                || filters.iter().any(|filter| filter.column_refs().iter().any(|column| column.name() == name))
        };
        let columns = self.stored.fields().iter().enumerate().filter(|(at, field)| is_read(*at, field.name()));
        let (mut bytes, mut has_lengths) = (0, false);
        for (_, field) in columns {
            match field.data_type() {
                // As long in memory when it is missing, which takes no room in a file.
                DataType::FixedSizeList(_, dimension) => {
                    bytes += usize::try_from(*dimension).unwrap_or_default() * size_of::<f32>();
                }
                DataType::Utf8 | DataType::List(_) => has_lengths = true,
                _ => {}
            }
        }
        let vectors = (bytes > VECTOR_BYTES_MAX / BATCH_ROWS).then(|| (VECTOR_BYTES_MAX / bytes).max(1));
        let texts = (has_lengths && self.may_have_long_texts()).then_some(LONG_TEXT_ROWS);
        vectors.into_iter().chain(texts).min()
    }

    /// Whether the texts of one batch could have more bytes between them than they can be addressed by.
    fn may_have_long_texts(&self) -> bool {
        self.dataset.fragments().iter().flat_map(|fragment| &fragment.files).any(|file| {
            // A file that does not say how large it is may be large.
            file.file_size_bytes.get().is_none_or(|bytes| bytes.get() > PLAIN_FILE_BYTES)
        })
    }

    /// Whether Lance can apply that filter. It does so on threads of its own, whose stack is small.
    fn pushdown(&self, filter: &Expr, stored: &DFSchema) -> TableProviderFilterPushDown {
        let fits = || {
            let filter = stored_texts(filter.clone())?;
            create_physical_expr(&filter, stored, &ExecutionProps::new())?.data_type(stored.as_arrow())
        };
        match levels(filter) <= FILTER_LEVELS_MAX && fits().is_ok_and(|ty| ty == DataType::Boolean) {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Unsupported,
        }
    }
}

/// The filter over texts instead of views.
fn stored_texts(filter: Expr) -> PlanResult<Expr> {
    let text = |field: &Field| *field.data_type() == DataType::Utf8View;
    filter
        .transform_up(|expr| match expr {
            Expr::Literal(ScalarValue::Utf8View(text), metadata) => {
                Ok(Transformed::yes(Expr::Literal(ScalarValue::Utf8(text), metadata)))
            }
            Expr::Column(mut column) => {
                column.relation = None;
                Ok(Transformed::yes(Expr::Column(column)))
            }
            Expr::Cast(Cast { expr, field }) if text(&field) => {
                let field = Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8));
                Ok(Transformed::yes(Expr::Cast(Cast { expr, field })))
            }
            Expr::TryCast(TryCast { expr, field }) if text(&field) => {
                let field = Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8));
                Ok(Transformed::yes(Expr::TryCast(TryCast { expr, field })))
            }
            expr => Ok(Transformed::no(expr)),
        })
        .data()
}

/// The plan with views in the place of texts. Where batches hold the bytes, a view costs sixteen more a row.
fn viewed(plan: Arc<dyn ExecutionPlan>) -> PlanResult<Arc<dyn ExecutionPlan>> {
    let schema = plan.schema();
    if !schema.fields().iter().any(|field| *field.data_type() == DataType::Utf8) {
        return Ok(plan);
    }
    let columns = schema.fields().iter().enumerate().map(|(at, field)| {
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(field.name(), at));
        let column = match field.data_type() {
            DataType::Utf8 => Arc::new(CastExpr::new(column, DataType::Utf8View, None)),
            _ => column,
        };
        (column, field.name().clone())
    });
    Ok(Arc::new(ProjectionExec::try_new(columns.collect::<Vec<_>>(), plan)?))
}

/// How deep an expression is.
fn levels(expr: &Expr) -> usize {
    #[derive(Default)]
    struct Levels {
        now: usize,
        most: usize,
    }
    impl<'n> TreeNodeVisitor<'n> for Levels {
        type Node = Expr;

        fn f_down(&mut self, _: &'n Expr) -> PlanResult<TreeNodeRecursion> {
            self.now += 1;
            self.most = self.most.max(self.now);
            Ok(TreeNodeRecursion::Continue)
        }

        fn f_up(&mut self, _: &'n Expr) -> PlanResult<TreeNodeRecursion> {
            self.now -= 1;
            Ok(TreeNodeRecursion::Continue)
        }
    }
    let mut levels = Levels::default();
    match expr.visit(&mut levels) {
        Ok(_) => levels.most,
        Err(_) => usize::MAX,
    }
}
