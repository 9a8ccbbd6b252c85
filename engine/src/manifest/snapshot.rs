//! A coherent view: one version of the manifest, the catalog that was active there, and the tables at their pins.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::{GraphState, MAIN_LANCE_BRANCH, ManifestHead, TableEntry};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::Runtime;
use crate::schema::{Catalog, hash_of};
use crate::storage::Stack;
use crate::table::Table;

/// Schema contracts lie directly below this prefix, named by their hash.
pub const SCHEMA_PREFIX: &str = "__schema";

/// What a graph was at one version. Cheap to clone; never changes.
#[derive(Clone, Debug)]
pub struct Snapshot(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    stack: Stack,
    clock: Arc<dyn Clock>,
    manifest: ManifestHead,
    catalog: Arc<Catalog>,
    /// Tables that were opened, by path, each at its pin.
    opened: Mutex<HashMap<String, Table>>,
}

/// The path of the schema contract with this hash.
pub fn contract_path(hash: &str) -> String {
    format!("{SCHEMA_PREFIX}/{hash}.json")
}

impl Snapshot {
    /// The snapshot at `manifest`, reusing what `earlier` has read of the same things.
    ///
    /// # Errors
    /// The schema contract is missing or is not what its name says, or the store's trouble.
    pub(crate) async fn load(
        runtime: &Runtime,
        manifest: ManifestHead,
        earlier: Option<&Snapshot>,
    ) -> Result<Snapshot> {
        let hash = &manifest.state().schema.hash;
        let catalog = match earlier {
            Some(earlier) if earlier.state().schema.hash == *hash => Arc::clone(&earlier.0.catalog),
            _ => Arc::new(read_contract(&runtime.stack, hash).await?),
        };
        Ok(Self::assemble(&runtime.stack, &runtime.clock, manifest, catalog, earlier, Vec::new()))
    }

    /// The snapshot of a graph whose contract is known already.
    pub(crate) fn of_new_graph(
        runtime: &Runtime,
        manifest: ManifestHead,
        catalog: Catalog,
        tables: Vec<Table>,
    ) -> Snapshot {
        Self::assemble(&runtime.stack, &runtime.clock, manifest, Arc::new(catalog), None, tables)
    }

    /// The snapshot after a publish that moved pins to where `landed` stand.
    pub(crate) fn advanced(&self, manifest: ManifestHead, landed: Vec<Table>) -> Snapshot {
        let Inner { stack, clock, manifest: _, catalog, opened: _ } = self.0.as_ref();
        Self::assemble(stack, clock, manifest, Arc::clone(catalog), Some(self), landed)
    }

    fn assemble(
        stack: &Stack,
        clock: &Arc<dyn Clock>,
        manifest: ManifestHead,
        catalog: Arc<Catalog>,
        earlier: Option<&Snapshot>,
        landed: Vec<Table>,
    ) -> Snapshot {
        let known = earlier.map(Snapshot::opened).unwrap_or_default().into_values().chain(landed);
        let at_pin = |table: &Table| {
            let entry = manifest.state().table_at(table.path(), table.lance_branch());
            entry.is_some_and(|entry| entry.version == table.version())
        };
        let opened = known.filter(at_pin).map(|table| (table.path().to_owned(), table)).collect();
        let (stack, clock, opened) = (stack.clone(), Arc::clone(clock), Mutex::new(opened));
        Snapshot(Arc::new(Inner { stack, clock, manifest, catalog, opened }))
    }

    fn opened(&self) -> HashMap<String, Table> {
        self.0.opened.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// The version of the graph.
    pub fn version(&self) -> u64 {
        self.state().version
    }

    /// What the manifest says at this version.
    pub fn state(&self) -> &Arc<GraphState> {
        self.0.manifest.state()
    }

    /// The schema that is active at this version.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.0.catalog
    }

    /// The tables and their pins, by path.
    pub fn tables(&self) -> impl Iterator<Item = &TableEntry> {
        self.state().tables.values()
    }

    /// The table of a type, at its pin. Opened on first use.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such type, else the store's trouble.
    pub async fn table(&self, type_name: &str) -> Result<Table> {
        let entry = self.state().table_of_type(type_name).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("the graph has no type `{type_name}`"))
                .with_advice("the schema lists the types")
        })?;
        if let Some(table) = self.opened().remove(&entry.path) {
            return Ok(table);
        }
        if entry.lance_branch != MAIN_LANCE_BRANCH {
            let TableEntry { path, lance_branch, .. } = entry;
            let error = Error::new(ErrorKind::Refused, format!("table `{path}` lies on Lance branch `{lance_branch}`"));
            return Err(error.with_advice("this program knows no branches: use the one that made it"));
        }
        let table = Table::open(&self.0.stack, &entry.path, entry.version).await?;
        let mut opened = self.0.opened.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        Ok(opened.entry(entry.path.clone()).or_insert(table).clone())
    }

    pub(crate) fn manifest(&self) -> &ManifestHead {
        &self.0.manifest
    }

    /// What SQL is told when it asks for the time.
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    pub(crate) fn stack(&self) -> &Stack {
        &self.0.stack
    }
}

async fn read_contract(stack: &Stack, hash: &str) -> Result<Catalog> {
    let path = contract_path(hash);
    let bytes = stack.objects().get(&path).await;
    let bytes = bytes.map_err(|e| Error::from(e).context(format_args!("schema contract `{path}`")))?;
    let text = std::str::from_utf8(&bytes).ok().filter(|text| hash_of(text) == hash).ok_or_else(|| {
        Error::corrupt(format!("schema contract `{path}` is not what its name says"))
            .with_advice("restore the object from a backup")
    })?;
    Ok(Catalog::from_contract_json(text)?)
}
