//! The records of one space: in memory while they are few, else in one temporary file.
//!
//! The file holds blocks, each of one partition; where the blocks of a partition lie is kept in memory, which costs a
//! few bytes for every hundred records. A partition is read back alone, so what verification needs in memory is the
//! 256th part of the records.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};

use super::record::{RECORD_BYTES, Record};
use crate::error::{Error, ErrorKind, Result};

/// Records that a space keeps in memory before it goes to a file.
const MEMORY_RECORDS_MAX: usize = 64 * 1_024;
const PARTITIONS: usize = 256;
/// Records of a partition that are written together. All open blocks should fit in a processor's cache.
const BLOCK_RECORDS: usize = 64;
/// Bytes that wait for the file.
const FILE_BUFFER_BYTES: usize = 1 << 18;

pub(super) struct Spill {
    memory: Vec<Record>,
    file: Option<PartitionedFile>,
}

impl Spill {
    pub(super) fn new() -> Self {
        Spill { memory: Vec::new(), file: None }
    }

    pub(super) fn push(&mut self, record: Record) -> Result<()> {
        match &mut self.file {
            Some(file) => file.push(record).map_err(unusable),
            None => {
                self.memory.push(record);
                if self.memory.len() < MEMORY_RECORDS_MAX {
                    return Ok(());
                }
                let mut file = PartitionedFile::create().map_err(unusable)?;
                for record in std::mem::take(&mut self.memory) {
                    file.push(record).map_err(unusable)?;
                }
                self.file = Some(file);
                Ok(())
            }
        }
    }

    /// Calls `visit` with all records of each hash, in the order of kind and place.
    pub(super) fn for_each_group(self, mut visit: impl FnMut(&[Record])) -> Result<()> {
        let mut grouped = Groups::default();
        let Some(mut file) = self.file else {
            grouped.visit(&self.memory, &mut visit);
            return Ok(());
        };
        let mut records = Vec::new();
        for partition in 0..PARTITIONS {
            file.read(partition, &mut records).map_err(unusable)?;
            grouped.visit(&records, &mut visit);
        }
        Ok(())
    }
}

/// Sorts positions rather than records: they are a third as wide, and most hashes stand alone.
#[derive(Default)]
struct Groups {
    order: Vec<(u64, u32)>,
    group: Vec<Record>,
}

impl Groups {
    fn visit(&mut self, records: &[Record], visit: &mut impl FnMut(&[Record])) {
        self.order.clear();
        // A partition has equal high bits; the low half of a hash is as good as the high one.
        self.order.extend(records.iter().zip(0..).map(|(record, at)| (record.hash as u64, at)));
        self.order.sort_unstable();
        for same_half in self.order.chunk_by(|a, b| a.0 == b.0) {
            self.group.clear();
            self.group.extend(same_half.iter().map(|(_, at)| records[*at as usize]));
            if self.group.len() > 1 {
                self.group.sort_unstable_by_key(|record| (record.hash, record.kind, record.place));
            }
            for group in self.group.chunk_by(|a, b| a.hash == b.hash) {
                visit(group);
            }
        }
    }
}

struct PartitionedFile {
    file: BufWriter<File>,
    length: u64,
    partitions: Vec<Partition>,
}

#[derive(Default)]
struct Partition {
    open: Vec<u8>,
    /// Where full blocks of it lie, in bytes.
    blocks: Vec<u64>,
}

impl PartitionedFile {
    fn create() -> std::io::Result<Self> {
        let partitions = (0..PARTITIONS).map(|_| Partition::default()).collect();
        Ok(PartitionedFile {
            file: BufWriter::with_capacity(FILE_BUFFER_BYTES, tempfile::tempfile()?),
            length: 0,
            partitions,
        })
    }

    fn push(&mut self, record: Record) -> std::io::Result<()> {
        let partition = &mut self.partitions[(record.hash >> 120) as usize];
        partition.open.extend_from_slice(&record.encode());
        if partition.open.len() == BLOCK_RECORDS * RECORD_BYTES {
            self.file.write_all(&partition.open)?;
            partition.blocks.push(self.length);
            self.length += partition.open.len() as u64;
            partition.open.clear();
        }
        Ok(())
    }

    fn read(&mut self, partition: usize, records: &mut Vec<Record>) -> std::io::Result<()> {
        records.clear();
        let Partition { open, blocks } = std::mem::take(&mut self.partitions[partition]);
        let mut block = vec![0; BLOCK_RECORDS * RECORD_BYTES];
        self.file.flush()?;
        let file = self.file.get_mut();
        for at in blocks {
            file.seek(SeekFrom::Start(at))?;
            file.read_exact(&mut block)?;
            decode(&block, records)?;
        }
        decode(&open, records)
    }
}

fn decode(bytes: &[u8], records: &mut Vec<Record>) -> std::io::Result<()> {
    for bytes in bytes.chunks_exact(RECORD_BYTES) {
        records.push(Record::decode(bytes).ok_or(std::io::ErrorKind::InvalidData)?);
    }
    Ok(())
}

fn unusable(cause: std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, "a temporary file for checking the rows could not be used")
        .with_advice("free some space in the directory for temporary files and retry")
        .with_source(cause)
}

#[cfg(test)]
mod tests {
    use super::super::cell::Cell;
    use super::super::record::Kind;
    use super::*;

    #[test]
    fn what_goes_to_a_file_comes_back_whole_and_in_groups() {
        let mut spill = Spill::new();
        let count = MEMORY_RECORDS_MAX as u64 * 2 + 17;
        let hash = |n: u64| u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        for n in 0..count {
            spill.push(Record::new(hash(n), Kind::Committed, 7, 0)).unwrap();
            spill.push(Record::new(hash(n), Kind::Input, n, 3).showing(&[Cell::Text("value")])).unwrap();
        }
        let mut seen = 0;
        spill
            .for_each_group(|group| {
                let [first, second] = group else { panic!("each hash was put twice") };
                assert_eq!((first.kind, second.kind, second.place), (Kind::Input, Kind::Committed, 7));
                assert_eq!((first.hash, first.edge, first.shown(0, 1)), (hash(first.place), 3, (&b"value"[..], true)));
                seen += 1;
            })
            .unwrap();
        assert_eq!(seen, count);
    }
}
