//! The history in chunks, so that finding something in it costs a few store calls however long it is.
//!
//! # How it lies there
//!
//! Versions of the manifest are numbered without a gap. Each [`LENGTH`] of them are a *chunk*, and each version holds the commits of its
//! chunk up to itself: so the last version of a chunk holds all of it, and the newest commits cost no call at all. `n` commits back
//! are `n /` [`LENGTH`] versions.
//!
//! The last version of a chunk also holds a *block*: which operations were published, a line for each version. Blocks grow as in a
//! Fenwick tree: the block of the `j`-th chunk covers as many chunks as the lowest bit of `j` says, so that the blocks of `j`, of `j`
//! less its lowest bit, and so on, cover everything before, each once. A search reads one block for each bit of `j`: for 100,000
//! commits eleven at the most. A block is put together from those that it covers, which are the ones that the writer of the last chunks
//! has written itself; it goes into the file that the version has anyway. So a publish costs no put more, and a get only where a handle
//! closes a chunk whose blocks it has not seen.
//!
//! A version that is damaged must not stand in the way of those to come. So where a block cannot be put together for that reason the version
//! goes without, and who meets it looks at its chunk, and then at the blocks that it would have covered.
//!
//! # Why not otherwise
//!
//! Callers name operations as they like, so nothing can be told from the order of ids: no tree of ranges, and no bounds
//! that would let a search leave blocks out. A line of text has 27 bytes, and comparing a million of them takes milliseconds; what is dear
//! is a call. A separate index would be one more put a publish, or could lag behind.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::GraphState;
use crate::history::Commit;

/// Versions in a chunk. Each publish writes half a chunk of commits on the average, a few kilobytes.
pub(super) const LENGTH: u64 = 32;
/// Versions that a block covers at the most: 28 MB of text. A longer history has several of this length.
const BLOCK_MAX_LENGTH: u64 = LENGTH << 15;
/// Blocks that are kept: those of the newest 300,000 versions. One that is not is read again, for a search or for the block that covers it.
const KEPT_MAX_BYTES: usize = 8 << 20;

/// Whether a chunk begins with `version`.
pub(super) fn begins(version: u64) -> bool {
    version % LENGTH == 1
}

/// Whether a chunk ends with `version`.
pub(super) fn ends(version: u64) -> bool {
    version.is_multiple_of(LENGTH)
}

/// The last version of the chunk before that of `version`; 0 where there is none.
pub(super) fn end_before(version: u64) -> u64 {
    version.saturating_sub(1) / LENGTH * LENGTH
}

/// The first version that the block of version `end` covers.
pub(super) fn first_covered(end: u64) -> u64 {
    let chunks = end / LENGTH;
    let lowest_bit = chunks & chunks.wrapping_neg();
    end - (lowest_bit * LENGTH).min(BLOCK_MAX_LENGTH) + 1
}

/// The operations of the versions from `first` on: a line for each version, with the ids of those that it published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) first: u64,
    pub(super) lines: Arc<str>,
}

impl Block {
    /// The block of the versions that `earlier`, oldest first, cover, and of `commits`, which follow them.
    pub(super) fn joined(first: u64, earlier: &[Block], commits: &[Commit]) -> Block {
        let mut lines: String = earlier.iter().map(|block| block.lines.as_ref()).collect();
        for together in commits.chunk_by(|one, next| one.graph_version == next.graph_version) {
            let ids: Vec<String> = together.iter().filter_map(|commit| commit.operation_id).map(String::from).collect();
            lines.push_str(&ids.join(" "));
            lines.push('\n');
        }
        Block { first, lines: lines.into() }
    }

    /// What `state`, the last version of a chunk, says of its chunk alone.
    pub(super) fn of_chunk(state: &GraphState) -> Block {
        Block::joined(state.recent.first().map_or(state.version, |commit| commit.graph_version), &[], &state.recent)
    }

    /// How many versions it covers.
    pub(super) fn length(&self) -> u64 {
        self.lines.bytes().filter(|byte| *byte == b'\n').count() as u64
    }

    /// The newest version that published `operation`.
    pub(super) fn find(&self, operation: &str) -> Option<u64> {
        let lines = self.lines.lines().zip(self.first..);
        lines.filter(|(line, _)| line.split(' ').any(|id| id == operation)).last().map(|(_, version)| version)
    }
}

/// Blocks that were read or written. They never change, so whoever follows one history shares them.
#[derive(Debug, Default)]
pub(super) struct Blocks(Mutex<BTreeMap<u64, Block>>);

impl Blocks {
    pub(super) fn get(&self, end: u64) -> Option<Block> {
        self.lock().get(&end).cloned()
    }

    /// Keeps the block of version `end`, and none that it covers. The oldest make way.
    pub(super) fn keep(&self, end: u64, block: &Block) {
        let mut kept = self.lock();
        kept.retain(|other, _| *other < block.first || *other > end);
        kept.insert(end, block.clone());
        let mut bytes: usize = kept.values().map(|block| block.lines.len()).sum();
        while bytes > KEPT_MAX_BYTES {
            bytes -= kept.pop_first().map_or(bytes, |(_, oldest)| oldest.lines.len());
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Block>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The versions whose blocks together cover everything from `end` down to `first`; newest first.
    fn cover(end: u64, first: u64) -> impl Iterator<Item = u64> {
        let next = |end: &u64| Some(first_covered(*end) - 1);
        std::iter::successors(Some(end), next).take_while(move |end| *end > 0 && *end >= first)
    }

    #[test]
    fn blocks_cover_every_version_once_with_one_block_a_bit() {
        for chunks in (1..500).chain([1 << 15, (1 << 15) + 7, (1 << 17) + 5]) {
            let mut upper = chunks * LENGTH;
            let ends: Vec<u64> = cover(upper, 1).collect();
            for end in &ends {
                assert_eq!(*end, upper, "the blocks below {chunks} chunks leave no gap");
                upper = first_covered(*end) - 1;
            }
            assert_eq!(upper, 0);
            assert!(ends.len() as u64 <= u64::from(chunks.count_ones()) + chunks * LENGTH / BLOCK_MAX_LENGTH);
        }
    }

    #[test]
    fn a_block_finds_each_operation_in_the_newest_version_that_published_it() {
        let id = |n: u64| format!("01ARZ3NDEKTSV4RRFFQ69G5F{n:02}");
        let commit = |version: u64, operation: Option<u64>| Commit {
            graph_version: version,
            operation_id: operation.map(|n| id(n).parse().unwrap()),
            ..Commit::example()
        };
        let earlier = Block::joined(9, &[], &[commit(9, Some(1)), commit(10, None), commit(11, Some(2))]);
        let commits = [commit(12, Some(3)), commit(12, None), commit(12, Some(4)), commit(13, Some(1))];
        let block = Block::joined(9, &[earlier], &commits);
        assert_eq!(block.length(), 5, "{:?}", block.lines);
        let found: Vec<_> = (1..=5).map(|n| block.find(&id(n))).collect();
        assert_eq!(found, [Some(13), Some(11), Some(12), Some(12), None]);
    }

    #[test]
    fn what_is_kept_is_what_the_next_block_covers() {
        let blocks = Blocks::default();
        for end in (1..=1_000).map(|chunk| chunk * LENGTH) {
            for covered in cover(end - LENGTH, first_covered(end)) {
                assert!(blocks.get(covered).is_some(), "{covered}, for the block of {end}");
            }
            let first = first_covered(end);
            blocks.keep(end, &Block { first, lines: "\n".repeat((end + 1 - first) as usize).into() });
            assert_eq!(blocks.lock().len() as u32, (end / LENGTH).count_ones());
        }
    }

    #[test]
    fn the_oldest_make_way_for_what_does_not_fit() {
        let blocks = Blocks::default();
        let lines: Arc<str> = "\n".repeat(KEPT_MAX_BYTES / 4).into();
        for end in 1..=6 {
            blocks.keep(end, &Block { first: end, lines: Arc::clone(&lines) });
        }
        assert_eq!(blocks.lock().keys().copied().collect::<Vec<_>>(), [3, 4, 5, 6]);
        blocks.keep(7, &Block { first: 7, lines: "\n".repeat(KEPT_MAX_BYTES + 1).into() });
        assert_eq!(blocks.lock().len(), 0);
    }
}
