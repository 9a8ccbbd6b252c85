//! Staging: data files and deletion vectors are written, and no HEAD moves.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Schema as ArrowSchema};
use datafusion::physical_plan::SendableRecordBatchStream;
use lance::dataset::transaction::{Operation, Transaction, TransactionBuilder};
use lance::dataset::{InsertBuilder, WriteMode, WriteParams};
use lance_core::datatypes::Schema;
use lance_table::format::Fragment;

use super::{Addresses, OPERATION_PROPERTY, Table};
use crate::error::{Error, Result};
use crate::id::{IdSource, OperationId};
use crate::storage::Stack;

/// What Lance holds back of each column that is written.
const COLUMN_HELD_BYTES: usize = 8 << 20;
/// What it may hold back of all columns of a table together.
const HELD_BYTES_MAX: usize = 256 << 20;

/// Fragments that were written and are referenced by nothing yet.
#[derive(Clone, Debug)]
pub struct Appended {
    pub(super) fragments: Vec<Fragment>,
    schema: Option<Schema>,
}

impl Appended {
    /// Rows in the fragments.
    pub fn rows(&self) -> u64 {
        self.fragments.iter().filter_map(|fragment| fragment.physical_rows).sum::<usize>() as u64
    }
}

/// Deletion vectors that were written and are referenced by nothing yet.
#[derive(Clone, Debug)]
pub struct Deleted {
    updated: Vec<Fragment>,
    removed: Vec<u64>,
    rows: u64,
}

impl Deleted {
    /// Rows that are deleted.
    pub fn rows(&self) -> u64 {
        self.rows
    }
}

/// What one write does to one table.
#[derive(Clone, Debug)]
pub enum TableChange {
    /// New rows beside the old ones.
    Append(Appended),
    /// Rows taken away.
    Delete(Deleted),
    /// Rows taken away and new rows, in one version.
    Replace(Deleted, Appended),
    /// New rows instead of all old ones.
    Overwrite(Appended),
}

/// One table's part of a write: the table at its base version and one Lance transaction, planned but not committed.
#[derive(Clone, Debug)]
pub struct StagedTable {
    pub(super) table: Table,
    pub(super) transaction: Transaction,
}

impl Table {
    /// Writes the rows of `stream` as new data files. Memory does not grow with the stream.
    ///
    /// # Errors
    /// The stream's error, or the store's trouble; what was written so far is referenced by nothing.
    pub async fn stage_append(&self, stack: &Stack, stream: SendableRecordBatchStream) -> Result<Appended> {
        self.stage_rows(stack, stream, WriteMode::Append).await
    }

    /// As [`Table::stage_append`], for rows that replace the table's whole content.
    ///
    /// # Errors
    /// As [`Table::stage_append`].
    pub async fn stage_overwrite(&self, stack: &Stack, stream: SendableRecordBatchStream) -> Result<Appended> {
        self.stage_rows(stack, stream, WriteMode::Overwrite).await
    }

    async fn stage_rows(&self, stack: &Stack, stream: SendableRecordBatchStream, mode: WriteMode) -> Result<Appended> {
        let params = stack.lance().write_params();
        let max_rows_per_file = params.max_rows_per_file.min(rows_of_file(&self.dataset().schema().into()));
        let params = WriteParams { mode, max_rows_per_file, ..params };
        let staged = InsertBuilder::new(Arc::clone(self.dataset()))
            .with_params(&params)
            .execute_uncommitted_stream(stream)
            .await
            .map_err(|e| Error::from(e).context(format_args!("stage rows for table `{}`", self.path())))?;
        match staged.operation {
            Operation::Append { fragments } => Ok(Appended { fragments, schema: None }),
            Operation::Overwrite { fragments, schema, .. } => Ok(Appended { fragments, schema: Some(schema) }),
            other => Err(Error::internal(format!("staging rows gave the unexpected operation {}", other.name()))),
        }
    }

    /// Writes the deletion vectors that take the rows at `addresses` away.
    ///
    /// # Errors
    /// The store's trouble; what was written so far is referenced by nothing.
    pub async fn stage_delete(&self, addresses: &Addresses) -> Result<Deleted> {
        let mut deleted = Deleted { updated: Vec::new(), removed: Vec::new(), rows: addresses.0.len() };
        for (fragment_id, offsets) in addresses.by_fragment() {
            let fragment = self.dataset().get_fragment(fragment_id as usize).ok_or_else(|| {
                Error::internal(format!("table `{}` has no fragment {fragment_id} to delete from", self.path()))
            })?;
            let extended = fragment.extend_deletions(offsets.iter()).await;
            match extended.map_err(|e| Error::from(e).context(format_args!("stage deletes for `{}`", self.path())))? {
                Some(fragment) => deleted.updated.push(fragment.metadata().clone()),
                None => deleted.removed.push(u64::from(fragment_id)),
            }
        }
        Ok(deleted)
    }

    /// Plans one transaction with an identity drawn from `ids`.
    pub fn plan(&self, change: TableChange, ids: &dyn IdSource) -> StagedTable {
        let operation = match change {
            TableChange::Append(appended) => Operation::Append { fragments: appended.fragments },
            TableChange::Delete(deleted) => Operation::Delete {
                updated_fragments: deleted.updated,
                deleted_fragment_ids: deleted.removed,
                predicate: "by row address".into(),
            },
            TableChange::Replace(deleted, appended) => Operation::Update {
                removed_fragment_ids: deleted.removed,
                updated_fragments: deleted.updated,
                new_fragments: appended.fragments,
                fields_modified: Vec::new(),
                compacted_sstables: Vec::new(),
                fields_for_preserving_frag_bitmap: Vec::new(),
                update_mode: None,
                inserted_rows_filter: None,
                updated_fragment_offsets: None,
            },
            TableChange::Overwrite(appended) => Operation::Overwrite {
                fragments: appended.fragments,
                schema: appended.schema.unwrap_or_else(|| self.dataset().schema().clone()),
                config_upsert_values: None,
                initial_bases: None,
            },
        };
        let transaction = TransactionBuilder::new(self.version(), operation).uuid(ids.uuid()).build();
        StagedTable { table: self.clone(), transaction }
    }
}

/// Lance holds the rows of a file back until a column of them has 8 MiB, or the file ends. Of a table with hundreds of
/// columns that is gigabytes, so its files end sooner.
fn rows_of_file(schema: &ArrowSchema) -> usize {
    let widths = schema.fields().iter().map(|field| match field.data_type() {
        // Where it begins; what it holds is given out the sooner the longer it is.
        DataType::Utf8 | DataType::List(_) | DataType::FixedSizeList(..) => 4,
        other => other.primitive_width().unwrap_or(1),
    });
    match schema.fields().len() * COLUMN_HELD_BYTES <= HELD_BYTES_MAX {
        true => usize::MAX,
        false => HELD_BYTES_MAX / widths.sum::<usize>().max(1),
    }
}

impl StagedTable {
    /// The table at its base version.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The identity of the planned Lance transaction.
    pub fn transaction_uuid(&self) -> &str {
        &self.transaction.uuid
    }

    /// Makes the transaction name the operation that it belongs to.
    pub(crate) fn name_operation(&mut self, operation: OperationId) {
        let properties = HashMap::from([(OPERATION_PROPERTY.to_owned(), operation.to_string())]);
        self.transaction.transaction_properties = Some(Arc::new(properties));
    }
}
