//! A reader of JSON that gives values where they stand: no tree, no copy of a text without escapes, numbers as they
//! are written, so that each column can read them exactly.

use std::borrow::Cow;

use crate::write::check::excerpt;

/// How deep a value may nest.
const DEPTH_MAX: usize = 64;

/// The text is no JSON, and where that shows, in bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) at: usize,
    pub(super) what: Cow<'static, str>,
}

/// A value, or the beginning of one.
#[derive(Debug, PartialEq)]
pub(super) enum Token<'a> {
    Null,
    Bool(bool),
    /// As it is written; it is well-formed.
    Number(&'a str),
    Text(Cow<'a, str>),
    /// The opening bracket; items follow, see [`Cursor::next_item`].
    List,
    /// The opening brace; members follow, see [`Cursor::next_key`].
    Object,
}

/// A place in a text.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Cursor { text, at: 0 }
    }

    /// Another cursor here, to come back to.
    pub(super) fn bookmark(&self) -> Self {
        self.clone()
    }

    /// Reads a value; of a list or an object the beginning.
    pub(super) fn token(&mut self) -> Result<Token<'a>, Broken> {
        match self.peek() {
            Some(b'"') => self.string().map(Token::Text),
            Some(b'-' | b'0'..=b'9') => self.number().map(Token::Number),
            Some(b'{') => self.past(Token::Object),
            Some(b'[') => self.past(Token::List),
            Some(b't') => self.word("true", Token::Bool(true)),
            Some(b'f') => self.word("false", Token::Bool(false)),
            Some(b'n') => self.word("null", Token::Null),
            _ => Err(self.unexpected("a value")),
        }
    }

    /// The next key of an object that has begun, up to its value; `None` at the end of the object.
    pub(super) fn next_key(&mut self, first: &mut bool) -> Result<Option<Cow<'a, str>>, Broken> {
        if !self.goes_on(b'}', first)? {
            return Ok(None);
        }
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a key"));
        }
        let key = self.string()?;
        if self.peek() != Some(b':') {
            return Err(self.unexpected("`:`"));
        }
        self.at += 1;
        Ok(Some(key))
    }

    /// Whether another item of a list that has begun follows.
    pub(super) fn next_item(&mut self, first: &mut bool) -> Result<bool, Broken> {
        self.goes_on(b']', first)
    }

    /// Reads a value to its end and forgets it.
    pub(super) fn skip(&mut self) -> Result<(), Broken> {
        let token = self.token()?;
        self.skip_rest(&token)
    }

    /// Reads what follows the beginning of a value to its end and forgets it.
    pub(super) fn skip_rest(&mut self, begun: &Token<'_>) -> Result<(), Broken> {
        self.skip_within(begun, 0)
    }

    /// Nothing but white space follows.
    pub(super) fn end(&mut self) -> Result<(), Broken> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.unexpected("the end of the line")),
        }
    }

    fn skip_within(&mut self, begun: &Token<'_>, depth: usize) -> Result<(), Broken> {
        if depth > DEPTH_MAX {
            return Err(Broken { at: self.at, what: "values nest too deeply".into() });
        }
        let mut first = true;
        match begun {
            Token::List => {
                while self.next_item(&mut first)? {
                    let item = self.token()?;
                    self.skip_within(&item, depth + 1)?;
                }
            }
            Token::Object => {
                while self.next_key(&mut first)?.is_some() {
                    let value = self.token()?;
                    self.skip_within(&value, depth + 1)?;
                }
            }
            Token::Null | Token::Bool(_) | Token::Number(_) | Token::Text(_) => {}
        }
        Ok(())
    }

    /// Past a comma to what follows, or past the closing mark.
    fn goes_on(&mut self, close: u8, first: &mut bool) -> Result<bool, Broken> {
        let is_first = std::mem::replace(first, false);
        match self.peek() {
            Some(mark) if mark == close => {
                self.at += 1;
                Ok(false)
            }
            Some(b',') if !is_first => {
                self.at += 1;
                Ok(true)
            }
            Some(_) if is_first => Ok(true),
            _ if close == b'}' => Err(self.unexpected("`,` or `}`")),
            _ => Err(self.unexpected("`,` or `]`")),
        }
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                byte => return Some(*byte),
            }
        }
        None
    }

    fn past<T>(&mut self, token: T) -> Result<T, Broken> {
        self.at += 1;
        Ok(token)
    }

    fn word(&mut self, word: &str, token: Token<'a>) -> Result<Token<'a>, Broken> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.unexpected("a value"));
        }
        self.at += word.len();
        Ok(token)
    }

    fn number(&mut self) -> Result<&'a str, Broken> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut at = start + usize::from(bytes[start] == b'-');
        let digits = |at: &mut usize| {
            let from = *at;
            while bytes.get(*at).is_some_and(u8::is_ascii_digit) {
                *at += 1;
            }
            *at - from
        };
        let leading_zero = bytes.get(at) == Some(&b'0');
        let whole = digits(&mut at);
        let mut well_formed = whole == 1 || (whole > 1 && !leading_zero);
        if bytes.get(at) == Some(&b'.') {
            at += 1;
            well_formed &= digits(&mut at) > 0;
        }
        if matches!(bytes.get(at), Some(b'e' | b'E')) {
            at += 1;
            at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
            well_formed &= digits(&mut at) > 0;
        }
        if !well_formed {
            return Err(self.unexpected("a number"));
        }
        self.at = at;
        Ok(&self.text[start..at])
    }

    /// A text in quotes.
    fn string(&mut self) -> Result<Cow<'a, str>, Broken> {
        let start = self.at + 1;
        let plain = self.plain_from(start)?;
        if self.text.as_bytes()[plain] == b'"' {
            self.at = plain + 1;
            return Ok(Cow::Borrowed(&self.text[start..plain]));
        }
        let mut text = String::from(&self.text[start..plain]);
        self.at = plain;
        while self.text.as_bytes()[self.at] == b'\\' {
            text.push(self.escape()?);
            let plain = self.plain_from(self.at)?;
            text.push_str(&self.text[self.at..plain]);
            self.at = plain;
        }
        self.at += 1;
        Ok(Cow::Owned(text))
    }

    /// Where the next quote or backslash stands.
    fn plain_from(&self, from: usize) -> Result<usize, Broken> {
        let rest = &self.text.as_bytes()[from..];
        match rest.iter().position(|byte| matches!(byte, b'"' | b'\\') || *byte < b' ') {
            Some(at) if rest[at] >= b' ' => Ok(from + at),
            Some(at) if from + at + 1 < self.text.len() => {
                Err(Broken { at: from + at, what: "a control character in a text".into() })
            }
            _ => Err(Broken { at: self.text.len(), what: "a text does not end".into() }),
        }
    }

    /// What `\` and what follows it stand for.
    fn escape(&mut self) -> Result<char, Broken> {
        let start = self.at;
        let wrong = || Broken { at: start, what: "an escape that means nothing".into() };
        let mark = self.text.as_bytes().get(start + 1).ok_or_else(wrong)?;
        self.at += 2;
        Ok(match mark {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.hex().ok_or_else(wrong)?;
                let pair = (0xd800..0xdc00).contains(&high) && self.text.as_bytes()[self.at..].starts_with(b"\\u");
                let code = if pair {
                    self.at += 2;
                    let low = self.hex().filter(|low| (0xdc00..0xe000).contains(low)).ok_or_else(wrong)?;
                    0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)
                } else {
                    high
                };
                char::from_u32(code).ok_or_else(wrong)?
            }
            _ => return Err(wrong()),
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4)?;
        self.at += 4;
        digits.iter().try_fold(0, |code, digit| Some(code << 4 | char::from(*digit).to_digit(16)?))
    }

    fn unexpected(&self, wanted: &str) -> Broken {
        let found = match self.text[self.at..].trim_end() {
            "" => "the end of the line".to_owned(),
            rest => excerpt(&rest.chars().take(12).collect::<String>()),
        };
        Broken { at: self.at, what: format!("expected {wanted}, found {found}").into() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// The value that the tokens say.
    fn value(cursor: &mut Cursor<'_>) -> Result<Value, Broken> {
        let mut first = true;
        Ok(match cursor.token()? {
            Token::Null => Value::Null,
            Token::Bool(value) => value.into(),
            Token::Number(text) => serde_json::from_str(text).unwrap_or_else(|error| {
                assert!(is_out_of_range(&error), "'{text}' is a well-formed number: {error}");
                Value::Null
            }),
            Token::Text(text) => text.into_owned().into(),
            Token::List => {
                let mut items = Vec::new();
                while cursor.next_item(&mut first)? {
                    items.push(value(cursor)?);
                }
                items.into()
            }
            Token::Object => {
                let mut members = serde_json::Map::new();
                while let Some(key) = cursor.next_key(&mut first)? {
                    members.insert(key.into_owned(), value(cursor)?);
                }
                members.into()
            }
        })
    }

    fn read(text: &str) -> Result<Value, Broken> {
        let mut cursor = Cursor::new(text);
        let read = value(&mut cursor)?;
        cursor.end().map(|()| read)
    }

    /// Numbers beyond every type are read by columns, and refused there.
    fn is_out_of_range(error: &serde_json::Error) -> bool {
        error.to_string().starts_with("number out of range")
    }

    fn soup() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            6 => prop::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"a\"", "\"", "\\", "\\n", "\\u00e9", "\\ud83d\\ude00", "\\ud83d", "1", "0", "-",
                "-1.5e+3", ".", "e", "true", "false", "null", "nul", " ", "\t", "\n", "é", "\"é\\\"\\/\"", "{\"a\":1}", "[1,2]",
            ])
            .prop_map(str::to_owned),
            1 => any::<char>().prop_map(String::from),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn what_is_json_and_what_it_says_is_as_serde_json_has_it(text in soup()) {
            match (read(&text), serde_json::from_str::<Value>(&text)) {
                (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, theirs),
                (Err(_), Err(_)) => {}
                (_, Err(theirs)) if is_out_of_range(&theirs) => {}
                (ours, theirs) => prop_assert!(false, "{:?} {:?}", ours, theirs),
            }
            let mut cursor = Cursor::new(&text);
            let skipped = cursor.skip().and_then(|()| cursor.end());
            prop_assert_eq!(skipped.is_ok(), read(&text).is_ok());
        }
    }

    #[test]
    fn a_number_beyond_every_type_is_a_number_as_it_is_written() {
        assert_eq!(Cursor::new("-1.5e+3110").token(), Ok(Token::Number("-1.5e+3110")));
        let theirs = serde_json::from_str::<Value>("-1.5e+3110").unwrap_err();
        assert!(is_out_of_range(&theirs), "{theirs}");
        assert_eq!(read("[-1.5e+3110]"), Ok(Value::Array(vec![Value::Null])));
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Cursor::new(&deep).skip().unwrap_err().what, "values nest too deeply");
    }
}
