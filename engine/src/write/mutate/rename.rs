//! Keys that one statement changes: what each was, and what it is now.

use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_select::concat::concat;
use arrow_select::filter::filter;
use arrow_select::interleave::interleave;
use roaring::RoaringBitmap;

use super::pack::unexpected;
use super::{PIECE_MAX_BYTES, RENAMES_MAX_BYTES};
use crate::error::{Error, Result};
use crate::schema::{Property, TypeDef};
use crate::write::check::{BY_VALUE_ROWS_MAX, HashKey, shown};

/// What a key costs beside itself: its place in two maps.
const KEY_BYTES: usize = 128;

/// Changed keys while they are collected.
pub(super) struct Collecting<'a> {
    def: &'a TypeDef,
    key: &'a Property,
    hash_key: HashKey,
    pieces: Vec<[ArrayRef; 2]>,
    count: usize,
    bytes: usize,
}

impl<'a> Collecting<'a> {
    pub(super) fn new(def: &'a TypeDef, key: &'a Property, hash_key: HashKey) -> Self {
        Collecting { def, key, hash_key, pieces: Vec::new(), count: 0, bytes: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds the keys of the rows that `changed` names.
    pub(super) fn add(&mut self, old: &ArrayRef, new: &ArrayRef, changed: &[bool]) -> Result<()> {
        let changed = BooleanArray::from(changed.to_vec());
        let pair = [filter(old, &changed).map_err(unexpected)?, filter(new, &changed).map_err(unexpected)?];
        self.count += pair[0].len();
        self.bytes += pair.iter().map(|keys| keys.get_array_memory_size()).sum::<usize>() + pair[0].len() * KEY_BYTES;
        if self.bytes > RENAMES_MAX_BYTES || self.count > u32::MAX as usize {
            let message = format!("the keys that change have more than {RENAMES_MAX_BYTES} bytes");
            return Err(Error::invalid(message).with_advice("change them in several mutations"));
        }
        self.pieces.push(pair);
        Ok(())
    }

    /// # Errors
    /// Two rows that would get one key.
    pub(super) fn finish(self) -> Result<Renames<'a>> {
        let all = |nth: usize| {
            let pieces: Vec<&dyn Array> = self.pieces.iter().map(|pair| pair[nth].as_ref()).collect();
            concat(&pieces).map_err(unexpected)
        };
        let (old, new) = (all(0)?, all(1)?);
        let longest = (0..new.len()).map(|row| key_bytes(&new, row)).max().unwrap_or(0);
        let (by_old, by_new) = (HashMap::with_capacity(old.len()), HashMap::with_capacity(old.len()));
        let Collecting { def, key, hash_key, .. } = self;
        let mut renames = Renames { def, key, hash_key, old, new, longest, by_old, by_new };
        let hashes = |keys: &ArrayRef| hash_key.of_column(keys.as_ref());
        for (at, (old, new)) in (0..).zip(hashes(&renames.old)?.into_iter().zip(hashes(&renames.new)?)) {
            let (Some(old), Some(new)) = (old, new) else { return Err(Error::internal("a key is missing")) };
            if let Some(first) = renames.by_new.insert(new, at) {
                return Err(renames.become_one(first, at)?);
            }
            if renames.by_old.insert(old, at).is_some() {
                return Err(renames.is_there_twice(at)?);
            }
        }
        Ok(renames)
    }
}

/// Keys that change, each old one once and each new one once.
pub(super) struct Renames<'a> {
    pub(super) def: &'a TypeDef,
    pub(super) key: &'a Property,
    hash_key: HashKey,
    pub(super) old: ArrayRef,
    pub(super) new: ArrayRef,
    /// Bytes of the longest new key.
    longest: usize,
    /// Where the old key, the new key with that hash stands.
    by_old: HashMap<u128, u32>,
    by_new: HashMap<u128, u32>,
}

impl Renames<'_> {
    /// Which new key each value of a column becomes, where it is one of the old ones.
    pub(super) fn of_column(&self, column: &ArrayRef) -> Result<Vec<Option<u32>>> {
        let hashes = self.hash_key.of_column(column.as_ref())?;
        Ok(hashes.into_iter().map(|hash| hash.and_then(|hash| self.by_old.get(&hash).copied())).collect())
    }

    /// A column with new keys where [`of_column`](Self::of_column) has found one.
    pub(super) fn apply(&self, column: &ArrayRef, found: &[Option<u32>]) -> Result<ArrayRef> {
        let from = |(row, found): (usize, &Option<u32>)| found.map_or((0, row), |at| (1, at as usize));
        let from: Vec<(usize, usize)> = found.iter().enumerate().map(from).collect();
        interleave(&[column.as_ref(), self.new.as_ref()], &from).map_err(unexpected)
    }

    /// Rows that can be given new keys together.
    pub(super) fn rows_at_once(&self) -> usize {
        (PIECE_MAX_BYTES / self.longest.max(1)).max(1)
    }

    /// All old and new keys, where they are few enough to ask a scan for.
    pub(super) fn few(&self) -> Result<Option<ArrayRef>> {
        if self.old.len() + self.new.len() > BY_VALUE_ROWS_MAX {
            return Ok(None);
        }
        concat(&[self.old.as_ref(), self.new.as_ref()]).map(Some).map_err(unexpected)
    }

    /// Looks at keys of rows as they are now; `seen` remembers which new ones were met.
    ///
    /// # Errors
    /// A row that has a new key beside the one that was given it, or one that keeps an old key, so that nobody can say
    /// whose the edges are.
    pub(super) fn look_at(&self, keys: &ArrayRef, seen: &mut RoaringBitmap) -> Result<()> {
        for hash in self.hash_key.of_column(keys.as_ref())?.into_iter().flatten() {
            match (self.by_new.get(&hash), self.by_old.get(&hash)) {
                (Some(at), _) if !seen.insert(*at) => return Err(self.exists(*at)?),
                (None, Some(at)) => return Err(self.is_there_twice(*at)?),
                _ => {}
            }
        }
        Ok(())
    }

    fn exists(&self, at: u32) -> Result<Error> {
        let (old, new) = (self.shown(&self.old, at)?, self.shown(&self.new, at)?);
        let name = &self.def.name;
        Ok(Error::invalid(format!("{name} {old} cannot become {new}: {name} {new} exists already"))
            .with_advice("a key occurs once; change or delete that row first"))
    }

    fn become_one(&self, first: u32, second: u32) -> Result<Error> {
        let [one, other] = [first, second].map(|at| self.shown(&self.old, at));
        let new = self.shown(&self.new, second)?;
        let message = format!("{} {} and {} would both become {new}", self.def.name, one?, other?);
        Ok(Error::invalid(message).with_advice("a key occurs once"))
    }

    fn is_there_twice(&self, at: u32) -> Result<Error> {
        Ok(is_there_twice(&self.def.name, &self.shown(&self.old, at)?))
    }

    fn shown(&self, keys: &ArrayRef, at: u32) -> Result<String> {
        shown(&self.key.ty, keys.as_ref(), at as usize)
    }
}

/// The error of a node whose key a former statement gave to another row, so that nobody can say whose the edges are.
pub(super) fn is_there_twice(node: &str, key: &str) -> Error {
    Error::invalid(format!("{node} {key} is there twice: a statement before has inserted it once more"))
        .with_advice("delete or change the row that exists before another one gets its key")
}

fn key_bytes(keys: &ArrayRef, row: usize) -> usize {
    keys.as_string_opt::<i32>().map_or(size_of::<u64>(), |texts| texts.value(row).len())
}
