//! Which committed rows are looked at, and how: one scan of a table at the most.
//!
//! Few rows ask for exactly the committed rows that could collide with them; many rows read the identity columns of the
//! whole table once.

use std::collections::{BTreeMap, HashSet};

use arrow_array::{Array, RecordBatch};
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::Expr;
use datafusion::prelude::lit;
use futures::TryStreamExt;

use super::Gatherer;
use crate::error::{Error, Result};
use crate::schema::{Catalog, DST, SRC, TypeDef};
use crate::table::Table;

/// Rows of a write up to which committed rows are asked for by value.
pub(crate) const BY_VALUE_ROWS_MAX: usize = 1_024;
/// Values in one scan's filter, and the bytes of all of them: what is more is read whole instead. A filter is compared
/// with every row, and every pass of a planner walks over it.
const FILTER_VALUES_MAX: usize = 16 * 1_024;
const FILTER_VALUES_MAX_BYTES: usize = 4 << 20;

/// What is read of one type's committed rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lookup {
    pub(crate) ty: usize,
    /// Their identities.
    pub(crate) identity: bool,
    /// Their values of these `@unique` properties.
    pub(crate) unique: Vec<usize>,
    /// The nodes that they start at and end at, because those nodes may go away.
    pub(crate) held: [bool; 2],
    /// The rows that matter; `None`: all.
    pub(crate) filter: Option<Expr>,
}

/// What a write wants to know of committed rows.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    by_type: BTreeMap<usize, Lookup>,
}

impl Lookups {
    fn of(&mut self, ty: usize) -> &mut Lookup {
        self.by_type.entry(ty).or_insert_with(|| Lookup { ty, ..Lookup::default() })
    }

    /// Whether identities of a type exist.
    pub(crate) fn identities(&mut self, ty: usize) {
        self.of(ty).identity = true;
    }

    /// Whether identities of the type of that name exist.
    pub(crate) fn identities_of(&mut self, name: &str, catalog: &Catalog) {
        if let Some(ty) = catalog.position(name) {
            self.identities(ty);
        }
    }

    /// Whether values of the type's `@unique` properties exist.
    pub(crate) fn uniques(&mut self, ty: usize, catalog: &Catalog) {
        let properties = catalog.types()[ty].properties.iter().enumerate();
        let unique: Vec<usize> = properties.filter(|(_, p)| p.unique && !p.key).map(|(at, _)| at).collect();
        if !unique.is_empty() {
            self.of(ty).unique = unique;
        }
    }

    /// Which nodes edges of a type hold: at their start, at their end.
    pub(crate) fn held(&mut self, ty: usize, ends: [bool; 2]) {
        let held = &mut self.of(ty).held;
        *held = [held[0] || ends[0], held[1] || ends[1]];
    }

    /// Asks by value, for the rows of a small write, where that is little to ask for.
    pub(crate) fn restrict(&mut self, catalog: &Catalog, rows: &[(usize, &RecordBatch)]) -> Result<()> {
        for lookup in self.by_type.values_mut().filter(|lookup| lookup.held == [false; 2]) {
            let def = &catalog.types()[lookup.ty];
            let mut any = Vec::new();
            let mut size = Size::default();
            if lookup.identity {
                any.extend(identities_among(lookup.ty, def, catalog, rows, &mut size)?);
            }
            for property in &lookup.unique {
                let name = &def.properties[*property].name;
                let mut values = Values::default();
                for (_, batch) in rows.iter().filter(|(ty, _)| *ty == lookup.ty) {
                    values.add(batch, name)?;
                }
                any.extend(values.into_filter(name, &mut size));
            }
            if size.is_small() {
                lookup.filter = Some(any_of(any));
            }
        }
        Ok(())
    }

    /// The lookups, in the order of the catalog; none that could find nothing.
    pub(crate) fn into_list(self) -> Vec<Lookup> {
        self.by_type.into_values().filter(|lookup| lookup.filter != Some(lit(false))).collect()
    }
}

impl Lookup {
    /// Reads the committed rows of `table` into the spaces of `gatherer`.
    pub(crate) async fn run(&self, table: &Table, gatherer: &mut Gatherer) -> Result<()> {
        if table.is_empty() {
            return Ok(());
        }
        let catalog = gatherer.catalog().clone();
        let def = &catalog.types()[self.ty];
        let mut columns: Vec<&str> = Vec::new();
        if self.identity {
            columns.extend(def.identity_columns());
        }
        columns.extend(self.unique.iter().map(|property| def.properties[*property].name.as_str()));
        columns.extend([SRC, DST].into_iter().zip(self.held).filter(|(_, held)| *held).map(|(name, _)| name));
        let mut seen = HashSet::new();
        columns.retain(|name| seen.insert(*name));
        let mut rows = table.scan_with_addresses(&columns, self.filter.clone()).await?;
        while let Some(batch) = rows.try_next().await? {
            gatherer.committed(self, &batch)?;
        }
        Ok(())
    }
}

/// Holds where one of the filters does; for none of them, where nothing does, so that a scan reads nothing.
///
/// The tree is balanced: planners walk it by recursion, and a type has up to a thousand properties to look up.
fn any_of(mut filters: Vec<Expr>) -> Expr {
    while filters.len() > 1 {
        let mut pairs = filters.into_iter();
        let mut halved = Vec::with_capacity(pairs.len().div_ceil(2));
        while let Some(first) = pairs.next() {
            halved.push(match pairs.next() {
                Some(second) => first.or(second),
                None => first,
            });
        }
        filters = halved;
    }
    filters.pop().unwrap_or_else(|| lit(false))
}

/// What a filter has in it so far.
#[derive(Default)]
struct Size {
    values: usize,
    bytes: usize,
}

impl Size {
    fn is_small(&self) -> bool {
        self.values <= FILTER_VALUES_MAX && self.bytes <= FILTER_VALUES_MAX_BYTES
    }
}

/// The identities that rows of the type have, and those that edges name.
fn identities_among(
    ty: usize,
    def: &TypeDef,
    catalog: &Catalog,
    rows: &[(usize, &RecordBatch)],
    size: &mut Size,
) -> Result<Option<Expr>> {
    let Some(key) = def.key() else {
        let (mut src, mut dst) = (Values::default(), Values::default());
        for (_, batch) in rows.iter().filter(|(other, _)| *other == ty) {
            src.add(batch, SRC)?;
            dst.add(batch, DST)?;
        }
        return Ok(src.into_filter(SRC, size).zip(dst.into_filter(DST, size)).map(|(src, dst)| src.and(dst)));
    };
    let mut keys = Values::default();
    for (other, batch) in rows {
        if *other == ty {
            keys.add(batch, &key.name)?;
        }
        if let Some((from, to)) = catalog.types()[*other].endpoints() {
            if from == def.name {
                keys.add(batch, SRC)?;
            }
            if to == def.name {
                keys.add(batch, DST)?;
            }
        }
    }
    Ok(keys.into_filter(&key.name, size))
}

/// A filter that holds for rows whose `column` has one of the values; `None` where that would be too long a list.
pub(crate) fn one_of(column: &str, values: &dyn Array) -> Result<Option<Expr>> {
    let mut distinct = Values::default();
    if values.len() > BY_VALUE_ROWS_MAX {
        return Ok(None);
    }
    distinct.add_array(values, column)?;
    let mut size = Size::default();
    let filter = distinct.into_filter(column, &mut size).unwrap_or_else(|| lit(false));
    Ok(size.is_small().then_some(filter))
}

/// Distinct values of a column, in the order in which they came.
#[derive(Default)]
struct Values {
    seen: HashSet<ScalarValue>,
    list: Vec<Expr>,
    bytes: usize,
}

impl Values {
    fn add(&mut self, batch: &RecordBatch, column: &str) -> Result<()> {
        let array = batch.column_by_name(column).ok_or_else(|| Error::internal(format!("rows lack `{column}`")))?;
        self.add_array(array.as_ref(), column)
    }

    fn add_array(&mut self, array: &dyn Array, column: &str) -> Result<()> {
        for row in (0..array.len()).filter(|row| array.is_valid(*row)) {
            let value = ScalarValue::try_from_array(array, row);
            let value = value.map_err(|e| Error::internal(format!("a value of `{column}`: {e}")))?;
            if self.seen.insert(value.clone()) {
                self.bytes += value.size();
                self.list.push(lit(value));
            }
        }
        Ok(())
    }

    fn into_filter(mut self, column: &str, size: &mut Size) -> Option<Expr> {
        size.values += self.list.len();
        size.bytes += self.bytes;
        let column = Expr::Column(Column::from_name(column));
        match self.list.len() {
            0 => None,
            1 => self.list.pop().map(|value| column.eq(value)),
            _ => Some(column.in_list(self.list, false)),
        }
    }
}
