//! Taking back what was staged for nothing.

use lance::dataset::transaction::Operation;
use lance_table::format::Fragment;
use lance_table::io::deletion::relative_deletion_file_path;
use object_store::ObjectStoreExt;
use object_store::path::Path;

use super::stage::Appended;
use super::{StagedTable, Table};
use crate::storage::{Realm, Stack};

impl Table {
    /// Takes data files back that nothing will ever refer to, as far as the store lets it.
    pub(crate) async fn discard(&self, stack: &Stack, appended: &Appended) {
        self.delete(stack, data_files(&appended.fragments)).await;
    }

    async fn delete(&self, stack: &Stack, files: impl IntoIterator<Item = String>) {
        let store = stack.raw(Realm::Table);
        for file in files {
            let path = Path::from(format!("{}/{file}", self.path()));
            match store.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(leftover) => tracing::warn!(%path, %leftover, "an unreferenced file remains"),
            }
        }
    }
}

impl StagedTable {
    /// Takes back what was written for a transaction that certainly never lands, as far as the store lets it.
    pub(crate) async fn discard(&self, stack: &Stack) {
        let transaction = &self.transaction;
        let mut files = vec![format!("_transactions/{}-{}.txn", transaction.read_version, transaction.uuid)];
        match &transaction.operation {
            Operation::Append { fragments } | Operation::Overwrite { fragments, .. } => {
                files.extend(data_files(fragments))
            }
            Operation::Delete { updated_fragments, .. } => files.extend(self.deletion_files(updated_fragments)),
            Operation::Update { updated_fragments, new_fragments, .. } => {
                files.extend(data_files(new_fragments));
                files.extend(self.deletion_files(updated_fragments));
            }
            _ => {}
        }
        self.table.delete(stack, files).await;
    }

    /// The deletion files of `updated` that the base version does not have.
    fn deletion_files(&self, updated: &[Fragment]) -> impl Iterator<Item = String> {
        updated.iter().filter_map(|fragment| {
            let file = fragment.deletion_file.as_ref()?;
            let before = self.table.dataset().get_fragment(fragment.id as usize);
            let is_new = before.is_none_or(|before| before.metadata().deletion_file.as_ref() != Some(file));
            is_new.then(|| relative_deletion_file_path(fragment.id, file))
        })
    }
}

fn data_files(fragments: &[Fragment]) -> impl Iterator<Item = String> {
    fragments.iter().flat_map(|fragment| &fragment.files).map(|file| format!("data/{}", file.path))
}
