//! The types a property can have, and what they are in Arrow.

use std::fmt;
use std::sync::Arc;

use arrow_schema::{DataType, Field, TimeUnit};
use serde::{Deserialize, Serialize};

/// The type of a property's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ScalarType {
    /// UTF-8 text.
    String,
    /// Signed integer of 8 bits.
    I8,
    /// Signed integer of 16 bits.
    I16,
    /// Signed integer of 32 bits.
    I32,
    /// Signed integer of 64 bits.
    I64,
    /// Unsigned integer of 8 bits.
    U8,
    /// Unsigned integer of 16 bits.
    U16,
    /// Unsigned integer of 32 bits.
    U32,
    /// Unsigned integer of 64 bits.
    U64,
    /// IEEE 754 number of 32 bits.
    F32,
    /// IEEE 754 number of 64 bits.
    F64,
    /// True or false.
    Bool,
    /// A day of the proleptic Gregorian calendar, without a time zone.
    Date,
    /// An instant, in microseconds since 1970-01-01T00:00:00Z.
    DateTime,
    /// One of a fixed set of words. Stored as text and checked by every writer.
    Enum(Vec<String>),
    /// Any number of values of one type, none of them null.
    List(Box<ScalarType>),
    /// A fixed number of 32-bit floats.
    Vector(u32),
}

impl ScalarType {
    /// The types that are written as a single word.
    pub const WORDS: [(&'static str, ScalarType); 14] = [
        ("String", ScalarType::String),
        ("I8", ScalarType::I8),
        ("I16", ScalarType::I16),
        ("I32", ScalarType::I32),
        ("I64", ScalarType::I64),
        ("U8", ScalarType::U8),
        ("U16", ScalarType::U16),
        ("U32", ScalarType::U32),
        ("U64", ScalarType::U64),
        ("F32", ScalarType::F32),
        ("F64", ScalarType::F64),
        ("Bool", ScalarType::Bool),
        ("Date", ScalarType::Date),
        ("DateTime", ScalarType::DateTime),
    ];

    /// The Arrow type of a column of this type.
    pub fn arrow_type(&self) -> DataType {
        match self {
            ScalarType::String | ScalarType::Enum(_) => DataType::Utf8,
            ScalarType::I8 => DataType::Int8,
            ScalarType::I16 => DataType::Int16,
            ScalarType::I32 => DataType::Int32,
            ScalarType::I64 => DataType::Int64,
            ScalarType::U8 => DataType::UInt8,
            ScalarType::U16 => DataType::UInt16,
            ScalarType::U32 => DataType::UInt32,
            ScalarType::U64 => DataType::UInt64,
            ScalarType::F32 => DataType::Float32,
            ScalarType::F64 => DataType::Float64,
            ScalarType::Bool => DataType::Boolean,
            ScalarType::Date => DataType::Date32,
            ScalarType::DateTime => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            ScalarType::List(item) => DataType::List(Arc::new(Field::new("item", item.arrow_type(), false))),
            ScalarType::Vector(dimension) => DataType::FixedSizeList(
                Arc::new(Field::new("item", DataType::Float32, true)),
                i32::try_from(*dimension).unwrap_or(i32::MAX),
            ),
        }
    }

    /// Whether equality of two values is exact and total, so that rows can be addressed by it.
    /// Floats are out (NaN, two zeros), lists and vectors are out.
    pub fn is_addressable(&self) -> bool {
        !matches!(self, ScalarType::F32 | ScalarType::F64 | ScalarType::List(_) | ScalarType::Vector(_))
    }
}

/// As it is written in the schema language.
impl fmt::Display for ScalarType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScalarType::Enum(variants) => write!(f, "enum({})", variants.join(", ")),
            ScalarType::List(item) => write!(f, "[{item}]"),
            ScalarType::Vector(dimension) => write!(f, "Vector({dimension})"),
            word => {
                let name = ScalarType::WORDS.iter().find(|(_, ty)| ty == word).map_or("?", |(name, _)| name);
                f.write_str(name)
            }
        }
    }
}
