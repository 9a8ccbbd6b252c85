//! Text to tokens.

use super::OutsideSubset;

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A bare or double-quoted word.
    Word(String),
    /// A single-quoted text, unescaped.
    Text(String),
    /// Digits with an optional fraction or exponent.
    Number(String),
    /// Punctuation, operators of two characters included.
    Sign(&'static str),
}

const SIGNS: &[&str] = &["<>", "!=", "<=", ">=", "||", "(", ")", "[", "]", ",", ";", "=", "<", ">", "+", "-", "*"];

/// Splits a text into tokens; comments and white space fall away.
pub fn tokens(text: &str) -> Result<Vec<Token>, OutsideSubset> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n').map_or("", |(_, after)| after).trim_start();
            continue;
        }
        let (token, after) = match first {
            '\'' => quoted(rest, '\'').map(|(text, after)| (Token::Text(text), after))?,
            '"' => quoted(rest, '"').map(|(text, after)| (Token::Word(text), after))?,
            c if c.is_ascii_digit() => {
                let end = number_end(rest);
                (Token::Number(rest[..end].to_owned()), &rest[end..])
            }
            c if c.is_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                (Token::Word(rest[..end].to_owned()), &rest[end..])
            }
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => (Token::Sign(sign), &rest[sign.len()..]),
                None => {
                    return Err(OutsideSubset(format!(
                        "'{first}' is outside the subset of SQL that the model follows"
                    )));
                }
            },
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

/// A quote inside is doubled.
fn quoted(text: &str, quote: char) -> Result<(String, &str), OutsideSubset> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character != quote {
            value.push(character);
        } else if characters.peek().is_some_and(|(_, next)| *next == quote) {
            characters.next();
            value.push(quote);
        } else {
            return Ok((value, &text[at + quote.len_utf8()..]));
        }
    }
    Err(OutsideSubset(format!("a text that starts with {quote} is never closed")))
}

fn number_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut end = 0;
    while let Some(&byte) = bytes.get(end) {
        let after_exponent = end > 0 && matches!(bytes[end - 1], b'e' | b'E');
        if byte.is_ascii_digit()
            || matches!(byte, b'.' | b'e' | b'E')
            || (after_exponent && matches!(byte, b'+' | b'-'))
        {
            end += 1;
        } else {
            break;
        }
    }
    end
}
