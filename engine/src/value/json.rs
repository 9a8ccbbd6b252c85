//! Values → JSON lines, as the door for values reads them.
//!
//! Every value is shown exactly: integers and decimals digit by digit, floats with the fewest digits that lead back to
//! them, a missing value as `null`. What JSON has no word for is a text.

use std::io;

use arrow_array::RecordBatch;
use chrono::{DateTime, Offset, TimeZone};

use super::calendar::{put, put_date, put_moment, put_time};
use super::cell::{Instant, Reader, Span, Value};

/// Writes the rows of `batch`, one JSON object a line.
///
/// # Errors
/// Those of `out`.
pub fn write_rows(batch: &RecordBatch, out: &mut impl io::Write) -> io::Result<()> {
    let schema = batch.schema_ref();
    let names: Vec<Vec<u8>> = schema.fields().iter().map(|field| key(field.name())).collect();
    let readers: Vec<Reader<'_>> = batch.columns().iter().map(|column| Reader::of(column.as_ref())).collect();
    let mut line = Vec::new();
    for row in 0..batch.num_rows() {
        line.clear();
        line.push(b'{');
        for (at, (name, reader)) in names.iter().zip(&readers).enumerate() {
            if at > 0 {
                line.push(b',');
            }
            line.extend_from_slice(name);
            put_value(&mut line, reader.get(row));
        }
        line.extend_from_slice(b"}\n");
        out.write_all(&line)?;
    }
    Ok(())
}

/// A name, up to its value.
fn key(name: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len() + 3);
    put_text(&mut key, name);
    key.push(b':');
    key
}

/// One value as JSON.
pub(crate) fn put_value(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Missing => out.extend_from_slice(b"null"),
        Value::Bool(value) => put(out, format_args!("{value}")),
        Value::Integer(value) => put(out, format_args!("{value}")),
        Value::Written(text) => out.extend_from_slice(text.as_bytes()),
        Value::Decimal(text) => out.extend_from_slice(text.as_bytes()),
        // The shortest text that reads as the same number, always with a point or an exponent.
        Value::Single(value) if value.is_finite() => put(out, format_args!("{value:?}")),
        Value::Double(value) if value.is_finite() => put(out, format_args!("{value:?}")),
        Value::Single(value) => put_text(out, beyond(value.into())),
        Value::Double(value) => put_text(out, beyond(value)),
        Value::Text(text) => put_text(out, text),
        Value::Other(text) => put_text(out, &text),
        Value::Bytes(bytes) => quote(out, |out| bytes.iter().for_each(|byte| put(out, format_args!("{byte:02x}")))),
        Value::Day(days) => quote(out, |out| put_date(out, days)),
        Value::Instant(at) => quote(out, |out| put_instant(out, at)),
        Value::Time(seconds, nanos) => quote(out, |out| put_time(out, seconds, nanos)),
        Value::Span(span) => quote(out, |out| put_span(out, span)),
        Value::List(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                put_value(out, item);
            }
            out.push(b']');
        }
        Value::Record(members) => {
            out.push(b'{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                put_text(out, name);
                out.push(b':');
                put_value(out, value);
            }
            out.push(b'}');
        }
    }
}

/// A number that is none; no column holds it, but SQL can come to it.
fn beyond(value: f64) -> &'static str {
    match value {
        value if value.is_nan() => "NaN",
        value if value > 0.0 => "Infinity",
        _ => "-Infinity",
    }
}

/// Nothing that is put in between needs to be escaped.
fn quote(out: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    put(out);
    out.push(b'"');
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut plain = 0;
    for (at, character) in text.char_indices().filter(|(_, character)| is_escaped(*character)) {
        out.extend_from_slice(&text.as_bytes()[plain..at]);
        plain = at + character.len_utf8();
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            other => put(out, format_args!("\\u{:04x}", u32::from(other))),
        }
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
    out.push(b'"');
}

/// What JSON wants escaped, and what would move the cursor of a terminal or turn the direction of its text.
fn is_escaped(character: char) -> bool {
    matches!(
        character,
        '"' | '\\'
            | '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
    )
}

/// RFC 3339: in UTC, or with the offset of the zone that SQL was asked for.
fn put_instant(out: &mut Vec<u8>, at: Instant) {
    let Instant { seconds, nanos, zone } = at;
    let offset = zone.and_then(|zone| {
        let at = DateTime::from_timestamp(seconds, 0)?.naive_utc();
        let offset = zone.offset_from_utc_datetime(&at).fix().local_minus_utc();
        // Of old offsets some have seconds, which cannot be written.
        (offset % 60 == 0).then_some(offset)
    });
    let Some(offset) = offset else {
        put_moment(out, seconds, nanos);
        return out.push(b'Z');
    };
    put_moment(out, seconds + i64::from(offset), nanos);
    let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs() / 60);
    put(out, format_args!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
}

/// ISO 8601: `P1M2DT3.5S`.
fn put_span(out: &mut Vec<u8>, span: Span) {
    let Span { months, days, nanos } = span;
    out.push(b'P');
    if months != 0 {
        put(out, format_args!("{months}M"));
    }
    if days != 0 {
        put(out, format_args!("{days}D"));
    }
    if nanos != 0 || (months, days) == (0, 0) {
        let (sign, nanos) = (if nanos < 0 { "-" } else { "" }, nanos.unsigned_abs());
        put(out, format_args!("T{sign}{}", nanos / 1_000_000_000));
        let fraction = format!("{:09}", nanos % 1_000_000_000);
        let fraction = fraction.trim_end_matches('0');
        if !fraction.is_empty() {
            put(out, format_args!(".{fraction}"));
        }
        out.push(b'S');
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::builder::{Int32Builder, ListBuilder, MapBuilder, StringBuilder};
    use arrow_array::types::{Float32Type, Int8Type};
    use arrow_array::*;
    use arrow_schema::{DataType, Field};
    use datafusion::arrow::buffer::NullBuffer;
    use datafusion::arrow::datatypes::{IntervalMonthDayNano, i256};
    use rstest::rstest;

    use super::*;

    fn shown(column: ArrayRef) -> Vec<String> {
        let batch = RecordBatch::try_from_iter([("a", column)]).unwrap();
        let mut out = Vec::new();
        write_rows(&batch, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        for line in text.lines() {
            serde_json::from_str::<serde_json::Value>(line).expect("it is JSON");
        }
        text.lines().map(|line| line[5..line.len() - 1].to_owned()).collect()
    }

    #[rstest]
    #[case::integers(Arc::new(Int64Array::from(vec![i64::MIN, i64::MAX])), &["-9223372036854775808", "9223372036854775807"])]
    #[case::unsigned(Arc::new(UInt64Array::from(vec![u64::MAX])), &["18446744073709551615"])]
    #[case::doubles(
        Arc::new(Float64Array::from(vec![0.1, -0.0, 1e300, 5e-324, 1.0])),
        &["0.1", "-0.0", "1e300", "5e-324", "1.0"]
    )]
    #[case::singles(Arc::new(Float32Array::from(vec![0.1, 16_777_216.0, 3.4e38])), &["0.1", "16777216.0", "3.4e38"])]
    #[case::no_numbers(
        Arc::new(Float64Array::from(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY])),
        &["\"NaN\"", "\"Infinity\"", "\"-Infinity\""]
    )]
    #[case::decimals(
        Arc::new(Decimal128Array::from(vec![5, -5, 12_345, 0]).with_precision_and_scale(5, 3).unwrap()),
        &["0.005", "-0.005", "12.345", "0.000"]
    )]
    #[case::decimals_of_hundreds(
        Arc::new(Decimal256Array::from(vec![i256::from(-12), i256::from(0)]).with_precision_and_scale(5, -2).unwrap()),
        &["-1200", "0"]
    )]
    #[case::texts(
        Arc::new(StringViewArray::from(vec!["", "é\"\\\n\0\u{1b}[2J\u{9b}\u{202e}x"])),
        &["\"\"", r#""é\"\\\n\u0000\u001b[2J\u009b\u202ex""#]
    )]
    #[case::bytes(Arc::new(BinaryArray::from(vec![b"\x00\xff".as_slice()])), &["\"00ff\""])]
    #[case::days(Arc::new(Date32Array::from(vec![0, -719_162, i32::MAX])), &["\"1970-01-01\"", "\"0001-01-01\"", "\"+5881580-07-11\""])]
    #[case::midnight(Arc::new(Date64Array::from(vec![86_400_000, 1])), &["\"1970-01-02\"", "\"1970-01-01T00:00:00.001Z\""])]
    #[case::instants(
        Arc::new(TimestampMicrosecondArray::from(vec![-1, 1_000_000]).with_timezone("UTC")),
        &["\"1969-12-31T23:59:59.999999Z\"", "\"1970-01-01T00:00:01Z\""]
    )]
    #[case::instants_elsewhere(
        Arc::new(TimestampSecondArray::from(vec![0]).with_timezone("-05:30")), &["\"1969-12-31T18:30:00-05:30\""]
    )]
    #[case::extreme_instants(Arc::new(TimestampSecondArray::from(vec![i64::MIN])), &["\"-292277022657-01-27T08:29:52Z\""])]
    #[case::nanoseconds(Arc::new(TimestampNanosecondArray::from(vec![1])), &["\"1970-01-01T00:00:00.000000001Z\""])]
    #[case::times(Arc::new(Time64MicrosecondArray::from(vec![3_723_500_000])), &["\"01:02:03.500\""])]
    #[case::durations(Arc::new(DurationMillisecondArray::from(vec![-1_500, 0])), &["\"PT-1.5S\"", "\"PT0S\""])]
    #[case::intervals(
        Arc::new(IntervalMonthDayNanoArray::from(vec![IntervalMonthDayNano::new(14, -3, 1)])),
        &["\"P14M-3DT0.000000001S\""]
    )]
    #[case::nothing(Arc::new(NullArray::new(1)), &["null"])]
    fn each_type_is_shown_exactly(#[case] column: ArrayRef, #[case] expected: &[&str]) {
        assert_eq!(shown(column), expected);
    }

    #[test]
    fn slices_of_lists_show_their_own_items_and_missing_rows_nothing() {
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int8Type, _, _>([
            Some(vec![Some(1)]),
            Some(vec![]),
            None,
            Some(vec![None, Some(4)]),
        ]));
        assert_eq!(shown(lists.slice(1, 3)), ["[]", "null", "[null,4]"]);
        let item = Arc::new(Field::new("item", DataType::Float32, true));
        let items = Arc::new(PrimitiveArray::<Float32Type>::from(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
        let nulls = NullBuffer::from(vec![true, false, true]);
        let vectors: ArrayRef = Arc::new(FixedSizeListArray::new(item, 2, items, Some(nulls)));
        assert_eq!(shown(vectors.slice(1, 2)), ["null", "[5.0,6.0]"]);
    }

    #[test]
    fn encodings_are_looked_through() {
        let words: DictionaryArray<Int8Type> = [Some("x"), None, Some("x")].into_iter().collect();
        assert_eq!(shown(Arc::new(words)), ["\"x\"", "null", "\"x\""]);
        let runs = RunArray::try_new(&Int32Array::from(vec![2, 3]), &StringArray::from(vec![Some("a"), None])).unwrap();
        let runs: ArrayRef = Arc::new(runs);
        assert_eq!(shown(runs.slice(1, 2)), ["\"a\"", "null"]);
    }

    #[test]
    fn records_and_maps_are_shown_whole() {
        let ends = [("x", Arc::new(Int8Array::from(vec![Some(1), None])) as ArrayRef)];
        let records = StructArray::try_from(ends.to_vec()).unwrap();
        assert_eq!(shown(Arc::new(records)), ["{\"x\":1}", "{\"x\":null}"]);
        let mut maps = MapBuilder::new(None, StringBuilder::new(), ListBuilder::new(Int32Builder::new()));
        maps.keys().append_value("k");
        maps.values().append_value([Some(1)]);
        maps.append(true).unwrap();
        assert_eq!(shown(Arc::new(maps.finish())), ["[{\"keys\":\"k\",\"values\":[1]}]"]);
    }
}
