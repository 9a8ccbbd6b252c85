//! Rows in one canonical form, so that what was written and what is read compare equal when they mean the same.

use std::collections::BTreeMap;

use serde_json::Value;

/// One row: column → value. A null column is left out ([`canonical`] sees to that); an edge has `src` and `dst`.
pub type Row = BTreeMap<String, Value>;

/// Brings a row into the form that rows are compared in: nulls are left out, a number that has no fraction is an
/// integer whichever type it came from, and a time is written as UTC with the shortest fraction.
pub fn canonical(row: Row) -> Row {
    row.into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(column, value)| (column, canonical_value(value)))
        .collect()
}

fn canonical_value(value: Value) -> Value {
    match value {
        Value::Number(number) => canonical_number(number),
        Value::String(text) => match canonical_time(&text) {
            Some(time) => Value::String(time),
            None => Value::String(text),
        },
        Value::Array(items) => Value::Array(items.into_iter().map(canonical_value).collect()),
        other => other,
    }
}

/// Beyond 2^53 a float is not every integer, so those stay as they are.
fn canonical_number(number: serde_json::Number) -> Value {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    if number.is_i64() || number.is_u64() {
        return Value::Number(number);
    }
    match number.as_f64() {
        Some(float) if float.fract() == 0.0 && float.abs() <= EXACT_MAX => Value::from(float as i64),
        // What a 32-bit float widens to means the 32-bit float: 0.10000000149011612 was written as 0.1.
        Some(float) if f64::from(float as f32) == float => {
            (float as f32).to_string().parse::<f64>().map_or(Value::Number(number), Value::from)
        }
        _ => Value::Number(number),
    }
}

/// Only text with a date, a `T` and a zone is taken for a time; anything else is a plain string.
fn canonical_time(text: &str) -> Option<String> {
    if text.len() < 17 || text.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    Some(time.to_utc().to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
}

/// A row as one line of JSON; equal rows give equal lines.
pub fn line(row: &Row) -> String {
    serde_json::to_string(row).unwrap_or_else(|error| format!("unprintable row: {error}"))
}

/// Rows as sorted lines: the form in which two sets of rows are compared, duplicates included.
pub fn sorted_lines(rows: &[Row]) -> Vec<String> {
    let mut lines: Vec<String> = rows.iter().map(|row| line(&canonical(row.clone()))).collect();
    lines.sort();
    lines
}

/// A digest over rows that does not depend on their order: 64 bits of FNV-1a over the sorted lines, hexadecimal. It
/// tells accidents apart, not adversaries.
pub fn digest(rows: &[Row]) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for line in sorted_lines(rows) {
        for byte in line.bytes().chain([b'\n']) {
            hash ^= u64::from(byte);
            hash = hash.wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(value: Value) -> Row {
        serde_json::from_value(value).expect("an object")
    }

    #[test]
    fn nulls_and_number_types_do_not_make_rows_differ() {
        let written = canonical(row(json!({"name": "a", "age": 3, "note": null})));
        let read = canonical(row(json!({"name": "a", "age": 3.0})));
        assert_eq!(written, read);
    }

    #[test]
    fn a_float_of_32_bits_is_what_was_written_when_it_is_read_widened() {
        let written = canonical(row(json!({"weight": 0.1})));
        let read = canonical(row(json!({"weight": f64::from(0.1_f32)})));
        assert_eq!(written, read);
        assert_ne!(written, canonical(row(json!({"weight": 0.100001}))));
    }

    #[test]
    fn one_instant_in_two_zones_is_one_value() {
        let here = canonical(row(json!({"at": "2026-01-02T03:04:05+01:00"})));
        let there = canonical(row(json!({"at": "2026-01-02T02:04:05.000Z"})));
        assert_eq!(here, there);
    }

    #[test]
    fn the_digest_ignores_order_and_counts_duplicates() {
        let a = row(json!({"name": "a"}));
        let b = row(json!({"name": "b"}));
        assert_eq!(digest(&[a.clone(), b.clone()]), digest(&[b.clone(), a.clone()]));
        assert_ne!(digest(&[a.clone(), b.clone()]), digest(&[a.clone(), b.clone(), b]));
        assert_eq!(digest(&[]).len(), 16);
    }
}
