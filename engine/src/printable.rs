//! Text that is safe to show: what comes from outside must neither drive a terminal nor look like something else.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character does something to what stands around it instead of being seen itself: control characters, which drive
/// terminals; line and paragraph separators; characters that turn the direction of writing; characters without a width.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Soft hyphen, Arabic letter mark, fillers of Hangul, the vowel separator of Mongolian.
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{3164}' | '\u{ffa0}'
            // Without width, direction marks; separators, embeddings, overrides; joiners, isolates.
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            // Byte order mark, annotations, beams of music, tags.
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The text with every hidden character written out, such as `\n`, `\u{1b}` or `\u{202e}`: one line.
pub fn escaped(text: &str) -> Cow<'_, str> {
    written_out(text, is_hidden)
}

/// The same for a text that may have several lines.
pub fn escaped_lines(text: &str) -> Cow<'_, str> {
    written_out(text, |c| c != '\n' && is_hidden(c))
}

fn written_out(text: &str, is_to_be: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&is_to_be) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' | '\0' if is_to_be(c) => {
                let _ = write!(out, "{}", c.escape_debug());
            }
            _ if is_to_be(c) => {
                let _ = write!(out, "{}", c.escape_unicode());
            }
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drives_a_terminal_or_cannot_be_seen_is_written_out() {
        for (text, shown) in [
            ("ann\n  999 forged", "ann\\n  999 forged"),
            ("\u{1b}[31mred\u{7}", "\\u{1b}[31mred\\u{7}"),
            ("a\u{9b}31m", "a\\u{9b}31m"),
            ("abc\u{202e}cba", "abc\\u{202e}cba"),
            ("ad\u{200b}min", "ad\\u{200b}min"),
            ("\u{feff}x\tx\r", "\\u{feff}x\\tx\\r"),
            ("\u{2028}", "\\u{2028}"),
        ] {
            assert_eq!(escaped(text), shown);
        }
    }

    #[test]
    fn what_can_be_seen_stays_as_it_is() {
        for text in ["", "plain", "żółć, 日本語, Ελλάδα, עברית", "🚀 ❤\u{fe0f} e\u{301}", "a\\n"]
        {
            assert!(matches!(escaped(text), Cow::Borrowed(same) if same == text), "{text}");
        }
        assert_eq!(escaped_lines("one\ntwo\u{7}"), "one\ntwo\\u{7}");
    }
}
