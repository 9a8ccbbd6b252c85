//! JSON: one object a line.

use std::io::Write;

use arrow_array::RecordBatch;
use omnigraph::printable::is_hidden;
use omnigraph::value::write_rows;
use serde::Serialize;

use super::{Output, Rows};
use crate::cli::failure::Failure;

/// A value in one line, with its end. What would drive a terminal is written as JSON escapes it: the value is the same.
pub fn line(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).unwrap_or_else(|error| format!("{{\"unwritable\":\"{error}\"}}"));
    let mut text = safe(text);
    text.push('\n');
    text
}

/// JSON text in which every hidden character is escaped. They stand inside of strings only.
fn safe(json: String) -> String {
    let is_to_be = |c: char| c != '\n' && is_hidden(c);
    if json.bytes().all(|byte| byte.is_ascii() && byte != 0x7f) || !json.chars().any(is_to_be) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_to_be(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Rows as JSON lines.
pub struct JsonRows {
    output: Output,
}

impl JsonRows {
    pub fn new(output: Output) -> JsonRows {
        JsonRows { output }
    }
}

impl Rows for JsonRows {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let mut lines = Vec::new();
        write_rows(batch, &mut lines)?;
        let lines = String::from_utf8(lines).map_err(|error| super::of_form("json", error))?;
        self.output.write_all(safe(lines).as_bytes())?;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), Failure> {
        Ok(self.output.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_drive_a_terminal_is_escaped_and_the_value_stays_the_same() {
        for text in ["\u{1b}[2J\u{7f}\u{9b}31m", "a\u{202e}b", "\u{e0041}", "line\nend", "plain żółć 🚀"] {
            let line = line(&serde_json::json!({ text: text }));
            assert_eq!(line.matches(is_hidden).count(), 1, "only the end: {line:?}");
            let back: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert_eq!(back[text], text);
        }
    }
}
