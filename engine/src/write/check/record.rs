//! What a row leaves behind: a hash, where it came from, and enough of the value to name it in an error.

use super::cell::Cell;

/// What a record says of its value. In this order records of one value stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Kind {
    /// A row of this write has it.
    Input = 0,
    /// A committed row has it.
    Committed = 1,
    /// An edge of this write starts at it.
    NeededFrom = 2,
    /// An edge of this write ends at it.
    NeededTo = 3,
    /// A committed edge starts at it.
    HeldFrom = 4,
    /// A committed edge ends at it.
    HeldTo = 5,
}

const KINDS: [Kind; 6] = [Kind::Input, Kind::Committed, Kind::NeededFrom, Kind::NeededTo, Kind::HeldFrom, Kind::HeldTo];

/// Bytes of the value that are kept for errors.
const SHOWN_BYTES: usize = 18;
/// Set in a length when the value is longer than what is kept.
const CUT: u8 = 0x80;

/// Fixed width, so that memory and files are easy to bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) hash: u128,
    /// The line or statement of an input row; the row address of a committed one.
    pub(super) place: u64,
    pub(super) kind: Kind,
    /// The edge type that needs or holds a node; its position in the catalog.
    pub(super) edge: u16,
    lengths: [u8; 2],
    shown: [u8; SHOWN_BYTES],
}

/// Width of a record in a file, in bytes.
pub(super) const RECORD_BYTES: usize = 16 + 8 + 1 + 2 + 2 + SHOWN_BYTES;

impl Record {
    pub(super) fn new(hash: u128, kind: Kind, place: u64, edge: usize) -> Self {
        // The schema allows fewer types than fit; see `schema::limit::TYPES_MAX`.
        let edge = u16::try_from(edge).unwrap_or(u16::MAX);
        Record { hash, place, kind, edge, lengths: [0; 2], shown: [0; SHOWN_BYTES] }
    }

    /// Keeps the beginning of the value, or of both values of an edge.
    pub(super) fn showing(mut self, cells: &[Cell<'_>]) -> Self {
        let share = SHOWN_BYTES / cells.len().max(1);
        for (at, cell) in cells.iter().take(2).enumerate() {
            let bytes = cell.bytes();
            let kept = bytes.len().min(share);
            self.shown[at * share..at * share + kept].copy_from_slice(&bytes[..kept]);
            self.lengths[at] = kept as u8 | if kept < bytes.len() { CUT } else { 0 };
        }
        self
    }

    /// The beginning of the nth of `of` values, and whether it is the whole value.
    pub(super) fn shown(&self, nth: usize, of: usize) -> (&[u8], bool) {
        let share = SHOWN_BYTES / of;
        let length = usize::from(self.lengths[nth] & !CUT);
        (&self.shown[nth * share..nth * share + length], self.lengths[nth] & CUT == 0)
    }

    pub(super) fn encode(&self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        bytes[..16].copy_from_slice(&self.hash.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.place.to_le_bytes());
        bytes[24] = self.kind as u8;
        bytes[25..27].copy_from_slice(&self.edge.to_le_bytes());
        bytes[27..29].copy_from_slice(&self.lengths);
        bytes[29..].copy_from_slice(&self.shown);
        bytes
    }

    /// Reads back what [`encode`](Self::encode) wrote; `None` when the bytes are something else.
    pub(super) fn decode(bytes: &[u8]) -> Option<Record> {
        let (hash, rest) = bytes.split_first_chunk::<16>()?;
        let (place, rest) = rest.split_first_chunk::<8>()?;
        let (kind, rest) = rest.split_first()?;
        let (edge, rest) = rest.split_first_chunk::<2>()?;
        let (lengths, rest) = rest.split_first_chunk::<2>()?;
        Some(Record {
            hash: u128::from_le_bytes(*hash),
            place: u64::from_le_bytes(*place),
            kind: *KINDS.get(usize::from(*kind))?,
            edge: u16::from_le_bytes(*edge),
            lengths: *lengths,
            shown: rest.try_into().ok()?,
        })
    }
}
