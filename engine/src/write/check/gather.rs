//! Rows → records in spaces.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{Array, RecordBatch};
use siphasher::sip128::{Hasher128, SipHasher13};

use super::Space;
use super::cell::{Cell, Cells};
use super::committed::Lookup;
use super::record::{Kind, Record};
use super::spill::Spill;
use crate::error::{Error, Result};
use crate::id::IdSource;
use crate::schema::Catalog;

/// The key of a write's hashes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HashKey([u8; 16]);

impl HashKey {
    /// A fresh key.
    pub(crate) fn draw(ids: &dyn IdSource) -> Self {
        // A source that gives something else than UUIDs still gives a key.
        let text = ids.uuid();
        HashKey(uuid::Uuid::parse_str(&text).map_or(u128::from(ids.ulid()), |uuid| uuid.as_u128()).to_le_bytes())
    }

    /// The hash of each value of a column that rows are addressed by; `None` where it is missing.
    pub(crate) fn of_column(&self, column: &dyn Array) -> Result<Vec<Option<u128>>> {
        let cells = Cells::of(column)?;
        Ok((0..column.len()).map(|row| cells.get(row).map(|cell| self.hash(&[cell]))).collect())
    }

    /// The hash of one value, or of the two endpoints of an edge. Lengths keep two values apart.
    fn hash(&self, cells: &[Cell<'_>]) -> u128 {
        use std::hash::Hasher;
        let mut hasher = SipHasher13::new_with_key(&self.0);
        if let [first, _] = cells {
            hasher.write(&(first.bytes().len() as u64).to_le_bytes());
        }
        for cell in cells {
            hasher.write(cell.bytes());
        }
        hasher.finish128().into()
    }
}

/// Where the columns of a type stand that mean something beyond their own row.
struct Layout {
    /// Columns that rows are addressed by.
    identity: Vec<usize>,
    /// `@unique` properties other than the key: property and column.
    unique: Vec<(usize, usize)>,
    /// The node types at both ends of an edge type.
    endpoints: Option<[usize; 2]>,
}

/// Collects what rows leave behind.
pub(crate) struct Gatherer {
    catalog: Arc<Catalog>,
    layouts: Vec<Layout>,
    key: HashKey,
    spaces: BTreeMap<Space, Spill>,
}

impl Gatherer {
    pub(crate) fn new(catalog: Arc<Catalog>, key: HashKey) -> Self {
        let layouts = catalog.types().iter().map(|ty| {
            // The endpoints of an edge stand before its properties.
            let first = if ty.is_node() { 0 } else { 2 };
            let columns = ty.properties.iter().enumerate();
            let identity = match ty.endpoints() {
                Some(_) => vec![0, 1],
                None => columns.clone().filter(|(_, property)| property.key).map(|(at, _)| at).collect(),
            };
            let unique = columns.filter(|(_, property)| property.unique && !property.key);
            Layout {
                identity,
                unique: unique.map(|(at, _)| (at, at + first)).collect(),
                endpoints: ty
                    .endpoints()
                    .map(|(from, to)| [from, to].map(|node| catalog.position(node).unwrap_or_default())),
            }
        });
        let layouts = layouts.collect();
        Gatherer { catalog, layouts, key, spaces: BTreeMap::new() }
    }

    pub(crate) fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    pub(super) fn into_spaces(self) -> (Arc<Catalog>, BTreeMap<Space, Spill>) {
        (self.catalog, self.spaces)
    }

    /// New rows of this write, in the columns of their type's table; `places` says where each came from.
    pub(crate) fn input(&mut self, ty: usize, batch: &RecordBatch, places: &[u64]) -> Result<()> {
        self.updated(ty, batch, places)?;
        let place = |row: usize| places.get(row).copied().unwrap_or(0);
        if let Some(nodes) = self.layouts[ty].endpoints {
            for (end, kind) in [Kind::NeededFrom, Kind::NeededTo].into_iter().enumerate() {
                let space = Space::Identity(nodes[end]);
                gather(&mut self.spaces, space, self.key, batch, &[end], |row| (kind, place(row), ty))?;
            }
        }
        Ok(())
    }

    /// Rows of this write that take the place of committed rows with the same identity, and so with the same endpoints.
    pub(crate) fn updated(&mut self, ty: usize, batch: &RecordBatch, places: &[u64]) -> Result<()> {
        let Layout { identity, unique, .. } = &self.layouts[ty];
        let place = |row: usize| places.get(row).copied().unwrap_or(0);
        let (spaces, key) = (&mut self.spaces, self.key);
        gather(spaces, Space::Identity(ty), key, batch, identity, |row| (Kind::Input, place(row), ty))?;
        for (property, column) in unique {
            gather(spaces, Space::Unique(ty, *property), key, batch, &[*column], |row| (Kind::Input, place(row), ty))?;
        }
        Ok(())
    }

    /// Committed rows, in the columns that `lookup` asks for, with their addresses.
    pub(super) fn committed(&mut self, lookup: &Lookup, batch: &RecordBatch) -> Result<()> {
        let ty = lookup.ty;
        let def = &self.catalog.types()[ty];
        let addresses = batch.column_by_name("_rowaddr").and_then(|column| column.as_primitive_opt::<UInt64Type>());
        let addresses =
            addresses.ok_or_else(|| Error::internal(format!("a scan of {} gave no addresses", def.name)))?;
        let at = |name: &str| batch.schema_ref().index_of(name);
        let column = |name: &str| at(name).map_err(|e| Error::internal(format!("a scan of {}: {e}", def.name)));
        let committed = |row: usize| (Kind::Committed, addresses.value(row), ty);
        let (spaces, key) = (&mut self.spaces, self.key);
        if lookup.identity {
            let columns: Vec<usize> = def.identity_columns().iter().map(|name| column(name)).collect::<Result<_>>()?;
            gather(spaces, Space::Identity(ty), key, batch, &columns, committed)?;
        }
        for property in &lookup.unique {
            let columns = [column(&def.properties[*property].name)?];
            gather(spaces, Space::Unique(ty, *property), key, batch, &columns, committed)?;
        }
        if let Some(nodes) = self.layouts[ty].endpoints {
            let ends = [(crate::schema::SRC, Kind::HeldFrom), (crate::schema::DST, Kind::HeldTo)];
            for (end, (name, kind)) in ends.into_iter().enumerate().filter(|(end, _)| lookup.held[*end]) {
                let columns = [column(name)?];
                gather(spaces, Space::Identity(nodes[end]), key, batch, &columns, |_| (kind, 0, ty))?;
            }
        }
        Ok(())
    }
}

/// One record for each row whose value is there.
fn gather(
    spaces: &mut BTreeMap<Space, Spill>,
    space: Space,
    key: HashKey,
    batch: &RecordBatch,
    columns: &[usize],
    record: impl Fn(usize) -> (Kind, u64, usize),
) -> Result<()> {
    let spill = spaces.entry(space).or_insert_with(Spill::new);
    let mut put = |row: usize, cells: &[Cell<'_>]| {
        let (kind, place, edge) = record(row);
        spill.push(Record::new(key.hash(cells), kind, place, edge).showing(cells))
    };
    let cells = |column: usize| Cells::of(batch.column(column).as_ref() as &dyn Array);
    match columns {
        [only] => {
            let only = cells(*only)?;
            for row in 0..batch.num_rows() {
                if let Some(cell) = only.get(row) {
                    put(row, &[cell])?;
                }
            }
        }
        [first, second] => {
            let (first, second) = (cells(*first)?, cells(*second)?);
            for row in 0..batch.num_rows() {
                if let (Some(first), Some(second)) = (first.get(row), second.get(row)) {
                    put(row, &[first, second])?;
                }
            }
        }
        other => return Err(Error::internal(format!("rows are addressed by {} columns", other.len()))),
    }
    Ok(())
}
