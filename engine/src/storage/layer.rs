//! A layer sees, counts, delays or fails the calls of both realms.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use object_store::{GetOptions, GetRange, ObjectStore, PutMode};

use super::classify::{Operation, Realm};

/// Something that stands between the engine and the store.
///
/// A stack wraps its store once per [`Realm`]; what a layer knows of both, it keeps in shared state. The store that
/// `wrap` returns must implement *every* method of [`ObjectStore`] (`#[deny(clippy::missing_trait_methods)]`): a default
/// method would turn one call into several others, and a call would slip past a counter or a fault.
pub trait StoreLayer: Debug + Send + Sync {
    /// Puts the layer on top of `inner`. Paths are relative to the graph root.
    fn wrap(&self, realm: Realm, inner: Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>;
}

/// Puts `layers` on top of `base`; the first layer is the outermost, so it sees a call first and its outcome last.
pub(super) fn wrap_all(
    layers: &[Arc<dyn StoreLayer>],
    realm: Realm,
    base: Arc<dyn ObjectStore>,
) -> Arc<dyn ObjectStore> {
    layers.iter().rev().fold(base, |inner, layer| layer.wrap(realm, inner))
}

pub(super) fn put_operation(mode: &PutMode) -> Operation {
    match mode {
        PutMode::Overwrite => Operation::Put,
        PutMode::Create => Operation::PutIfAbsent,
        PutMode::Update(_) => Operation::PutIfMatch,
    }
}

pub(super) fn get_operation(options: &GetOptions) -> Operation {
    if options.head { Operation::Head } else { Operation::Get }
}

/// Bytes that a read asks for, where it says how many.
pub(super) fn requested_bytes(options: &GetOptions) -> u64 {
    match &options.range {
        Some(GetRange::Bounded(range)) => range.end.saturating_sub(range.start),
        Some(GetRange::Suffix(bytes)) => *bytes,
        _ => 0,
    }
}

pub(super) fn ranges_bytes(ranges: &[Range<u64>]) -> u64 {
    ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum()
}
