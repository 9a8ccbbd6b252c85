//! Rows as they are read, and their digests.

use std::collections::BTreeMap;

use serde_json::Value;

/// One row: column → value. A null column is left out ([`canonical`] sees to that); an edge has `src` and `dst`.
pub type Row = BTreeMap<String, Value>;

/// The row without its nulls. Whoever reads the engine gives values exactly and in one form, so nothing else has to be made equal;
/// what a written value is in its column, the model knows.
pub fn canonical(row: Row) -> Row {
    row.into_iter().filter(|(_, value)| !value.is_null()).collect()
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
    fn a_null_is_an_absent_column_and_nothing_else_is_made_equal() {
        assert_eq!(canonical(row(json!({"name": "a", "note": null}))), row(json!({"name": "a"})));
        let pairs = [
            (json!(9_007_199_254_740_992_u64), json!(9_007_199_254_740_993_u64)),
            (json!(0.1), json!(f64::from(0.1_f32))),
            (json!(0.0), json!(-0.0)),
            (json!("2026-01-02T03:04:05+01:00"), json!("2026-01-02T02:04:05Z")),
        ];
        for (left, right) in pairs {
            let (left, right) = (row(json!({"v": left})), row(json!({"v": right})));
            assert_ne!(digest(std::slice::from_ref(&left)), digest(&[right]), "{left:?}");
        }
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
