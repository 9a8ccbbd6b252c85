//! Places in a text.

use serde::{Deserialize, Serialize};

/// One place in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// In bytes, counted from 0.
    pub offset: u64,
    /// Counted from 1.
    pub line: u64,
    /// In characters, counted from 1.
    pub column: u64,
}

/// A stretch of a text; the end is exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// Where it begins.
    pub start: Position,
    /// The first place after it.
    pub end: Position,
}

impl Span {
    /// The stretch in bytes, for slicing the text.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start.offset as usize..self.end.offset.max(self.start.offset) as usize
    }
}
