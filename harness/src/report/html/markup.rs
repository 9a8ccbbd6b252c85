//! Writes HTML. Markup is written here by hand and known when this is compiled; everything that a run says goes through
//! [`Markup::text`], which leaves nothing in it that a browser takes for markup.

use std::fmt::{Display, Write};

/// HTML as far as it is written.
#[derive(Debug, Default)]
pub struct Markup {
    out: String,
}

impl Markup {
    /// Markup that stands in this program. What is only known in a run cannot be given here: it does not live long enough.
    pub fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.out.push_str(markup);
        self
    }

    /// Text, or the value of an attribute in double quotes.
    pub fn text(&mut self, text: impl Display) -> &mut Self {
        // Writing to a string does not fail.
        let _ = write!(Escaping(&mut self.out), "{text}");
        self
    }

    /// What was written apart.
    pub fn append(&mut self, apart: Markup) {
        self.out.push_str(&apart.out);
    }

    /// Whether nothing is written.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// The page.
    pub fn into_string(self) -> String {
        self.out
    }
}

struct Escaping<'a>(&'a mut String);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\n' | '\t' => self.0.push(character),
                character if is_unseen(character) => write!(self.0, "\\u{{{:x}}}", character as u32)?,
                character => self.0.push(character),
            }
        }
        Ok(())
    }
}

/// What no font shows, and what turns the order of a line around; it is shown by its number.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A name for an anchor: letters, digits and dashes alone, so that it means the same in a link as in an id.
pub fn anchor(prefix: &str, name: &str) -> String {
    let tame = |character: char| if character.is_ascii_alphanumeric() { character } else { '-' };
    format!("{prefix}-{}", name.chars().map(tame).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_markup_and_never_ends_an_attribute() {
        let mut page = Markup::default();
        page.raw("<b title=\"").text("\" onload='x'").raw("\">").text("</b><script>&amp;").raw("</b>");
        assert_eq!(page.into_string(), "<b title=\"&quot; onload=&#39;x&#39;\">&lt;/b&gt;&lt;script&gt;&amp;amp;</b>");
    }

    #[test]
    fn what_cannot_be_seen_is_shown_by_its_number() {
        let mut page = Markup::default();
        page.text("a\u{202e}b\u{1b}[31mc\u{0}\nd");
        assert_eq!(page.into_string(), "a\\u{202e}b\\u{1b}[31mc\\u{0}\nd");
    }

    #[test]
    fn an_anchor_is_letters_digits_and_dashes() {
        assert_eq!(anchor("cell", "a/b c@s3\"<"), "cell-a-b-c-s3--");
    }
}
