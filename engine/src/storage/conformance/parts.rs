//! Uploads in parts and reads of ranges: what Lance asks of the store for large files.

use bytes::Bytes;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};

use super::{Breach, Ground, ensure};
use crate::storage::Realm;

/// The least that S3 takes for any part but the last.
const PART_BYTES: usize = 5 << 20;

fn part(byte: u8, bytes: usize) -> Bytes {
    Bytes::from(vec![byte; bytes])
}

pub(super) async fn multipart_is_visible_when_complete(ground: Ground) -> Result<(), Breach> {
    let (table, path) = (ground.a.raw(Realm::Table), ground.path("large"));
    for round in 0..2_u8 {
        let parts = [part(b'a' + round, PART_BYTES), part(b'm' + round, PART_BYTES), part(b'z' - round, 1_000)];
        let mut upload = table.put_multipart(&path).await?;
        let sent: Vec<_> = parts.iter().map(|part| upload.put_part(part.clone().into())).collect();
        futures::future::try_join_all(sent).await?;
        let seen = ground.b.objects().list(&ground.prefix).await?;
        ensure(seen.len() == usize::from(round), || format!("before it is complete the listing shows {seen:?}"))?;
        upload.complete().await?;
        let found = ground.b.raw(Realm::Table).get(&path).await?.bytes().await?;
        let wanted = parts.concat();
        ensure(found == wanted, || {
            format!("{} bytes were sent and {} are there, or other ones", wanted.len(), found.len())
        })?;
    }
    Ok(())
}

pub(super) async fn multipart_abort_leaves_nothing(ground: Ground) -> Result<(), Breach> {
    let (table, path) = (ground.a.raw(Realm::Table), ground.path("large"));
    let mut upload = table.put_multipart(&path).await?;
    upload.put_part(part(b'x', PART_BYTES).into()).await?;
    upload.abort().await?;
    let left = ground.b.objects().list_recursive(&ground.prefix).await?;
    ensure(left.is_empty(), || format!("an aborted upload left {left:?}"))
}

pub(super) async fn ranges_are_exact(ground: Ground) -> Result<(), Breach> {
    let (table, path) = (ground.a.raw(Realm::Table), ground.path("object"));
    let content: Bytes = (0..100_000_u32).flat_map(|number| number.to_be_bytes()).collect();
    table.put(&path, content.clone().into()).await?;
    let length = content.len() as u64;
    let head = table.head(&path).await?;
    ensure(head.size == length && head.location == path, || format!("head says {head:?}"))?;
    for range in [0..1, 7..4_096, 65_536..200_000, length - 1..length] {
        let found = table.get_range(&path, range.clone()).await?;
        ensure(found == content[range.start as usize..range.end as usize], || format!("range {range:?} is wrong"))?;
    }
    let ranges = [300_000..300_010, 0..10, 5..7, 399_000..length];
    let found = table.get_ranges(&path, &ranges).await?;
    let exact =
        |(found, range): (&Bytes, &std::ops::Range<u64>)| *found == content[range.start as usize..range.end as usize];
    ensure(found.len() == 4 && found.iter().zip(&ranges).all(exact), || "several ranges at once are wrong".into())?;
    let options = GetOptions { range: Some(GetRange::Suffix(1_000)), ..GetOptions::default() };
    let tail = table.get_opts(&path, options).await?;
    ensure(tail.meta.size == length, || {
        format!("a read of the tail says that the object has {} bytes", tail.meta.size)
    })?;
    let tail = tail.bytes().await?;
    ensure(tail == content[content.len() - 1_000..], || "the tail is wrong".into())
}
