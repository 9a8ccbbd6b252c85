//! A text that knows its lines.

use super::{Position, Span};

/// A named text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    path: String,
    text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// A text, under the path by which people know it.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let after_breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let line_starts = std::iter::once(0).chain(after_breaks).collect();
        Source { path: path.into(), text, line_starts }
    }

    /// The path by which people know it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The place at a byte; a byte past the end or inside a character counts as the next sound one before it.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.floor(offset);
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let line_start = self.line_starts[line - 1];
        let column = self.text[line_start..offset].chars().count() + 1;
        Position { offset: offset as u64, line: line as u64, column: column as u64 }
    }

    /// The stretch between two bytes, without the white space at its end.
    pub fn span(&self, start: usize, end: usize) -> Span {
        let start = self.floor(start);
        let end = self.floor(end.max(start));
        let end = start + self.text[start..end].trim_end().len();
        Span { start: self.position(start), end: self.position(end) }
    }

    /// A place without length.
    pub fn point(&self, offset: usize) -> Span {
        let at = self.position(offset);
        Span { start: at, end: at }
    }

    /// The text of a stretch; empty for one that is not of this text.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// Byte at which a line begins, counted from 1; the text's end for a line that is not there.
    pub fn line_start(&self, line: usize) -> usize {
        self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len())
    }

    fn floor(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn lines_count_from_one_and_columns_in_characters() {
        let source = Source::new("x", "a\nöäb\n");
        let at = source.position("a\nöä".len());
        assert_eq!((at.line, at.column), (2, 3));
        assert_eq!(source.position(1000).line, 3);
        assert_eq!(source.slice(source.span(0, 2)), "a");
    }
}
