//! Arrow arrays, of whatever type, as values.
//!
//! A slice is read from where it begins, a row that is missing hides what lies beneath it, and the same value is the same
//! whatever its encoding: dictionaries, runs and views are looked through.

use std::ops::Range;
use std::rc::Rc;

use arrow_array::cast::AsArray;
use arrow_array::timezone::Tz;
use arrow_array::types::*;
use arrow_array::{Array, OffsetSizeTrait, UnionArray, downcast_dictionary_array, downcast_run_array};
use arrow_cast::display::array_value_to_string;
use arrow_schema::{DataType, IntervalUnit, TimeUnit};
use datafusion::arrow::buffer::NullBuffer;

/// A value, before anybody knows what it is for.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Missing,
    Bool(bool),
    Integer(i128),
    /// A number as its text says it, with a fraction and an exponent perhaps; it is well-formed.
    Written(&'a str),
    /// A decimal of SQL, as text.
    Decimal(String),
    Single(f32),
    Double(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// Days since 1970-01-01.
    Day(i64),
    Instant(Instant),
    /// A time of day: seconds and nanoseconds.
    Time(i64, u32),
    Span(Span),
    List(Items<'a>),
    Record(Vec<(&'a str, Value<'a>)>),
    /// Something that only has a text.
    Other(String),
}

/// Seconds and nanoseconds since 1970-01-01T00:00:00Z. A timestamp without a zone is one in UTC.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instant {
    pub(crate) seconds: i64,
    pub(crate) nanos: u32,
    /// Where it is to be shown, if not in UTC.
    pub(super) zone: Option<Tz>,
}

/// An interval or a duration. Its parts are not comparable: a month is no number of days.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(super) months: i64,
    pub(super) days: i64,
    pub(super) nanos: i128,
}

/// The items of one list.
#[derive(Clone)]
pub(crate) struct Items<'a> {
    reader: Rc<Reader<'a>>,
    range: Range<usize>,
}

impl<'a> Items<'a> {
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = Value<'a>> + '_ {
        self.range.clone().map(|at| self.reader.get(at))
    }
}

impl std::fmt::Debug for Items<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

type Get<'a> = Box<dyn Fn(usize) -> Value<'a> + 'a>;

/// Reads an array.
pub(crate) struct Reader<'a> {
    nulls: Option<NullBuffer>,
    get: Get<'a>,
}

impl<'a> Reader<'a> {
    pub(crate) fn of(array: &'a dyn Array) -> Self {
        // Runs and unions have no nulls of their own; what they lead to has.
        Reader { nulls: array.nulls().cloned(), get: getter(array) }
    }

    pub(crate) fn get(&self, row: usize) -> Value<'a> {
        match &self.nulls {
            Some(nulls) if nulls.is_null(row) => Value::Missing,
            _ => (self.get)(row),
        }
    }
}

fn getter<'a>(array: &'a dyn Array) -> Get<'a> {
    macro_rules! primitive {
        ($ty:ty, $value:ident => $read:expr) => {{
            let values = array.as_primitive::<$ty>();
            Box::new(move |row| {
                let $value = values.value(row);
                $read
            })
        }};
    }
    macro_rules! integer {
        ($ty:ty) => {
            primitive!($ty, value => Value::Integer(value.into()))
        };
    }
    match array.data_type() {
        DataType::Null => Box::new(|_| Value::Missing),
        DataType::Boolean => {
            let values = array.as_boolean();
            Box::new(move |row| Value::Bool(values.value(row)))
        }
        DataType::Int8 => integer!(Int8Type),
        DataType::Int16 => integer!(Int16Type),
        DataType::Int32 => integer!(Int32Type),
        DataType::Int64 => integer!(Int64Type),
        DataType::UInt8 => integer!(UInt8Type),
        DataType::UInt16 => integer!(UInt16Type),
        DataType::UInt32 => integer!(UInt32Type),
        DataType::UInt64 => integer!(UInt64Type),
        DataType::Float16 => primitive!(Float16Type, value => Value::Single(value.to_f32())),
        DataType::Float32 => primitive!(Float32Type, value => Value::Single(value)),
        DataType::Float64 => primitive!(Float64Type, value => Value::Double(value)),
        DataType::Decimal32(_, scale) => decimal(*scale, primitive_text::<Decimal32Type>(array)),
        DataType::Decimal64(_, scale) => decimal(*scale, primitive_text::<Decimal64Type>(array)),
        DataType::Decimal128(_, scale) => decimal(*scale, primitive_text::<Decimal128Type>(array)),
        DataType::Decimal256(_, scale) => decimal(*scale, primitive_text::<Decimal256Type>(array)),
        DataType::Utf8 => text(array, |array, row| array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => text(array, |array, row| array.as_string::<i64>().value(row)),
        DataType::Utf8View => text(array, |array, row| array.as_string_view().value(row)),
        DataType::Binary => bytes(array, |array, row| array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => bytes(array, |array, row| array.as_binary::<i64>().value(row)),
        DataType::BinaryView => bytes(array, |array, row| array.as_binary_view().value(row)),
        DataType::FixedSizeBinary(_) => bytes(array, |array, row| array.as_fixed_size_binary().value(row)),
        DataType::Date32 => primitive!(Date32Type, days => Value::Day(days.into())),
        DataType::Date64 => primitive!(Date64Type, millis => midnight(millis)),
        DataType::Timestamp(unit, zone) => timestamp(array, *unit, zone.as_deref()),
        DataType::Time32(TimeUnit::Second) => primitive!(Time32SecondType, value => time(value.into(), 1)),
        DataType::Time32(_) => primitive!(Time32MillisecondType, value => time(value.into(), 1_000)),
        DataType::Time64(TimeUnit::Microsecond) => primitive!(Time64MicrosecondType, value => time(value, 1_000_000)),
        DataType::Time64(_) => primitive!(Time64NanosecondType, value => time(value, 1_000_000_000)),
        DataType::Duration(TimeUnit::Second) => primitive!(DurationSecondType, value => lasting(value, 1_000_000_000)),
        DataType::Duration(TimeUnit::Millisecond) => {
            primitive!(DurationMillisecondType, value => lasting(value, 1_000_000))
        }
        DataType::Duration(TimeUnit::Microsecond) => {
            primitive!(DurationMicrosecondType, value => lasting(value, 1_000))
        }
        DataType::Duration(TimeUnit::Nanosecond) => primitive!(DurationNanosecondType, value => lasting(value, 1)),
        DataType::Interval(IntervalUnit::YearMonth) => {
            primitive!(IntervalYearMonthType, months => Value::Span(Span { months: months.into(), days: 0, nanos: 0 }))
        }
        DataType::Interval(IntervalUnit::DayTime) => primitive!(IntervalDayTimeType, value => {
            let nanos = i128::from(value.milliseconds) * 1_000_000;
            Value::Span(Span { months: 0, days: value.days.into(), nanos })
        }),
        DataType::Interval(IntervalUnit::MonthDayNano) => primitive!(IntervalMonthDayNanoType, value => {
            Value::Span(Span { months: value.months.into(), days: value.days.into(), nanos: value.nanoseconds.into() })
        }),
        DataType::List(_) => list::<i32>(array),
        DataType::LargeList(_) => list::<i64>(array),
        DataType::ListView(_) => list_view::<i32>(array),
        DataType::LargeListView(_) => list_view::<i64>(array),
        DataType::FixedSizeList(_, size) => {
            let (size, lists) = (usize::try_from(*size).unwrap_or_default(), array.as_fixed_size_list());
            items(lists.values().as_ref(), move |row| row * size..(row + 1) * size)
        }
        DataType::Map(..) => {
            let maps = array.as_map();
            let offsets = maps.offsets();
            items(maps.entries(), move |row| offsets[row] as usize..offsets[row + 1] as usize)
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns().iter().map(|column| Reader::of(column.as_ref()));
            let named: Vec<(&str, Reader<'_>)> =
                fields.iter().map(|field| field.name().as_str()).zip(columns).collect();
            Box::new(move |row| Value::Record(named.iter().map(|(name, reader)| (*name, reader.get(row))).collect()))
        }
        DataType::Dictionary(..) => downcast_dictionary_array!(
            array => {
                let values = Reader::of(array.values().as_ref());
                Box::new(move |row| array.key(row).map_or(Value::Missing, |key| values.get(key)))
            }
            _ => other(array)
        ),
        DataType::RunEndEncoded(..) => downcast_run_array!(
            array => {
                let values = Reader::of(array.values().as_ref());
                Box::new(move |row| values.get(array.get_physical_index(row)))
            },
            _ => other(array)
        ),
        DataType::Union(fields, _) => {
            let union: &UnionArray = array.as_union();
            let children = fields.iter().map(|(id, _)| (id, Reader::of(union.child(id).as_ref())));
            let children: Vec<(i8, Reader<'_>)> = children.collect();
            Box::new(move |row| {
                let id = union.type_id(row);
                let child = children.iter().find(|(other, _)| *other == id);
                child.map_or(Value::Missing, |(_, reader)| reader.get(union.value_offset(row)))
            })
        }
    }
}

fn text<'a>(array: &'a dyn Array, value: impl Fn(&'a dyn Array, usize) -> &'a str + 'a) -> Get<'a> {
    Box::new(move |row| Value::Text(value(array, row)))
}

fn bytes<'a>(array: &'a dyn Array, value: impl Fn(&'a dyn Array, usize) -> &'a [u8] + 'a) -> Get<'a> {
    Box::new(move |row| Value::Bytes(value(array, row)))
}

fn other<'a>(array: &'a dyn Array) -> Get<'a> {
    Box::new(move |row| Value::Other(array_value_to_string(array, row).unwrap_or_default()))
}

fn items<'a>(values: &'a dyn Array, range: impl Fn(usize) -> Range<usize> + 'a) -> Get<'a> {
    let reader = Rc::new(Reader::of(values));
    Box::new(move |row| Value::List(Items { reader: Rc::clone(&reader), range: range(row) }))
}

fn list<'a, O: OffsetSizeTrait>(array: &'a dyn Array) -> Get<'a> {
    let lists = array.as_list::<O>();
    let offsets = lists.offsets();
    items(lists.values().as_ref(), move |row| offsets[row].as_usize()..offsets[row + 1].as_usize())
}

fn list_view<'a, O: OffsetSizeTrait>(array: &'a dyn Array) -> Get<'a> {
    let lists = array.as_list_view::<O>();
    items(lists.values().as_ref(), move |row| {
        let first = lists.offsets()[row].as_usize();
        first..first + lists.sizes()[row].as_usize()
    })
}

fn primitive_text<'a, T: DecimalType>(array: &'a dyn Array) -> impl Fn(usize) -> String + 'a
where
    T::Native: std::fmt::Display,
{
    let values = array.as_primitive::<T>();
    move |row| values.value(row).to_string()
}

/// Decimals: whole numbers, and how many of their digits stand after the point.
fn decimal<'a>(scale: i8, unscaled: impl Fn(usize) -> String + 'a) -> Get<'a> {
    Box::new(move |row| {
        let unscaled = unscaled(row);
        let (sign, digits) = match unscaled.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", unscaled.as_str()),
        };
        let after = usize::from(scale.unsigned_abs());
        Value::Decimal(match scale {
            0 => unscaled,
            // Digits that are missing before the point are zeros.
            1.. => {
                let digits = format!("{digits:0>width$}", width = after + 1);
                let (whole, fraction) = digits.split_at(digits.len() - after);
                format!("{sign}{whole}.{fraction}")
            }
            _ if digits == "0" => unscaled,
            _ => format!("{unscaled}{}", "0".repeat(after)),
        })
    })
}

/// Of what a `Date64` holds, the day alone if it is nothing but a day.
fn midnight<'a>(millis: i64) -> Value<'a> {
    match millis.rem_euclid(86_400_000) {
        0 => Value::Day(millis.div_euclid(86_400_000)),
        _ => Value::Instant(instant(millis, 1_000, None)),
    }
}

fn timestamp<'a>(array: &'a dyn Array, unit: TimeUnit, zone: Option<&'a str>) -> Get<'a> {
    fn values<'a, T: ArrowTimestampType>(array: &'a dyn Array, per_second: i64, zone: Option<Tz>) -> Get<'a> {
        let values = array.as_primitive::<T>();
        Box::new(move |row| Value::Instant(instant(values.value(row), per_second, zone)))
    }
    let zone = zone.filter(|zone| !["UTC", "+00:00", "Z"].contains(zone)).and_then(|zone| zone.parse().ok());
    match unit {
        TimeUnit::Second => values::<TimestampSecondType>(array, 1, zone),
        TimeUnit::Millisecond => values::<TimestampMillisecondType>(array, 1_000, zone),
        TimeUnit::Microsecond => values::<TimestampMicrosecondType>(array, 1_000_000, zone),
        TimeUnit::Nanosecond => values::<TimestampNanosecondType>(array, 1_000_000_000, zone),
    }
}

fn instant(value: i64, per_second: i64, zone: Option<Tz>) -> Instant {
    let (seconds, rest) = (value.div_euclid(per_second), value.rem_euclid(per_second));
    Instant { seconds, nanos: (rest * (1_000_000_000 / per_second)) as u32, zone }
}

fn time<'a>(value: i64, per_second: i64) -> Value<'a> {
    let Instant { seconds, nanos, .. } = instant(value, per_second, None);
    Value::Time(seconds, nanos)
}

fn lasting<'a>(value: i64, nanos: i128) -> Value<'a> {
    Value::Span(Span { months: 0, days: 0, nanos: i128::from(value) * nanos })
}
