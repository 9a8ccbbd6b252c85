//! What rows must be, beside their types: identities and `@unique` values that occur once, edges whose endpoints exist.
//!
//! Every writer answers these questions before anything is armed, against its own rows and against committed ones, for
//! one row as for a hundred million. So they are not asked of hash sets: each row leaves fixed-width records of hashes
//! in *spaces* ([`Space`]), one for the identities of a type and one for each `@unique` property. A space keeps its
//! records in memory while they are few, and else in a temporary file, partitioned by hash. Committed rows leave their
//! records in the same spaces. Then each partition is sorted and read once: what belongs together stands together.
//!
//! Hashes are 128 bits of a keyed SipHash, and equal hashes count as equal values. Among a thousand million values the
//! probability that any two differ and collide is below 2 to the power of -68, and the key is drawn for each write, so
//! that nobody can look for a collision beforehand.
//!
//! - [`cell`]: the bytes of one value, whatever its type. [`record`]: what a row leaves behind.
//! - [`spill`]: records in memory or in a file. [`gather`]: rows → records. [`verify`]: records → mistakes.
//! - [`committed`]: which committed rows are looked at, and how.
//!
//! Whoever changes keys or deletes nodes follows the edges by the same hashes ([`HashKey::of_column`]).

mod cell;
mod committed;
mod gather;
mod mistake;
mod record;
mod spill;
mod verify;

pub(crate) use committed::{BY_VALUE_ROWS_MAX, Lookups, one_of};
pub(crate) use gather::{Gatherer, HashKey};
pub(crate) use mistake::{Mistakes, Origin, excerpt};
pub(crate) use verify::{AddressesByType, Conflicts, shown, verify};

/// A domain in which equal values mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Space {
    /// The identities of a type: a node's key, an edge's endpoints. Edges that need a node leave a record here too.
    Identity(usize),
    /// The values of a `@unique` property, by type and property.
    Unique(usize, usize),
}
