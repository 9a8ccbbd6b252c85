//! Restoring: a new version with the content of an old one.
//!
//! Lance accepts a restore over a concurrent append and silently orphans the appended rows. Here it lands on an exact version like
//! every other commit, so that one of the two loses.

use lance::dataset::transaction::{Operation, TransactionBuilder};

use super::{CommitFailure, StagedTable, Table};
use crate::error::Result;
use crate::id::{IdSource, OperationId};
use crate::storage::Stack;

impl Table {
    /// Makes the content of `version` the content of a new version after `head`, and gives the table there.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Conflict`] when HEAD is no longer `head`, else the store's trouble.
    pub async fn restore(
        stack: &Stack,
        path: &str,
        version: u64,
        head: u64,
        operation: OperationId,
        ids: &dyn IdSource,
    ) -> Result<Table> {
        let table = Table::open(stack, path, head).await?;
        let transaction = TransactionBuilder::new(head, Operation::Restore { version }).uuid(ids.uuid()).build();
        let mut staged = StagedTable { table, transaction };
        staged.name_operation(operation);
        let landing = staged.commit(stack).await.map_err(CommitFailure::into_error)?;
        Ok(landing.table)
    }
}
