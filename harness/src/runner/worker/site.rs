//! Where a cell's bytes are, as a worker reaches them.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::memory::InMemory;
use omnigraph::storage::{Realm, Stack, StorageUri, StoreLayer};

use crate::backend::CellAddress;

/// The store of one cell, opened once; every process of the cell has a stack of its own over it.
#[derive(Debug)]
pub struct Site {
    base: Arc<dyn ObjectStore>,
    identity: String,
    bare: Stack,
}

impl Site {
    /// Opens the store.
    ///
    /// # Errors
    /// The address cannot be used.
    pub async fn open(address: &CellAddress) -> Result<Site, String> {
        let wrong = |error: &dyn std::fmt::Display| format!("the cell's store cannot be opened: {error}");
        let uri: StorageUri = address.uri.parse().map_err(|error| wrong(&error))?;
        let (base, identity): (Arc<dyn ObjectStore>, String) = match uri {
            // Not the named store that the whole process shares: this one is gone when the cell is over. Nobody else has it, so
            // the run need not stand in its name, which would make the texts of two runs differ.
            StorageUri::Memory(_) => (Arc::new(InMemory::new()), "memory://cell".to_owned()),
            _ => {
                let opened = Stack::open(&uri, &address.storage, &[]).await.map_err(|error| wrong(&error))?;
                (opened.raw(Realm::Control), address.uri.clone())
            }
        };
        let bare = Stack::over(Arc::clone(&base), identity.clone(), &[]);
        Ok(Site { base, identity, bare })
    }

    /// The store without any layer, for whoever looks from outside or damages it.
    pub fn bare(&self) -> &Stack {
        &self.bare
    }

    /// A stack that shares nothing with others but the bytes: no cache of another one colours what is read through it.
    pub fn fresh(&self, layers: &[Arc<dyn StoreLayer>]) -> Stack {
        Stack::over(Arc::clone(&self.base), self.identity.clone(), layers)
    }
}
