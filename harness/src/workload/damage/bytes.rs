//! Damaged bytes, and bytes as text.

/// The first `to` bytes.
pub(super) fn truncated(mut content: Vec<u8>, to: u64, path: &str) -> Result<Vec<u8>, String> {
    let length = content.len();
    match usize::try_from(to) {
        Ok(to) if to < length => {
            content.truncate(to);
            Ok(content)
        }
        _ => Err(format!("{path} has {length} bytes, so it cannot be cut off after {to}")),
    }
}

/// With every bit of one byte changed: the one at `offset`, or the one in the middle.
pub(super) fn corrupted(mut content: Vec<u8>, offset: Option<u64>, path: &str) -> Result<Vec<u8>, String> {
    let length = content.len();
    let offset = offset.map_or(Ok(length / 2), usize::try_from).unwrap_or(usize::MAX);
    match content.get_mut(offset) {
        Some(byte) => {
            *byte = !*byte;
            Ok(content)
        }
        None => Err(format!("{path} has {length} bytes, so there is none at offset {offset}")),
    }
}

/// Bytes in hexadecimal.
pub fn to_hex(content: &[u8]) -> String {
    content.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes from hexadecimal.
///
/// # Errors
/// The text is something else.
pub fn from_hex(text: &str) -> Result<Vec<u8>, String> {
    let wrong = || "saved bytes are not hexadecimal".to_owned();
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return Err(wrong());
    }
    let pairs = (0..text.len()).step_by(2);
    pairs.map(|start| u8::from_str_radix(&text[start..start + 2], 16).map_err(|_| wrong())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_read_back_from_hexadecimal() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(from_hex(&to_hex(&bytes)), Ok(bytes));
        assert!(from_hex("abc").is_err());
        assert!(from_hex("zz").is_err());
    }

    #[test]
    fn damage_that_would_change_nothing_is_refused() {
        assert!(truncated(vec![1, 2], 2, "a").is_err());
        assert!(corrupted(vec![1, 2], Some(2), "a").is_err());
        assert!(corrupted(Vec::new(), None, "a").is_err());
        assert_eq!(corrupted(vec![1, 2, 3], None, "a"), Ok(vec![1, 253, 3]));
    }
}
