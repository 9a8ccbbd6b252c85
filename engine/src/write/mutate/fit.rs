//! Values that SQL gave → the columns of a type.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, new_null_array};

use crate::schema::{Catalog, DST, SRC, ScalarType, TypeDef};
use crate::value;

/// A column of a type's table.
pub(super) struct TableColumn<'a> {
    pub(super) name: &'a str,
    pub(super) ty: &'a ScalarType,
    pub(super) optional: bool,
    /// Whether rows are addressed by it.
    pub(super) identity: bool,
}

/// The columns of a type's table, in order.
pub(super) fn columns<'a>(catalog: &'a Catalog, def: &'a TypeDef) -> Vec<TableColumn<'a>> {
    let endpoint = |name: &'a str, node: &str| {
        let ty = catalog.node(node).and_then(TypeDef::key).map(|key| &key.ty)?;
        Some(TableColumn { name, ty, optional: false, identity: true })
    };
    let ends = def.endpoints().into_iter().flat_map(|(from, to)| [endpoint(SRC, from), endpoint(DST, to)]).flatten();
    let properties = def.properties.iter().map(|property| TableColumn {
        name: &property.name,
        ty: &property.ty,
        optional: property.optional,
        identity: property.key,
    });
    ends.chain(properties).collect()
}

impl TableColumn<'_> {
    /// A column without any value, or why there cannot be one.
    pub(super) fn missing(&self, rows: usize) -> Result<ArrayRef, String> {
        if self.optional || rows == 0 {
            Ok(new_null_array(&self.ty.arrow_type(), rows))
        } else {
            Err(format!("{} is missing: it is required", self.name))
        }
    }

    /// The values as this column holds them, or why they do not fit; `before`: rows of the statement that came before.
    pub(super) fn fit(&self, values: &ArrayRef, before: u64) -> Result<ArrayRef, String> {
        value::fit(values, self.ty, self.optional).map_err(|misfit| misfit.of(self.name, self.ty, before))
    }
}

/// The rows of a type from its columns.
pub(super) fn batch(def: &TypeDef, columns: Vec<ArrayRef>) -> Result<RecordBatch, String> {
    RecordBatch::try_new(Arc::clone(&def.arrow_schema()), columns).map_err(|e| e.to_string())
}
