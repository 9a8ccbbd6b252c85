//! A column that is being filled, value by value.

use std::sync::Arc;

use arrow_array::builder::{ArrayBuilder, BooleanBuilder, PrimitiveBuilder, StringBuilder};
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{ArrayRef, ListArray};
use arrow_schema::ArrowError;
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};

use super::cell::Value;
use super::packed::packed_field;
use super::rule::{self, expectation, shorten};
use crate::schema::ScalarType;

/// Bytes of text, and items of lists, that one column can hold: what Arrow counts with 32 bits. Callers hand their rows on
/// long before.
const LENGTH_MAX: usize = i32::MAX as usize;

/// Why a value does not fit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) expected: String,
    pub(crate) found: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: expected {}", self.found, self.expected)
    }
}

/// A column that is being filled. A vector is filled like a list, and takes up room only where there is one; see
/// [`super::unpacked`].
pub(crate) struct Column {
    ty: ScalarType,
    values: Values,
}

enum Values {
    Text(StringBuilder),
    Bool(BooleanBuilder),
    I8(PrimitiveBuilder<Int8Type>),
    I16(PrimitiveBuilder<Int16Type>),
    I32(PrimitiveBuilder<Int32Type>),
    I64(PrimitiveBuilder<Int64Type>),
    U8(PrimitiveBuilder<UInt8Type>),
    U16(PrimitiveBuilder<UInt16Type>),
    U32(PrimitiveBuilder<UInt32Type>),
    U64(PrimitiveBuilder<UInt64Type>),
    F32(PrimitiveBuilder<Float32Type>),
    F64(PrimitiveBuilder<Float64Type>),
    Date(PrimitiveBuilder<Date32Type>),
    Instant(PrimitiveBuilder<TimestampMicrosecondType>),
    /// A list or a vector: the items of all rows, where each row begins, and which rows are there.
    Items {
        items: Box<Column>,
        offsets: Vec<i32>,
        valid: Vec<bool>,
    },
}

/// Does the same with whichever builder it is; lists have a way of their own.
macro_rules! with_builder {
    ($values:expr, $builder:ident => $do:expr, $items:pat => $list:expr) => {
        match $values {
            Values::Text($builder) => $do,
            Values::Bool($builder) => $do,
            Values::I8($builder) => $do,
            Values::I16($builder) => $do,
            Values::I32($builder) => $do,
            Values::I64($builder) => $do,
            Values::U8($builder) => $do,
            Values::U16($builder) => $do,
            Values::U32($builder) => $do,
            Values::U64($builder) => $do,
            Values::F32($builder) => $do,
            Values::F64($builder) => $do,
            Values::Date($builder) => $do,
            Values::Instant($builder) => $do,
            $items => $list,
        }
    };
}

impl Column {
    pub(crate) fn new(ty: &ScalarType) -> Self {
        let items = |item: &ScalarType| Values::Items {
            items: Box::new(Column::new(item)),
            offsets: vec![0],
            valid: Vec::new(),
        };
        let values = match ty {
            ScalarType::String | ScalarType::Enum(_) => Values::Text(StringBuilder::new()),
            ScalarType::Bool => Values::Bool(BooleanBuilder::new()),
            ScalarType::I8 => Values::I8(PrimitiveBuilder::new()),
            ScalarType::I16 => Values::I16(PrimitiveBuilder::new()),
            ScalarType::I32 => Values::I32(PrimitiveBuilder::new()),
            ScalarType::I64 => Values::I64(PrimitiveBuilder::new()),
            ScalarType::U8 => Values::U8(PrimitiveBuilder::new()),
            ScalarType::U16 => Values::U16(PrimitiveBuilder::new()),
            ScalarType::U32 => Values::U32(PrimitiveBuilder::new()),
            ScalarType::U64 => Values::U64(PrimitiveBuilder::new()),
            ScalarType::F32 => Values::F32(PrimitiveBuilder::new()),
            ScalarType::F64 => Values::F64(PrimitiveBuilder::new()),
            ScalarType::Date => Values::Date(PrimitiveBuilder::new()),
            ScalarType::DateTime => Values::Instant(PrimitiveBuilder::new().with_data_type(ty.arrow_type())),
            ScalarType::List(item) => items(item),
            ScalarType::Vector(_) => items(&ScalarType::F32),
        };
        Column { ty: ty.clone(), values }
    }

    /// Adds a value.
    ///
    /// # Errors
    /// It does not fit, a missing value included. Of a list, items may have been added all the same: the column is good
    /// for nothing then but finding more that does not fit.
    pub(crate) fn put(&mut self, value: &Value<'_>) -> Result<(), Problem> {
        if let (Values::Items { items, .. }, Value::List(list)) = (&mut self.values, value) {
            for item in list.iter() {
                if matches!(item, Value::Missing) {
                    let found = "a list with a missing item".to_owned();
                    return Err(Problem { expected: expectation(&self.ty), found });
                }
                items.put(&item)?;
            }
            return self.close_list();
        }
        if self.put_single(value) { Ok(()) } else { Err(self.problem(value)) }
    }

    fn put_single(&mut self, value: &Value<'_>) -> bool {
        macro_rules! put {
            ($builder:expr, $value:expr) => {
                $value.map(|value| $builder.append_value(value)).is_some()
            };
        }
        macro_rules! integer {
            ($builder:expr) => {
                put!($builder, rule::integer(value).and_then(|value| value.try_into().ok()))
            };
        }
        match &mut self.values {
            Values::Text(builder) => {
                let Value::Text(text) = value else { return false };
                let fits = rule::text(&self.ty, text) && builder.values_slice().len() + text.len() <= LENGTH_MAX;
                if fits {
                    builder.append_value(text);
                }
                fits
            }
            Values::Bool(builder) => {
                let Value::Bool(value) = value else { return false };
                builder.append_value(*value);
                true
            }
            Values::I8(builder) => integer!(builder),
            Values::I16(builder) => integer!(builder),
            Values::I32(builder) => integer!(builder),
            Values::I64(builder) => integer!(builder),
            Values::U8(builder) => integer!(builder),
            Values::U16(builder) => integer!(builder),
            Values::U32(builder) => integer!(builder),
            Values::U64(builder) => integer!(builder),
            Values::F32(builder) => put!(builder, rule::single(value)),
            Values::F64(builder) => put!(builder, rule::double(value)),
            Values::Date(builder) => put!(builder, rule::date(value)),
            Values::Instant(builder) => put!(builder, rule::instant(value)),
            Values::Items { .. } => false,
        }
    }

    /// What is wrong with something that is no single value.
    pub(crate) fn expected_instead_of(&self, found: &str) -> Problem {
        Problem { expected: expectation(&self.ty), found: found.to_owned() }
    }

    /// What is wrong with a value that does not fit.
    fn problem(&self, value: &Value<'_>) -> Problem {
        let too_much = match (&self.ty, value) {
            (ty, Value::Text(text)) if rule::text(ty, text) => Some(format!("at most {LENGTH_MAX} bytes in a column")),
            _ => None,
        };
        Problem { expected: too_much.unwrap_or_else(|| expectation(&self.ty)), found: value.shown() }
    }

    pub(crate) fn put_missing(&mut self) {
        with_builder!(&mut self.values, builder => builder.append_null(), Values::Items { items, offsets, valid } => {
            offsets.push(i32::try_from(items.len()).unwrap_or(i32::MAX));
            valid.push(false);
        })
    }

    /// The column that items of a list go into before [`Column::close_list`]; `None` where a value is no list.
    pub(crate) fn items(&mut self) -> Option<&mut Column> {
        match &mut self.values {
            Values::Items { items, .. } => Some(items),
            _ => None,
        }
    }

    /// Makes a list of the items that were added since the last one.
    pub(crate) fn close_list(&mut self) -> Result<(), Problem> {
        let expected = || expectation(&self.ty);
        let Values::Items { items, offsets, valid } = &mut self.values else { return Ok(()) };
        let (begin, end) = (offsets.last().copied().unwrap_or(0), items.len());
        let Ok(offset) = i32::try_from(end) else {
            return Err(Problem {
                expected: format!("at most {LENGTH_MAX} items in a column"),
                found: "more".to_owned(),
            });
        };
        offsets.push(offset);
        valid.push(true);
        match self.ty {
            ScalarType::Vector(dimension) if i64::from(dimension) != i64::from(offset - begin) => {
                Err(Problem { expected: expected(), found: format!("{} numbers", offset - begin) })
            }
            _ => Ok(()),
        }
    }

    /// Bytes that a row takes up at the least, whether its value is there or not.
    pub(crate) fn row_bytes(ty: &ScalarType) -> usize {
        match ty {
            ScalarType::Bool | ScalarType::I8 | ScalarType::U8 => 1,
            ScalarType::I16 | ScalarType::U16 => 2,
            ScalarType::I64 | ScalarType::U64 | ScalarType::F64 | ScalarType::DateTime => 8,
            ScalarType::I32 | ScalarType::U32 | ScalarType::F32 | ScalarType::Date => 4,
            // Where it begins.
            ScalarType::String | ScalarType::Enum(_) => 4,
            ScalarType::List(_) | ScalarType::Vector(_) => 5,
        }
    }

    fn len(&self) -> usize {
        with_builder!(&self.values, builder => builder.len(), Values::Items { valid, .. } => valid.len())
    }

    /// The column as it stands; an empty one remains. A vector is a list, see [`super::unpacked`].
    pub(crate) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(
            with_builder!(&mut self.values, builder => Arc::new(builder.finish()), Values::Items { items, offsets, valid } => {
                let field = packed_field(&self.ty);
                let items = items.finish()?;
                let offsets = OffsetBuffer::new(std::mem::replace(offsets, vec![0]).into());
                let valid = std::mem::take(valid);
                let nulls = valid.contains(&false).then(|| NullBuffer::from(valid));
                Arc::new(ListArray::try_new(field, offsets, items, nulls)?)
            }),
        )
    }
}

/// Whether a single value fits a column of type `ty`.
///
/// # Errors
/// It does not.
pub(crate) fn check(ty: &ScalarType, value: &Value<'_>) -> Result<(), Problem> {
    if rule::fits(ty, value) {
        return Ok(());
    }
    Err(Problem { expected: expectation(ty), found: value.shown() })
}

/// A number as it is written, in the spelling by which SQL takes exactly what a column of type `ty` holds of it.
///
/// # Errors
/// It does not fit.
pub(crate) fn written_as(ty: &ScalarType, text: &str) -> Result<String, Problem> {
    let value = Value::Written(text);
    check(ty, &value)?;
    let written = match ty {
        ScalarType::F32 => rule::single(&value).map(|float| format!("{:?}", f64::from(float))),
        ScalarType::F64 => rule::double(&value).map(|float| format!("{float:?}")),
        _ => rule::integer(&value).map(|integer| integer.to_string()),
    };
    Ok(written.unwrap_or_else(|| text.to_owned()))
}

impl Value<'_> {
    /// As an error shows it: its beginning, without anything that could break a terminal.
    pub(crate) fn shown(&self) -> String {
        match self {
            Value::Missing => "null".to_owned(),
            Value::Text(text) => super::excerpt(text),
            Value::Other(text) => super::excerpt(text),
            Value::Bytes(_) => "bytes".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Record(_) => "an object".to_owned(),
            Value::Written(text) => shorten(text, 40),
            other => {
                let mut shown = Vec::new();
                super::json::put_value(&mut shown, other.clone());
                shorten(String::from_utf8_lossy(&shown).trim_matches('"'), 40)
            }
        }
    }
}
