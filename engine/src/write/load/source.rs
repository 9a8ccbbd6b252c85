//! The reader of a load, in pieces of whole lines.

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

use super::copy::Copy;
use crate::error::{Error, Result};

/// Size of a piece, in bytes. An input that fits in one piece is small.
pub(super) const PIECE_BYTES: usize = 1 << 20;
/// Longest line that is read, in bytes.
pub(super) const LINE_BYTES_MAX: usize = 16 << 20;

/// What is wrong with a longer one.
pub(super) fn overlong() -> String {
    format!("longer than {LINE_BYTES_MAX} bytes")
}

/// What some editors put before a text in UTF-8. It says nothing.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A part of the input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Whole lines; the last one of the input may lack its end.
    Lines(Vec<u8>),
    /// A line that is too long to be read. Nothing follows.
    Overlong,
}

pub(super) struct Source<R> {
    reader: R,
    /// The beginning of a line whose end has not been read yet.
    carried: Vec<u8>,
    copy: Option<Copy>,
    has_begun: bool,
    at_end: bool,
}

impl<R: AsyncBufRead + Unpin> Source<R> {
    pub(super) fn new(reader: R) -> Self {
        Source { reader, carried: Vec::new(), copy: None, has_begun: false, at_end: false }
    }

    /// Whether nothing follows what was given so far.
    pub(super) fn is_at_end(&self) -> bool {
        self.at_end
    }

    /// From now on copies what is read, after `first`, which was given already.
    pub(super) async fn copy_to(&mut self, copy: Copy, first: &[u8]) {
        self.copy = match copy.append(first).await {
            Some(copy) => copy.append(&self.carried).await,
            None => None,
        };
    }

    /// The next piece; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Piece>> {
        let piece = self.read().await?;
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        Ok(match piece {
            Some(Piece::Lines(mut lines)) if is_first && lines.starts_with(BYTE_ORDER_MARK) => {
                lines.drain(..BYTE_ORDER_MARK.len());
                Some(Piece::Lines(lines))
            }
            other => other,
        })
    }

    async fn read(&mut self) -> Result<Option<Piece>> {
        let mut piece = std::mem::take(&mut self.carried);
        let mut searched = 0;
        while !self.at_end {
            let read = self.reader.fill_buf().await;
            let read = read.map_err(|e| Error::invalid("the input could not be read to its end").with_source(e))?;
            let length = read.len();
            self.at_end = length == 0;
            piece.extend_from_slice(read);
            self.copy = match self.copy.take() {
                Some(copy) if self.at_end => {
                    copy.finish().await;
                    None
                }
                Some(copy) => copy.append(read).await,
                None => None,
            };
            self.reader.consume(length);
            if piece.len() < PIECE_BYTES {
                continue;
            }
            if let Some(last) = piece[searched..].iter().rposition(|byte| *byte == b'\n') {
                self.carried = piece.split_off(searched + last + 1);
                return Ok(Some(Piece::Lines(piece)));
            }
            searched = piece.len();
            if piece.len() > LINE_BYTES_MAX {
                self.at_end = true;
                return Ok(Some(Piece::Overlong));
            }
        }
        Ok((!piece.is_empty()).then_some(Piece::Lines(piece)))
    }
}
