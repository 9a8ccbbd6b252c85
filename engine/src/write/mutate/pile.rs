//! Rows that statements made, in pieces: in memory while they are few, else in a temporary file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow_array::{Array, RecordBatch, UInt64Array};
use roaring::RoaringTreemap;

use super::pack::{Packing, unexpected};
use crate::error::{Error, ErrorKind, Result};

/// Set in the name of a pending row. Addresses never have it: fragment ids are counted from zero.
pub(super) const PENDING: u64 = 1 << 63;

/// What the rows of one mutation may take, over all types.
#[derive(Debug)]
pub(super) struct Budget {
    memory_max_bytes: u64,
    max_bytes: u64,
    /// Bytes in memory; all bytes.
    used: [AtomicU64; 2],
}

impl Budget {
    pub(super) fn new(memory_max_bytes: u64, max_bytes: u64) -> Arc<Self> {
        Arc::new(Budget { memory_max_bytes, max_bytes, used: Default::default() })
    }

    /// Takes room for a piece. Says whether it may stay in memory.
    fn take(&self, bytes: u64) -> Result<bool> {
        let [memory, all] = &self.used;
        if all.fetch_add(bytes, Ordering::Relaxed) + bytes > self.max_bytes {
            let message = format!("the rows that the mutation makes have more than {} bytes", self.max_bytes);
            return Err(Error::invalid(message).with_advice("split it, or load many rows as JSON lines"));
        }
        let fits = memory.load(Ordering::Relaxed) + bytes <= self.memory_max_bytes;
        if fits {
            memory.fetch_add(bytes, Ordering::Relaxed);
        }
        Ok(fits)
    }
}

/// Rows that one statement made together.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// The number of its first row.
    pub(super) first: u64,
    pub(super) rows: u64,
    pub(super) statement: u64,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Memory(RecordBatch),
    File { file: Arc<Mutex<File>>, at: u64, bytes: usize },
}

/// The pending rows of a type.
#[derive(Debug)]
pub(super) struct Pile {
    packing: Arc<Packing>,
    budget: Arc<Budget>,
    pieces: Vec<Piece>,
    rows: u64,
    file: Option<(Arc<Mutex<File>>, u64)>,
    /// The numbers of rows that are gone again.
    dead: Arc<RoaringTreemap>,
}

impl Pile {
    pub(super) fn new(packing: Arc<Packing>, budget: Arc<Budget>) -> Self {
        Pile { packing, budget, pieces: Vec::new(), rows: 0, file: None, dead: Arc::default() }
    }

    pub(super) fn packing(&self) -> &Arc<Packing> {
        &self.packing
    }

    /// Whether there was never a row.
    pub(super) fn is_untouched(&self) -> bool {
        self.rows == 0
    }

    /// Rows that are not gone.
    pub(super) fn alive(&self) -> u64 {
        self.rows - self.dead.len()
    }

    /// Adds rows with their origins.
    pub(super) fn push(&mut self, rows: &RecordBatch, origin: UInt64Array, statement: u64) -> Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let packed = self.packing.pack(rows, origin)?;
        let bytes: usize = packed.columns().iter().map(|column| slice_bytes(column.as_ref())).sum();
        let count = packed.num_rows() as u64;
        let place = match self.budget.take(bytes as u64)? {
            true => Place::Memory(packed),
            false => self.write(&packed)?,
        };
        self.pieces.push(Piece { first: self.rows, rows: count, statement, place });
        self.rows += count;
        Ok(())
    }

    /// Takes rows away by number.
    pub(super) fn bury(&mut self, numbers: &RoaringTreemap) {
        if !numbers.is_empty() {
            *Arc::make_mut(&mut self.dead) |= numbers;
        }
    }

    /// The rows as they are now; what is added later is not among them.
    pub(super) fn frozen(&self) -> Frozen {
        Frozen { packing: Arc::clone(&self.packing), pieces: self.pieces.clone(), dead: Arc::clone(&self.dead) }
    }

    fn write(&mut self, rows: &RecordBatch) -> Result<Place> {
        let mut encoded = Vec::new();
        let writer = StreamWriter::try_new(&mut encoded, &rows.schema());
        let written = writer.and_then(|mut writer| writer.write(rows).and_then(|()| writer.finish()));
        written.map_err(unexpected)?;
        let (file, end) = match &mut self.file {
            Some(open) => open,
            None => self.file.insert((Arc::new(Mutex::new(tempfile::tempfile().map_err(unusable)?)), 0)),
        };
        let (at, bytes) = (*end, encoded.len());
        let mut at_end = file.lock().map_err(|_| poisoned())?;
        at_end.seek(SeekFrom::Start(at)).and_then(|_| at_end.write_all(&encoded)).map_err(unusable)?;
        *end += bytes as u64;
        Ok(Place::File { file: Arc::clone(file), at, bytes })
    }
}

/// Pending rows at one moment.
#[derive(Clone, Debug)]
pub(super) struct Frozen {
    packing: Arc<Packing>,
    pieces: Vec<Piece>,
    dead: Arc<RoaringTreemap>,
}

impl Frozen {
    pub(super) fn packing(&self) -> &Arc<Packing> {
        &self.packing
    }

    /// The pieces that have a row which is not gone, in order.
    pub(super) fn into_pieces(self) -> impl Iterator<Item = (Piece, Arc<RoaringTreemap>)> {
        let Frozen { pieces, dead, .. } = self;
        let is_alive = move |piece: Piece| {
            let numbers = piece.first..piece.first + piece.rows;
            (dead.range_cardinality(numbers) < piece.rows).then(|| (piece, Arc::clone(&dead)))
        };
        pieces.into_iter().filter_map(is_alive)
    }
}

impl Piece {
    /// All its rows, packed.
    pub(super) fn read(&self) -> Result<RecordBatch> {
        let (file, at, bytes) = match &self.place {
            Place::Memory(rows) => return Ok(rows.clone()),
            Place::File { file, at, bytes } => (file, *at, *bytes),
        };
        let mut encoded = vec![0; bytes];
        let mut file = file.lock().map_err(|_| poisoned())?;
        file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut encoded)).map_err(unusable)?;
        drop(file);
        let mut reader = StreamReader::try_new(encoded.as_slice(), None).map_err(unexpected)?;
        reader.next().ok_or_else(|| Error::internal("a piece of pending rows is empty"))?.map_err(unexpected)
    }
}

/// Bytes of the rows that an array shows; it may be a part of something larger.
fn slice_bytes(array: &dyn Array) -> usize {
    array.to_data().get_slice_memory_size().unwrap_or_else(|_| array.get_array_memory_size())
}

fn unusable(cause: std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, "a temporary file for the rows of a mutation could not be used")
        .with_advice("free some space in the directory for temporary files and retry")
        .with_source(cause)
}

fn poisoned() -> Error {
    Error::internal("whoever used the file of pending rows before has panicked")
}
