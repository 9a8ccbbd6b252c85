//! A whole Arrow array into a column, as SQL gives it. What has the column's type already is looked at and kept.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float32Type, Float64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, FixedSizeListArray, ListArray};
use arrow_schema::{ArrowError, DataType};
use datafusion::arrow::buffer::OffsetBuffer;

use super::calendar::{DAYS, MICROS};
use super::cell::{Reader, Value};
use super::column::{Column, Problem};
use super::packed::{packed_field, unpacked_column};
use super::rule;
use crate::schema::ScalarType;

/// Why an array does not fit.
#[derive(Debug)]
pub(crate) enum Misfit {
    /// No value of this type fits.
    Type(DataType, Option<&'static str>),
    /// A row, from 0, lacks a value that is required.
    Missing(u64),
    /// The value of a row, from 0, does not fit.
    Value(u64, Problem, Option<&'static str>),
    Arrow(ArrowError),
}

impl Misfit {
    /// What is wrong with the column of that name; `before`: rows that came before these.
    pub(crate) fn of(&self, name: &str, ty: &ScalarType, before: u64) -> String {
        match self {
            Misfit::Missing(row) => format!("{name} is missing in row {}: it is required", before + row + 1),
            Misfit::Value(row, ..) => self.of_one(&format!("{name} in row {}", before + row + 1), ty),
            Misfit::Type(..) | Misfit::Arrow(_) => self.of_one(name, ty),
        }
    }

    /// What is wrong with a value that an error calls `place`.
    pub(crate) fn of_one(&self, place: &str, ty: &ScalarType) -> String {
        let (wrong, advice) = match self {
            Misfit::Type(given, advice) => {
                let ty = rule::shorten(&ty.to_string(), 200);
                (format!("{place} is of SQL type {given}: expected {ty}"), *advice)
            }
            Misfit::Value(_, problem, advice) => (format!("{place} is {problem}"), *advice),
            Misfit::Missing(_) => (format!("{place} is missing: it is required"), None),
            Misfit::Arrow(error) => (format!("{place} cannot be read: {error}"), None),
        };
        match advice {
            Some(advice) => format!("{wrong}; {advice}"),
            None => wrong,
        }
    }
}

/// The values as the column of a table holds them.
pub(crate) fn fit(values: &ArrayRef, ty: &ScalarType, optional: bool) -> Result<ArrayRef, Misfit> {
    let advice = rule::advice(ty, values.data_type());
    if !rule::takes(ty, values.data_type()) {
        return Err(Misfit::Type(values.data_type().clone(), advice));
    }
    if !optional
        && let Some(nulls) = values.logical_nulls()
        && let Some(row) = (0..nulls.len()).find(|row| nulls.is_null(*row))
    {
        return Err(Misfit::Missing(row as u64));
    }
    if let Some(kept) = keep(values, ty).map_err(Misfit::Arrow)? {
        return Ok(kept);
    }
    let reader = Reader::of(values.as_ref());
    let mut column = Column::new(ty);
    for row in 0..values.len() {
        let value = reader.get(row);
        if matches!(value, Value::Missing) {
            column.put_missing();
        } else {
            let wrong = |problem| Misfit::Value(row as u64, problem, advice.filter(|_| !is_beyond(&value)));
            column.put(&value).map_err(wrong)?;
        }
    }
    let column = column.finish().map_err(Misfit::Arrow)?;
    unpacked_column(&column, &ty.arrow_type()).map_err(Misfit::Arrow)
}

/// Whether it is a number that no cast makes one that fits.
fn is_beyond(value: &Value<'_>) -> bool {
    match value {
        Value::Single(value) => !value.is_finite(),
        Value::Double(value) => !value.is_finite(),
        Value::List(items) => items.iter().any(|item| is_beyond(&item)),
        _ => false,
    }
}

/// The array as it is, if it has the column's type but for the encoding of lists, and every value that it holds fits.
fn keep(values: &ArrayRef, ty: &ScalarType) -> Result<Option<ArrayRef>, ArrowError> {
    match (ty, values.data_type()) {
        (ScalarType::List(item), DataType::List(field)) if *field.data_type() == item.arrow_type() => {
            let Some(lists) = whole_lists(values.as_list::<i32>(), item) else { return Ok(None) };
            let offsets = OffsetBuffer::from_lengths(lists.offsets().lengths());
            let items = lists.values().slice(lists.offsets()[0] as usize, offsets[lists.len()] as usize);
            Ok(Some(Arc::new(ListArray::try_new(packed_field(ty), offsets, items, lists.nulls().cloned())?)))
        }
        (ScalarType::Vector(dimension), DataType::List(field)) if *field.data_type() == DataType::Float32 => {
            let Some(lists) = whole_lists(values.as_list::<i32>(), &ScalarType::F32) else { return Ok(None) };
            let mut lengths = lists.offsets().lengths().enumerate().filter(|(row, _)| lists.is_valid(*row));
            if lengths.any(|(_, length)| length != *dimension as usize) {
                return Ok(None);
            }
            unpacked_column(values, &ty.arrow_type()).map(Some)
        }
        (ScalarType::Vector(dimension), DataType::FixedSizeList(field, size))
            if *field.data_type() == DataType::Float32 && u32::try_from(*size) == Ok(*dimension) =>
        {
            let vectors = values.as_fixed_size_list();
            let fits = |items: &ArrayRef| items.null_count() == 0 && all_fit(items, &ScalarType::F32);
            let fit = match vectors.null_count() {
                0 => fits(vectors.values()),
                // A missing vector is as long as any other, and what it hides means nothing.
                _ => (0..vectors.len()).all(|row| vectors.is_null(row) || fits(&vectors.value(row))),
            };
            let DataType::FixedSizeList(field, _) = ty.arrow_type() else { return Ok(None) };
            let (_, size, items, nulls) = vectors.clone().into_parts();
            fit.then(|| Ok(Arc::new(FixedSizeListArray::try_new(field, size, items, nulls)?) as ArrayRef)).transpose()
        }
        (ScalarType::List(_) | ScalarType::Vector(_), _) => Ok(None),
        (ty, given) => Ok((*given == ty.arrow_type() && all_fit(values, ty)).then(|| Arc::clone(values))),
    }
}

/// The lists, if no row of them lacks an item, holds one that does not fit, or hides any behind being missing.
fn whole_lists<'a>(lists: &'a ListArray, item: &ScalarType) -> Option<&'a ListArray> {
    let (first, last) = (*lists.offsets().first()?, *lists.offsets().last()?);
    let items = lists.values().slice(first as usize, (last - first) as usize);
    let mut empty = lists.offsets().lengths().enumerate().filter(|(_, length)| *length > 0);
    let hides = lists.null_count() > 0 && empty.any(|(row, _)| lists.is_null(row));
    (items.null_count() == 0 && !hides && all_fit(&items, item)).then_some(lists)
}

/// Whether each value of an array that has the type's Arrow type is one that the type holds.
fn all_fit(values: &ArrayRef, ty: &ScalarType) -> bool {
    match ty {
        ScalarType::F32 => values.as_primitive::<Float32Type>().iter().flatten().all(f32::is_finite),
        ScalarType::F64 => values.as_primitive::<Float64Type>().iter().flatten().all(f64::is_finite),
        ScalarType::Date => values.as_primitive::<Date32Type>().iter().flatten().all(|day| DAYS.contains(&day.into())),
        ScalarType::DateTime => {
            values.as_primitive::<TimestampMicrosecondType>().iter().flatten().all(|at| MICROS.contains(&at))
        }
        ScalarType::Enum(_) => values.as_string::<i32>().iter().flatten().all(|word| rule::text(ty, word)),
        _ => true,
    }
}
