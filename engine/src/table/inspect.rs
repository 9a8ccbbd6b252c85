//! What stands in a dataset: its HEAD, and whose transactions made the versions after a base.

use lance::dataset::transaction::Operation;

use super::Table;
use crate::error::{Error, Result};
use crate::id::OperationId;
use crate::limit::HISTORY_WALK_MAX_COUNT;
use crate::storage::Stack;

/// The Lance transaction property that names the operation which a commit belongs to.
pub const OPERATION_PROPERTY: &str = "omnigraph.operation";

/// One version of a dataset and the transaction that produced it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LandedVersion {
    /// The version.
    pub version: u64,
    /// The identity of its Lance transaction; `None` when Lance kept none.
    pub transaction_uuid: Option<String>,
    /// The operation that the transaction names, where it names one.
    pub operation: Option<OperationId>,
    /// The version whose content it restored, where it is a restore.
    pub restored: Option<u64>,
}

impl Table {
    /// The dataset's newest version. One list.
    ///
    /// # Errors
    /// The store's trouble.
    pub async fn head(&self) -> Result<u64> {
        let head = self.dataset().latest_version_id().await;
        head.map_err(|e| Error::from(e).context(format_args!("HEAD of table `{}`", self.path())))
    }

    /// Every version after `base` up to `head`, oldest first, with its transaction.
    ///
    /// # Errors
    /// The store's trouble, or a span longer than [`HISTORY_WALK_MAX_COUNT`] versions.
    pub async fn landed_after(&self, base: u64, head: u64) -> Result<Vec<LandedVersion>> {
        if head.saturating_sub(base) > HISTORY_WALK_MAX_COUNT {
            return Err(Error::internal(format!(
                "table `{}` has more than {HISTORY_WALK_MAX_COUNT} versions after {base}",
                self.path()
            )));
        }
        let mut landed = Vec::new();
        for version in base.saturating_add(1)..=head {
            let transaction = self.dataset().read_transaction_by_version(version).await.map_err(|e| {
                Error::from(e).context(format_args!("transaction of table `{}` at version {version}", self.path()))
            })?;
            let operation = transaction
                .as_ref()
                .and_then(|t| t.transaction_properties.as_ref())
                .and_then(|properties| properties.get(OPERATION_PROPERTY))
                .and_then(|text| text.parse().ok());
            let restored = match transaction.as_ref().map(|t| &t.operation) {
                Some(Operation::Restore { version }) => Some(*version),
                _ => None,
            };
            landed.push(LandedVersion { version, transaction_uuid: transaction.map(|t| t.uuid), operation, restored });
        }
        Ok(landed)
    }

    /// HEAD of the dataset at `path`, without a version to start from.
    ///
    /// # Errors
    /// As [`Table::open_head`].
    pub async fn head_of(stack: &Stack, path: &str) -> Result<u64> {
        Ok(Table::open_head(stack, path).await?.version())
    }
}
