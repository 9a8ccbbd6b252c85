//! Types that a value can be cast to.

use datafusion::sql::sqlparser::ast::{ArrayElemTypeDef, DataType, ExactNumberInfo, TimezoneInfo};

use super::refused;
use crate::error::{Error, Result};

/// Digits of a decimal; more than 38 would need 256 bits.
const DIGITS_MAX: u64 = 38;
/// Lists of lists of lists …
const LIST_LEVELS_MAX: usize = 4;

/// Whether a value can be cast to that type, and the type says what becomes of the value.
pub(super) fn castable(ty: &DataType) -> Result<()> {
    let mut ty = ty;
    for _ in 0..=LIST_LEVELS_MAX {
        match ty {
            DataType::Array(ArrayElemTypeDef::SquareBracket(item, None) | ArrayElemTypeDef::AngleBracket(item)) => {
                ty = item
            }
            item => return single(item),
        }
    }
    Err(Error::invalid(format!("a type has more than {LIST_LEVELS_MAX} levels of lists")))
}

fn single(ty: &DataType) -> Result<()> {
    match ty {
        DataType::Boolean
        | DataType::Bool
        | DataType::TinyInt(None)
        | DataType::SmallInt(None)
        | DataType::Int2(None)
        | DataType::Int(None)
        | DataType::Integer(None)
        | DataType::Int4(None)
        | DataType::BigInt(None)
        | DataType::Int8(None)
        | DataType::TinyIntUnsigned(None)
        | DataType::SmallIntUnsigned(None)
        | DataType::Int2Unsigned(None)
        | DataType::IntUnsigned(None)
        | DataType::IntegerUnsigned(None)
        | DataType::Int4Unsigned(None)
        | DataType::BigIntUnsigned(None)
        | DataType::Int8Unsigned(None)
        | DataType::Float(ExactNumberInfo::None)
        | DataType::Real
        | DataType::Float4
        | DataType::Double(ExactNumberInfo::None)
        | DataType::DoublePrecision
        | DataType::Float8
        | DataType::Varchar(None)
        | DataType::Char(None)
        | DataType::Text
        | DataType::String(None)
        | DataType::Date
        | DataType::Time(None, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone)
        | DataType::Timestamp(None | Some(0 | 3 | 6 | 9), _)
        | DataType::Interval { fields: None, precision: None } => Ok(()),
        DataType::Numeric(info) | DataType::Decimal(info) => {
            let digits = match info {
                ExactNumberInfo::None => 0,
                ExactNumberInfo::Precision(digits) | ExactNumberInfo::PrecisionAndScale(digits, _) => *digits,
            };
            if digits > DIGITS_MAX {
                return Err(Error::invalid(format!(
                    "a decimal has {digits} digits, at most {DIGITS_MAX} are supported"
                )));
            }
            Ok(())
        }
        // A length would be read and not kept to.
        other => Err(refused(format_args!("the type {other}"))),
    }
}
