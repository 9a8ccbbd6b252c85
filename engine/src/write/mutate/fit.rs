//! Values that SQL gave → the columns of a type. SQL converts freely; what would lose something is refused here.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Float64Array, new_null_array};
use arrow_cast::display::array_value_to_string;
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::DataType;

use crate::schema::{Catalog, DST, SRC, ScalarType, TypeDef};
use crate::write::check::excerpt;

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

    /// The values as this column holds them, or why they do not fit.
    pub(super) fn fit(&self, values: &ArrayRef) -> Result<ArrayRef, String> {
        let wrong = |row: usize| {
            let value = array_value_to_string(values, row).unwrap_or_default();
            format!("{} is {}: expected {}", self.name, excerpt(&value), self.ty)
        };
        let target = self.ty.arrow_type();
        if !converts(values.data_type(), &target) {
            return Err(format!("{} is of SQL type {}: expected {}", self.name, values.data_type(), self.ty));
        }
        if has_missing_item(values) {
            return Err(format!("{} has a list with a missing item", self.name));
        }
        let options = CastOptions { safe: true, ..CastOptions::default() };
        let cast = |to: &DataType| cast_with_options(values, to, &options);
        let fitted = cast(&target).map_err(|e| format!("{} does not fit {}: {e}", self.name, self.ty))?;
        // A safe cast turns what does not fit into null.
        if fitted.null_count() > values.logical_null_count() {
            let lost = (0..values.len()).find(|row| fitted.is_null(*row) && values.is_valid(*row));
            return Err(wrong(lost.unwrap_or_default()));
        }
        if let Some(row) = fitted.logical_nulls().and_then(|nulls| (0..nulls.len()).find(|row| nulls.is_null(*row)))
            && !self.optional
        {
            return Err(format!("{} is missing in row {}: it is required", self.name, row + 1));
        }
        let lossy = match (values.data_type(), &target) {
            (DataType::Float32 | DataType::Float64, to) if to.is_integer() => fraction(values),
            (_, DataType::Float32) => infinite(values, &fitted),
            _ => None,
        };
        if let Some(row) = lossy {
            return Err(wrong(row));
        }
        self.check_words(&fitted, self.ty)?;
        Ok(fitted)
    }

    fn check_words(&self, values: &ArrayRef, ty: &ScalarType) -> Result<(), String> {
        match ty {
            ScalarType::Enum(variants) => {
                let words = values.as_string::<i32>();
                match words.iter().flatten().find(|word| !variants.iter().any(|variant| variant == word)) {
                    Some(word) => Err(format!("{} is {}: expected {}", self.name, excerpt(word), self.ty)),
                    None => Ok(()),
                }
            }
            ScalarType::List(item) => self.check_words(values.as_list::<i32>().values(), item),
            _ => Ok(()),
        }
    }
}

/// Which SQL types may become which column types at all.
fn converts(from: &DataType, to: &DataType) -> bool {
    use DataType::*;
    let is_text = |ty: &DataType| matches!(ty, Utf8 | LargeUtf8 | Utf8View);
    let is_number =
        |ty: &DataType| ty.is_integer() || ty.is_floating() || matches!(ty, Decimal128(..) | Decimal256(..));
    match (from, to) {
        (Null, _) => true,
        (from, to) if from == to => true,
        (from, Utf8) => is_text(from),
        (from, Date32 | Timestamp(..)) => is_text(from) || matches!(from, Date32 | Date64 | Timestamp(..)),
        (Decimal128(..) | Decimal256(..), to) => to.is_floating(),
        (from, to) if is_number(to) => is_number(from),
        (List(from) | LargeList(from) | FixedSizeList(from, _), List(to) | FixedSizeList(to, _)) => {
            converts(from.data_type(), to.data_type())
        }
        _ => false,
    }
}

fn has_missing_item(values: &ArrayRef) -> bool {
    let items = match values.data_type() {
        DataType::List(_) => values.as_list::<i32>().values(),
        DataType::LargeList(_) => values.as_list::<i64>().values(),
        _ => return false,
    };
    items.logical_null_count() > 0
}

/// The first row whose number is not whole.
fn fraction(values: &ArrayRef) -> Option<usize> {
    let numbers = arrow_cast::cast(values, &DataType::Float64).ok()?;
    let numbers: &Float64Array = numbers.as_primitive();
    (0..numbers.len()).find(|row| numbers.is_valid(*row) && numbers.value(*row).fract() != 0.0)
}

/// The first row whose number is too large for 32 bits.
fn infinite(values: &ArrayRef, fitted: &ArrayRef) -> Option<usize> {
    let numbers = arrow_cast::cast(values, &DataType::Float64).ok()?;
    let numbers: &Float64Array = numbers.as_primitive();
    let fitted = fitted.as_primitive::<arrow_array::types::Float32Type>();
    (0..numbers.len())
        .find(|row| numbers.is_valid(*row) && numbers.value(*row).is_finite() != fitted.value(*row).is_finite())
}

/// The rows of a type from its columns.
pub(super) fn batch(def: &TypeDef, columns: Vec<ArrayRef>) -> Result<arrow_array::RecordBatch, String> {
    arrow_array::RecordBatch::try_new(Arc::clone(&def.arrow_schema()), columns).map_err(|e| e.to_string())
}
