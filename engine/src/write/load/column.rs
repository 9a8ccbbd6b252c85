//! JSON values → one Arrow column, without anything in between.

use std::str::FromStr;
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, PrimitiveBuilder, StringBuilder};
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{ArrayRef, ArrowPrimitiveType, FixedSizeListArray, ListArray};
use arrow_schema::{ArrowError, DataType};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};

use super::json::{Broken, Cursor, Token};
use crate::schema::ScalarType;
use crate::value::{parse_date, parse_instant};
use crate::write::check::excerpt;

/// A column that is being filled.
pub(super) struct Column {
    ty: ScalarType,
    arrow_type: DataType,
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

/// Why a value does not fit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) expected: String,
    pub(super) found: String,
}

impl Column {
    pub(super) fn new(ty: &ScalarType) -> Self {
        let arrow_type = ty.arrow_type();
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
            ScalarType::DateTime => Values::Instant(PrimitiveBuilder::new().with_data_type(arrow_type.clone())),
            ScalarType::List(item) => items(item),
            ScalarType::Vector(_) => items(&ScalarType::F32),
        };
        Column { ty: ty.clone(), arrow_type, values }
    }

    pub(super) fn append_null(&mut self) {
        match &mut self.values {
            Values::Text(b) => b.append_null(),
            Values::Bool(b) => b.append_null(),
            Values::I8(b) => b.append_null(),
            Values::I16(b) => b.append_null(),
            Values::I32(b) => b.append_null(),
            Values::I64(b) => b.append_null(),
            Values::U8(b) => b.append_null(),
            Values::U16(b) => b.append_null(),
            Values::U32(b) => b.append_null(),
            Values::U64(b) => b.append_null(),
            Values::F32(b) => b.append_null(),
            Values::F64(b) => b.append_null(),
            Values::Date(b) => b.append_null(),
            Values::Instant(b) => b.append_null(),
            Values::Items { items, offsets, valid } => {
                if let ScalarType::Vector(dimension) = self.ty {
                    // A missing vector takes up as much room as any other.
                    for _ in 0..dimension {
                        items.append_null();
                    }
                }
                offsets.push(i32::try_from(items.len()).unwrap_or(i32::MAX));
                valid.push(false);
            }
        }
    }

    fn len(&self) -> usize {
        use arrow_array::builder::ArrayBuilder;
        match &self.values {
            Values::Text(b) => b.len(),
            Values::Bool(b) => b.len(),
            Values::I8(b) => b.len(),
            Values::I16(b) => b.len(),
            Values::I32(b) => b.len(),
            Values::I64(b) => b.len(),
            Values::U8(b) => b.len(),
            Values::U16(b) => b.len(),
            Values::U32(b) => b.len(),
            Values::U64(b) => b.len(),
            Values::F32(b) => b.len(),
            Values::F64(b) => b.len(),
            Values::Date(b) => b.len(),
            Values::Instant(b) => b.len(),
            Values::Items { valid, .. } => valid.len(),
        }
    }

    /// The column as it stands; an empty one remains.
    pub(super) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(match &mut self.values {
            Values::Text(b) => Arc::new(b.finish()),
            Values::Bool(b) => Arc::new(b.finish()),
            Values::I8(b) => Arc::new(b.finish()),
            Values::I16(b) => Arc::new(b.finish()),
            Values::I32(b) => Arc::new(b.finish()),
            Values::I64(b) => Arc::new(b.finish()),
            Values::U8(b) => Arc::new(b.finish()),
            Values::U16(b) => Arc::new(b.finish()),
            Values::U32(b) => Arc::new(b.finish()),
            Values::U64(b) => Arc::new(b.finish()),
            Values::F32(b) => Arc::new(b.finish()),
            Values::F64(b) => Arc::new(b.finish()),
            Values::Date(b) => Arc::new(b.finish()),
            Values::Instant(b) => Arc::new(b.finish()),
            Values::Items { items, offsets, valid } => {
                let items = items.finish()?;
                let offsets = std::mem::replace(offsets, vec![0]);
                let valid = std::mem::take(valid);
                let rows = valid.len();
                let nulls = valid.contains(&false).then(|| NullBuffer::from(valid));
                match &self.arrow_type {
                    DataType::List(field) => {
                        let offsets = OffsetBuffer::new(offsets.into());
                        Arc::new(ListArray::try_new(field.clone(), offsets, items, nulls)?)
                    }
                    DataType::FixedSizeList(field, size) => {
                        debug_assert_eq!(items.len(), rows * *size as usize);
                        Arc::new(FixedSizeListArray::try_new(field.clone(), *size, items, nulls)?)
                    }
                    other => return Err(ArrowError::SchemaError(format!("a list of type {other}"))),
                }
            }
        })
    }
}

impl Column {
    /// Puts one JSON value into the column; `optional`: whether `null` is a value. What does not fit is noted, and the
    /// value is read to its end all the same, so that the rest of the line can be checked too. After a problem the
    /// column is good for nothing but finding more.
    pub(super) fn put(
        &mut self,
        cursor: &mut Cursor<'_>,
        optional: bool,
        problem: &mut Option<Problem>,
    ) -> Result<(), Broken> {
        let token = cursor.token()?;
        let fits = match &token {
            Token::Text(text) => self.put_text(text),
            Token::Number(text) => self.put_number(text),
            Token::Bool(value) => self.put_bool(*value),
            Token::List if matches!(self.values, Values::Items { .. }) => return self.put_items(cursor, problem),
            Token::Null if optional => {
                self.append_null();
                true
            }
            Token::Null | Token::List | Token::Object => false,
        };
        if fits {
            return Ok(());
        }
        let found = match &token {
            Token::Text(text) => excerpt(text),
            Token::Number(text) => shorten(text, 40),
            Token::Bool(value) => value.to_string(),
            Token::Null => "null".to_owned(),
            Token::List => "a list".to_owned(),
            Token::Object => "an object".to_owned(),
        };
        cursor.skip_rest(&token)?;
        self.append_null();
        problem.get_or_insert_with(|| Problem { expected: expectation(&self.ty), found });
        Ok(())
    }

    fn put_bool(&mut self, value: bool) -> bool {
        let Values::Bool(b) = &mut self.values else { return false };
        b.append_value(value);
        true
    }

    fn put_text(&mut self, text: &str) -> bool {
        match (&mut self.values, &self.ty) {
            (Values::Text(b), ScalarType::Enum(variants)) => {
                let known = variants.iter().any(|variant| variant == text);
                if known {
                    b.append_value(text);
                }
                known
            }
            (Values::Text(b), _) => {
                b.append_value(text);
                true
            }
            (Values::Date(b), _) => parse_date(text).map(|days| b.append_value(days)).is_some(),
            (Values::Instant(b), _) => parse_instant(text).map(|micros| b.append_value(micros)).is_some(),
            _ => false,
        }
    }

    /// A number fits if the column holds exactly it, or for floats what is nearest to it.
    fn put_number(&mut self, text: &str) -> bool {
        fn fit<T: ArrowPrimitiveType>(builder: &mut PrimitiveBuilder<T>, text: &str) -> bool
        where
            T::Native: FromStr,
        {
            text.parse().map(|value| builder.append_value(value)).is_ok()
        }
        match &mut self.values {
            Values::I8(b) => fit(b, text),
            Values::I16(b) => fit(b, text),
            Values::I32(b) => fit(b, text),
            Values::I64(b) => fit(b, text),
            Values::U8(b) => fit(b, text),
            Values::U16(b) => fit(b, text),
            Values::U32(b) => fit(b, text),
            Values::U64(b) => fit(b, text),
            Values::F32(b) => text.parse().ok().filter(|v: &f32| v.is_finite()).map(|v| b.append_value(v)).is_some(),
            Values::F64(b) => text.parse().ok().filter(|v: &f64| v.is_finite()).map(|v| b.append_value(v)).is_some(),
            _ => false,
        }
    }

    fn put_items(&mut self, cursor: &mut Cursor<'_>, problem: &mut Option<Problem>) -> Result<(), Broken> {
        let Values::Items { items, offsets, valid } = &mut self.values else { return Ok(()) };
        let (mut first, mut count) = (true, 0u32);
        while cursor.next_item(&mut first)? {
            items.put(cursor, false, problem)?;
            count += 1;
        }
        offsets.push(i32::try_from(items.len()).unwrap_or(i32::MAX));
        valid.push(true);
        if let ScalarType::Vector(dimension) = self.ty
            && dimension != count
        {
            let expected = expectation(&self.ty);
            problem.get_or_insert(Problem { expected, found: format!("{count} numbers") });
        }
        Ok(())
    }
}

/// What a value of this type looks like in JSON.
pub(super) fn expectation(ty: &ScalarType) -> String {
    match ty {
        ScalarType::String => "a text".to_owned(),
        ScalarType::I8 => format!("an integer from {} to {}", i8::MIN, i8::MAX),
        ScalarType::I16 => format!("an integer from {} to {}", i16::MIN, i16::MAX),
        ScalarType::I32 => format!("an integer from {} to {}", i32::MIN, i32::MAX),
        ScalarType::I64 => format!("an integer from {} to {}", i64::MIN, i64::MAX),
        ScalarType::U8 => format!("an integer from 0 to {}", u8::MAX),
        ScalarType::U16 => format!("an integer from 0 to {}", u16::MAX),
        ScalarType::U32 => format!("an integer from 0 to {}", u32::MAX),
        ScalarType::U64 => format!("an integer from 0 to {}", u64::MAX),
        ScalarType::F32 => "a number that 32 bits can hold".to_owned(),
        ScalarType::F64 => "a number".to_owned(),
        ScalarType::Bool => "true or false".to_owned(),
        ScalarType::Date => "a date such as \"2024-02-29\"".to_owned(),
        ScalarType::DateTime => "an instant such as \"2024-02-29T12:30:00Z\", to the microsecond".to_owned(),
        ScalarType::Enum(variants) => format!("one of {}", shorten(&variants.join(", "), 200)),
        ScalarType::List(item) => format!("a list, each item {}", expectation(item)),
        ScalarType::Vector(dimension) => format!("a list of {dimension} numbers"),
    }
}

fn shorten(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
