//! The records of one space: in memory while they are few, else in one temporary file.
//!
//! The file holds blocks, each of one partition; where the blocks of a partition lie is kept in memory, which costs a
//! few bytes for every hundred records. A partition is read back alone, so what verification needs in memory is the
//! 256th part of the records.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use super::record::{RECORD_BYTES, Record};
use crate::error::{Error, ErrorKind, Result};

/// Records that a space keeps in memory before it goes to a file.
const MEMORY_RECORDS_MAX: usize = 64 * 1_024;
const PARTITIONS: usize = 256;
const BLOCK_RECORDS: usize = 128;

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

    /// Calls `visit` with every partition, sorted by hash, kind and place. Equal hashes are never in two partitions.
    pub(super) fn for_each_partition(mut self, mut visit: impl FnMut(&[Record])) -> Result<()> {
        let mut sorted = |records: &mut Vec<Record>| {
            records.sort_unstable_by_key(|record| (record.hash, record.kind, record.place));
            visit(records);
        };
        let Some(mut file) = self.file else {
            sorted(&mut self.memory);
            return Ok(());
        };
        let mut records = Vec::new();
        for partition in 0..PARTITIONS {
            file.read(partition, &mut records).map_err(unusable)?;
            sorted(&mut records);
        }
        Ok(())
    }
}

struct PartitionedFile {
    file: File,
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
        Ok(PartitionedFile { file: tempfile::tempfile()?, length: 0, partitions })
    }

    fn push(&mut self, record: Record) -> std::io::Result<()> {
        let partition = &mut self.partitions[(record.hash >> 120) as usize];
        record.encode(&mut partition.open);
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
        for at in blocks {
            self.file.seek(SeekFrom::Start(at))?;
            self.file.read_exact(&mut block)?;
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
    fn what_goes_to_a_file_comes_back_sorted_and_whole() {
        let mut spill = Spill::new();
        let count = MEMORY_RECORDS_MAX as u64 * 2 + 17;
        let hash = |n: u64| u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        for n in 0..count {
            spill.push(Record::new(hash(n), Kind::Input, n, 3).showing(&[Cell::Text("value")])).unwrap();
        }
        let (mut seen, mut last) = (0, 0);
        spill
            .for_each_partition(|records| {
                for record in records {
                    assert_eq!(
                        (record.hash, record.edge, record.shown(0, 1)),
                        (hash(record.place), 3, (&b"value"[..], true))
                    );
                    assert!(record.hash >= last);
                    last = record.hash;
                    seen += 1;
                }
            })
            .unwrap();
        assert_eq!(seen, count);
    }
}
