//! Reads JSON so that every number is the one that was written.
//!
//! `serde_json` without its feature `float_roundtrip` reads some floats one step beside what stands there. Rows go from process to
//! process and into bundles as JSON, and what is compared bit for bit must not move on the way.

use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

/// Lists and maps inside one another, as `serde_json` has it.
const DEPTH_MAX: usize = 128;

/// Why a text cannot be read. What it says is not repeated: it may hold credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct Unreadable {
    /// What is wrong.
    pub what: String,
    /// Where, in bytes.
    pub at: usize,
}

/// Reads one value of a type.
///
/// # Errors
/// The text is no JSON, or says something else.
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, Unreadable> {
    serde_json::from_value(value(text)?).map_err(|error| Unreadable { what: error.to_string(), at: 0 })
}

/// Reads one value.
///
/// # Errors
/// The text is no JSON.
pub fn value(text: &[u8]) -> Result<Value, Unreadable> {
    let mut cursor = Cursor { text, at: 0 };
    let value = cursor.value(0)?;
    match cursor.peek() {
        None => Ok(value),
        Some(_) => cursor.unreadable("more than one value"),
    }
}

/// The number that these characters say; none for what is no number, and for one that no float is near.
pub fn number(text: &str) -> Option<Number> {
    // A whole number that no integer can hold is a float, as everywhere in JSON.
    if !text.contains(['.', 'e', 'E']) && text != "-0" {
        let whole = text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from));
        if let Ok(whole) = whole {
            return Some(whole);
        }
    }
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    Number::from_f64(text.parse().ok().filter(|_| is_plain)?)
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn unreadable<T>(&self, what: impl Into<String>) -> Result<T, Unreadable> {
        Err(Unreadable { what: what.into(), at: self.at })
    }

    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.text.get(self.at) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn sign(&mut self, sign: u8) -> bool {
        let is = self.peek() == Some(sign);
        self.at += usize::from(is);
        is
    }

    fn value(&mut self, depth: usize) -> Result<Value, Unreadable> {
        if depth > DEPTH_MAX {
            return self.unreadable("values nest too deeply");
        }
        match self.peek() {
            Some(b'"') => Ok(Value::String(self.text()?)),
            Some(b'[') => self.list(depth),
            Some(b'{') => self.map(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => self.unreadable("no value"),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Unreadable> {
        if !self.text[self.at..].starts_with(word.as_bytes()) {
            return self.unreadable("no value");
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, Unreadable> {
        let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
        let length = self.text[self.at..].iter().take_while(|byte| is_part(byte)).count();
        let text = std::str::from_utf8(&self.text[self.at..self.at + length]).unwrap_or_default();
        match number(text) {
            Some(number) => {
                self.at += length;
                Ok(Value::Number(number))
            }
            None => self.unreadable("no number"),
        }
    }

    /// A text in quotes; what stands between them is read by `serde_json`.
    fn text(&mut self) -> Result<String, Unreadable> {
        let mut end = self.at + 1;
        while let Some(byte) = self.text.get(end).filter(|byte| **byte != b'"') {
            end += if *byte == b'\\' { 2 } else { 1 };
        }
        let quoted = self.text.get(self.at..=end).map(serde_json::from_slice::<String>);
        match quoted {
            Some(Ok(text)) => {
                self.at = end + 1;
                Ok(text)
            }
            _ => self.unreadable("no text"),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Unreadable> {
        self.at += 1;
        let mut items = Vec::new();
        while !self.sign(b']') {
            if !items.is_empty() && !self.sign(b',') {
                return self.unreadable("no comma");
            }
            items.push(self.value(depth + 1)?);
        }
        Ok(Value::Array(items))
    }

    fn map(&mut self, depth: usize) -> Result<Value, Unreadable> {
        self.at += 1;
        let mut members = Map::new();
        while !self.sign(b'}') {
            if !members.is_empty() && !self.sign(b',') {
                return self.unreadable("no comma");
            }
            if self.peek() != Some(b'"') {
                return self.unreadable("no key");
            }
            let key = self.text()?;
            if !self.sign(b':') {
                return self.unreadable("no colon");
            }
            members.insert(key, self.value(depth + 1)?);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

        #[test]
        fn a_float_comes_back_bit_for_bit(bits: u64) {
            let float = f64::from_bits(bits);
            prop_assume!(float.is_finite());
            let line = serde_json::to_vec(&vec![float]).expect("a line");
            let back: Vec<f64> = read(&line).expect("what was written");
            prop_assert_eq!(back[0].to_bits(), bits);
        }

        #[test]
        fn texts_and_keys_come_back(text: String, key: String, whole: i64) {
            let written = serde_json::json!({key: [text, whole, null, true, {"a": []}]});
            prop_assert_eq!(value(written.to_string().as_bytes()), Ok(written));
        }

        #[test]
        fn arbitrary_bytes_end_well(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = value(&bytes);
        }
    }

    #[test]
    fn integers_are_exact_and_negative_zero_is_a_float() {
        for (text, wanted) in [
            ("9007199254740993", Value::from(9_007_199_254_740_993_u64)),
            ("18446744073709551615", Value::from(u64::MAX)),
            ("-9223372036854775808", Value::from(i64::MIN)),
            ("5e-324", Value::from(5e-324)),
            ("1.7976931348623157e308", Value::from(f64::MAX)),
        ] {
            assert_eq!(value(text.as_bytes()), Ok(wanted), "{text}");
        }
        assert_eq!(value(b"-0").expect("a number").to_string(), "-0.0");
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        for text in ["", "[1", "[1 2]", "{\"a\" 1}", "{a: 1}", "1 2", "\"a", "nul", "1e999", "--1", "inf"] {
            assert!(value(text.as_bytes()).is_err(), "{text}");
        }
        assert!(value("[".repeat(100_000).as_bytes()).is_err_and(|error| error.what.contains("deeply")));
    }
}
