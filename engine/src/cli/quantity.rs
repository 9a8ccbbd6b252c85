//! Times and sizes as people type them.

use std::time::Duration;

/// A time: seconds, or a number with `ms`, `s`, `m` or `h`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let millis = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(format!("`{unit}` is no unit of time: ms, s, m or h")),
    };
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(millis)) {
        Some(0) | None => Err("a time is a whole number above zero, such as 30, 500ms or 2m".to_owned()),
        Some(millis) => Ok(Duration::from_millis(millis)),
    }
}

/// A time that may be none at all.
pub fn grace(text: &str) -> Result<Duration, String> {
    if text.trim() == "0" { Ok(Duration::ZERO) } else { duration(text) }
}

/// A size: bytes, or a number with `K`, `M`, `G` or `T`, each 1,024 times the one before; `B` and `iB` may follow.
pub fn bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let letter = unit.to_ascii_uppercase();
    let letter = letter.strip_suffix('B').unwrap_or(&letter);
    let power = match letter.strip_suffix('I').unwrap_or(letter) {
        "" => 0,
        "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        _ => return Err(format!("`{unit}` is no unit of size: K, M, G or T")),
    };
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(1_024_u64.pow(power))) {
        Some(0) | None => Err("a size is a whole number above zero, such as 512M or 2G".to_owned()),
        Some(bytes) => Ok(bytes),
    }
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (&text[..at], text[at..].trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_read_with_their_units() {
        for (text, millis) in [("30", 30_000), ("30s", 30_000), ("500ms", 500), ("2m", 120_000), ("1 h", 3_600_000)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
            assert_eq!(grace(text), duration(text), "{text}");
        }
        assert_eq!(grace("0"), Ok(Duration::ZERO));
        for (text, size) in
            [("1", 1), ("1B", 1), ("4K", 4_096), ("512M", 512 << 20), ("2GiB", 2 << 30), ("1T", 1 << 40)]
        {
            assert_eq!(bytes(text), Ok(size), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_and_no_size_is_refused() {
        for text in ["", "0", "-1", "1.5", "s", "10y", "99999999999999999999", "18446744073709551615h", "½", "1ß"] {
            assert!(duration(text).is_err(), "{text}");
            assert!(bytes(text).is_err(), "{text}");
        }
        assert!(bytes("1.5G").is_err() && bytes("9999999999T").is_err());
    }
}
