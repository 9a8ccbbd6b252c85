//! The types that a property can have, each with the values at which engines go wrong, and a way to draw others.

use chrono::{DateTime, NaiveDate};
use proptest::prelude::*;

use super::value::Value;

/// A type as a schema writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// The name, the least and the largest.
    Integer(&'static str, i128, i128),
    Single,
    Double,
    Bool,
    Day,
    Instant,
    Word,
    List(Box<Kind>),
    Vector(usize),
}

pub const INTEGERS: [(&str, i128, i128); 8] = [
    ("I8", i8::MIN as i128, i8::MAX as i128),
    ("I16", i16::MIN as i128, i16::MAX as i128),
    ("I32", i32::MIN as i128, i32::MAX as i128),
    ("I64", i64::MIN as i128, i64::MAX as i128),
    ("U8", 0, u8::MAX as i128),
    ("U16", 0, u16::MAX as i128),
    ("U32", 0, u32::MAX as i128),
    ("U64", 0, u64::MAX as i128),
];

const WORDS: [&str; 4] = ["red", "Red", "NULL", "null"];

impl Kind {
    /// Every type that is no list.
    pub fn single() -> Vec<Kind> {
        let integers = INTEGERS.into_iter().map(|(name, least, largest)| Kind::Integer(name, least, largest));
        integers
            .chain([Kind::Text, Kind::Single, Kind::Double, Kind::Bool, Kind::Day, Kind::Instant, Kind::Word])
            .collect()
    }

    pub fn all() -> Vec<Kind> {
        let lists = Kind::single().into_iter().map(|item| Kind::List(Box::new(item)));
        Kind::single().into_iter().chain(lists).chain([Kind::Vector(1), Kind::Vector(3)]).collect()
    }

    /// Whether rows can be addressed by it.
    pub fn is_key(&self) -> bool {
        !matches!(self, Kind::Single | Kind::Double | Kind::List(_) | Kind::Vector(_))
    }

    pub fn schema(&self) -> String {
        match self {
            Kind::Text => "String".to_owned(),
            Kind::Integer(name, ..) => (*name).to_owned(),
            Kind::Single => "F32".to_owned(),
            Kind::Double => "F64".to_owned(),
            Kind::Bool => "Bool".to_owned(),
            Kind::Day => "Date".to_owned(),
            Kind::Instant => "DateTime".to_owned(),
            Kind::Word => format!("enum({})", WORDS.join(", ")),
            Kind::List(item) => format!("[{}]", item.schema()),
            Kind::Vector(dimension) => format!("Vector({dimension})"),
        }
    }

    /// The values at which engines go wrong.
    pub fn boundaries(&self) -> Vec<Value> {
        match self {
            Kind::Text => texts().into_iter().map(Value::Text).collect(),
            Kind::Integer(_, least, largest) => integers(*least, *largest),
            Kind::Single => singles().into_iter().map(|value| Value::Single(value.to_bits())).collect(),
            Kind::Double => doubles().into_iter().map(|value| Value::Double(value.to_bits())).collect(),
            Kind::Bool => vec![Value::Bool(false), Value::Bool(true)],
            Kind::Day => DAYS.into_iter().map(|text| Value::Day(day(text))).collect(),
            Kind::Instant => INSTANTS.into_iter().map(|text| Value::Instant(instant(text))).collect(),
            Kind::Word => WORDS.into_iter().map(|word| Value::Text(word.to_owned())).collect(),
            Kind::List(item) => {
                let items = item.boundaries();
                let each = items.iter().map(|item| Value::List(vec![item.clone()]));
                [Value::List(vec![]), Value::List(items.clone())].into_iter().chain(each).collect()
            }
            Kind::Vector(dimension) => {
                let items = Kind::Single.boundaries();
                let at = |at| items.iter().cycle().skip(at).take(*dimension).cloned().collect();
                (0..items.len()).map(|row| Value::List(at(row))).collect()
            }
        }
    }

    /// Any value, the boundaries often.
    pub fn values(&self) -> BoxedStrategy<Value> {
        let any = match self {
            Kind::Text => any::<String>().prop_map(Value::Text).boxed(),
            Kind::Integer(_, least, largest) => (*least..=*largest).prop_map(Value::Integer).boxed(),
            Kind::Single => any::<u32>().prop_map(finite_single).boxed(),
            Kind::Double => any::<u64>().prop_map(finite_double).boxed(),
            Kind::Bool | Kind::Word => return proptest::sample::select(self.boundaries()).boxed(),
            Kind::Day => (day(DAYS[0])..=day(DAYS[1])).prop_map(Value::Day).boxed(),
            Kind::Instant => (instant(INSTANTS[0])..=instant(INSTANTS[1])).prop_map(Value::Instant).boxed(),
            Kind::List(item) => return proptest::collection::vec(item.values(), 0..4).prop_map(Value::List).boxed(),
            Kind::Vector(dimension) => {
                return proptest::collection::vec(Kind::Single.values(), *dimension).prop_map(Value::List).boxed();
            }
        };
        prop_oneof![proptest::sample::select(self.boundaries()), any].boxed()
    }
}

fn integers(least: i128, largest: i128) -> Vec<Value> {
    let near = |at: i128| [at - 1, at, at + 1];
    // Beyond 2^53 a float does not hold every integer; below the others smaller types end.
    let places = [0, 7, 8, 15, 16, 24, 31, 32, 53, 63].into_iter().flat_map(|bits| [1_i128 << bits, -(1_i128 << bits)]);
    let mut all: Vec<i128> = places.flat_map(near).chain([least, least + 1, largest - 1, largest]).collect();
    all.retain(|value| (least..=largest).contains(value));
    all.sort_unstable();
    all.dedup();
    all.into_iter().map(Value::Integer).collect()
}

/// The first two are the least and the largest.
const DAYS: [&str; 8] =
    ["0001-01-01", "9999-12-31", "1970-01-01", "1969-12-31", "2024-02-29", "1900-02-28", "1582-10-10", "0004-02-29"];

/// The first two are the least and the largest.
const INSTANTS: [&str; 9] = [
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    "1970-01-01T00:00:00Z",
    "1969-12-31T23:59:59.999999Z",
    "2024-02-29T23:59:59.000001Z",
    "2038-01-19T03:14:08Z",
    "1900-01-01T00:00:00.100000Z",
    "1677-09-21T00:12:43.145224Z",
    "2262-04-11T23:47:16.854776Z",
];

fn day(text: &str) -> i32 {
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a day");
    let days = text.parse::<NaiveDate>().expect("a day").signed_duration_since(epoch).num_days();
    i32::try_from(days).expect("few days")
}

fn instant(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).expect("an instant").timestamp_micros()
}

fn texts() -> Vec<String> {
    let texts = [
        "",
        " ",
        "a",
        "'",
        "\"",
        "\\",
        "\\n",
        "\n\r\t",
        "\0",
        "a\0b",
        "\u{1b}[2J",
        "\u{7f}",
        "\u{feff}a",
        "é",
        "e\u{301}",
        "𝄞😀",
        "\u{10ffff}",
        "\u{202e}abc",
        "\u{2028}",
        "NULL",
        "null",
        "true",
        "1",
        "1e5",
        "NaN",
        "{\"a\":1}",
        "[1]",
        "; DROP",
        "--",
        "/* */",
        "%_",
        "$1",
        "?",
        "2024-02-29",
    ];
    texts.into_iter().map(str::to_owned).chain(["x".repeat(100_000), "𝄞".repeat(300)]).collect()
}

fn singles() -> Vec<f32> {
    let values = [
        0.0,
        1.0,
        0.1,
        1.5,
        f32::MIN_POSITIVE,
        f32::from_bits(1),
        f32::from_bits(0x007f_ffff),
        f32::MAX,
        f32::EPSILON,
        16_777_216.0,
        16_777_218.0,
        8_388_608.5,
        1.1754942e-38,
        3.4028233e38,
        9.8765e-39,
        1e-45,
        7.038531e-26,
        33_554_432.0,
    ];
    values.into_iter().flat_map(|value| [value, -value]).collect()
}

fn doubles() -> Vec<f64> {
    let values = [
        0.0,
        1.0,
        0.1,
        0.3,
        1.5,
        f64::MIN_POSITIVE,
        5e-324,
        f64::from_bits(0x000f_ffff_ffff_ffff),
        f64::MAX,
        f64::EPSILON,
        9_007_199_254_740_991.0,
        9_007_199_254_740_992.0,
        9_007_199_254_740_994.0,
        1e15,
        1e16,
        1e17,
        1e21,
        1e22,
        1e23,
        1e-7,
        9.5367431640625e-7,
        2.225073858507201e-308,
        1.7976931348623155e308,
        8.41e21,
        2.0_f64.powi(63),
        2.0_f64.powi(64),
        123_456_789.123_456_78,
        0.1_f32 as f64,
        5.0e-5,
        4.35,
        2.675,
    ];
    values.into_iter().flat_map(|value| [value, -value]).collect()
}

/// No column holds what is no number.
fn finite_single(bits: u32) -> Value {
    Value::Single(if f32::from_bits(bits).is_finite() { bits } else { bits & !(1 << 30) })
}

fn finite_double(bits: u64) -> Value {
    Value::Double(if f64::from_bits(bits).is_finite() { bits } else { bits & !(1 << 62) })
}
