//! Multipart uploads: parts are kept apart until they are completed, and become visible in one write.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use object_store::Attributes;
use s3s::dto::*;
use s3s::{S3Result, s3_error};

use super::attributes::Kept;
use super::body;
use super::bucket::Buckets;
use super::condition::WriteCondition;
use super::endpoint::EndpointLimits;

/// Every part but the last has at least this many bytes, as S3 has it.
const PART_BYTES_MIN: usize = 5 * 1024 * 1024;
const PART_NUMBER_MAX: i32 = 10_000;

/// The unfinished uploads of one bucket.
#[derive(Debug)]
pub(super) struct Uploads {
    uploads_max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    by_id: HashMap<String, Upload>,
    next: u64,
}

#[derive(Debug)]
struct Upload {
    key: String,
    attributes: Attributes,
    parts: BTreeMap<i32, Part>,
}

#[derive(Clone, Debug)]
struct Part {
    tag: String,
    bytes: Bytes,
}

impl Uploads {
    pub(super) fn new(uploads_max: usize) -> Self {
        Self { uploads_max, state: Mutex::default() }
    }

    fn begin(&self, key: &str, attributes: Attributes) -> S3Result<String> {
        let mut state = self.lock();
        if state.by_id.len() >= self.uploads_max {
            return Err(s3_error!(SlowDown, "there are {} unfinished uploads already", self.uploads_max));
        }
        let id = state.next_name("upload");
        state.by_id.insert(id.clone(), Upload { key: key.to_owned(), attributes, parts: BTreeMap::new() });
        Ok(id)
    }

    fn add(&self, id: &str, key: &str, number: i32, bytes: Bytes) -> S3Result<String> {
        let mut state = self.lock();
        let tag = state.next_name("part");
        state.find(id, key)?.parts.insert(number, Part { tag: tag.clone(), bytes });
        Ok(tag)
    }

    fn forget(&self, id: &str, key: &str) -> S3Result<()> {
        let mut state = self.lock();
        state.find(id, key)?;
        state.by_id.remove(id);
        Ok(())
    }

    /// The whole object as the client put its list together, still unfinished.
    fn assemble(&self, id: &str, key: &str, wanted: &[CompletedPart], bytes_max: u64) -> S3Result<(Bytes, Attributes)> {
        let mut state = self.lock();
        let upload = state.find(id, key)?;
        let chunks = choose(&upload.parts, wanted)?;
        let total: u64 = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        if total > bytes_max {
            return Err(s3_error!(EntityTooLarge, "an object may have at most {bytes_max} bytes here"));
        }
        Ok((body::join(&chunks), upload.attributes.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next_name(&mut self, kind: &str) -> String {
        self.next += 1;
        format!("{kind}-{}", self.next)
    }

    fn find(&mut self, id: &str, key: &str) -> S3Result<&mut Upload> {
        match self.by_id.get_mut(id) {
            Some(upload) if upload.key == key => Ok(upload),
            _ => Err(s3_error!(NoSuchUpload, "there is no unfinished upload {id} of {key}")),
        }
    }
}

/// The bytes of the listed parts, in order. Numbers must ascend, tags must fit, and only the last part may be small.
fn choose(parts: &BTreeMap<i32, Part>, wanted: &[CompletedPart]) -> S3Result<Vec<Bytes>> {
    if wanted.is_empty() {
        return Err(s3_error!(MalformedXML, "the list of parts is empty"));
    }
    let mut chunks: Vec<Bytes> = Vec::with_capacity(wanted.len());
    let mut previous = 0;
    for (index, entry) in wanted.iter().enumerate() {
        let number = entry.part_number.unwrap_or_default();
        if number <= previous {
            return Err(s3_error!(InvalidPartOrder, "part {number} is listed behind part {previous}"));
        }
        previous = number;
        let part = parts.get(&number).ok_or_else(|| s3_error!(InvalidPart, "there is no part {number}"))?;
        if entry.e_tag.as_ref().is_some_and(|tag| tag.value() != part.tag) {
            return Err(s3_error!(InvalidPart, "part {number} has another tag"));
        }
        if index + 1 < wanted.len() && part.bytes.len() < PART_BYTES_MIN {
            return Err(s3_error!(
                EntityTooSmall,
                "part {number} is not the last one and has fewer than {PART_BYTES_MIN} bytes"
            ));
        }
        chunks.push(part.bytes.clone());
    }
    Ok(chunks)
}

pub(super) fn create(buckets: &Buckets, input: CreateMultipartUploadInput) -> S3Result<CreateMultipartUploadOutput> {
    let kept = Kept {
        cache_control: input.cache_control,
        content_disposition: input.content_disposition,
        content_encoding: input.content_encoding,
        content_language: input.content_language,
        content_type: input.content_type,
        metadata: input.metadata,
    };
    let id = buckets.get(&input.bucket)?.uploads.begin(&input.key, kept.into())?;
    Ok(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(id),
        ..CreateMultipartUploadOutput::default()
    })
}

pub(super) async fn upload_part(
    buckets: &Buckets,
    limits: &EndpointLimits,
    input: UploadPartInput,
) -> S3Result<UploadPartOutput> {
    let bucket = buckets.get(&input.bucket)?;
    if !(1..=PART_NUMBER_MAX).contains(&input.part_number) {
        return Err(s3_error!(InvalidArgument, "part numbers go from 1 to {PART_NUMBER_MAX}"));
    }
    let bytes = body::read(input.body, input.content_length, limits.object_bytes).await?;
    let tag = bucket.uploads.add(&input.upload_id, &input.key, input.part_number, bytes)?;
    Ok(UploadPartOutput { e_tag: Some(ETag::Strong(tag)), ..UploadPartOutput::default() })
}

pub(super) async fn complete(
    buckets: &Buckets,
    limits: &EndpointLimits,
    input: CompleteMultipartUploadInput,
) -> S3Result<CompleteMultipartUploadOutput> {
    let bucket = buckets.get(&input.bucket)?;
    let condition = WriteCondition::new(input.if_match.as_ref(), input.if_none_match.as_ref())?;
    let wanted = input.multipart_upload.and_then(|list| list.parts).unwrap_or_default();
    let (bytes, attributes) = bucket.uploads.assemble(&input.upload_id, &input.key, &wanted, limits.object_bytes)?;
    // The upload is forgotten only when the object is there: one that lost a race can still be aborted.
    let tag = bucket.write(&input.key, bytes, attributes, &condition).await?;
    // A second completion may have won in the meantime; the object is written either way.
    let _ = bucket.uploads.forget(&input.upload_id, &input.key);
    Ok(CompleteMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(tag),
        ..CompleteMultipartUploadOutput::default()
    })
}

pub(super) fn abort(buckets: &Buckets, input: AbortMultipartUploadInput) -> S3Result<AbortMultipartUploadOutput> {
    buckets.get(&input.bucket)?.uploads.forget(&input.upload_id, &input.key)?;
    Ok(AbortMultipartUploadOutput::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(sizes: &[usize]) -> BTreeMap<i32, Part> {
        let part = |(index, size): (usize, &usize)| {
            (index as i32 + 1, Part { tag: format!("part-{index}"), bytes: Bytes::from(vec![index as u8; *size]) })
        };
        sizes.iter().enumerate().map(part).collect()
    }

    fn wanted(numbers: &[i32]) -> Vec<CompletedPart> {
        numbers.iter().map(|number| CompletedPart { part_number: Some(*number), ..CompletedPart::default() }).collect()
    }

    #[test]
    fn only_the_last_part_may_be_small() {
        assert_eq!(choose(&parts(&[PART_BYTES_MIN, 1]), &wanted(&[1, 2])).expect("a small last part").len(), 2);
        assert!(choose(&parts(&[PART_BYTES_MIN - 1, 1]), &wanted(&[1, 2])).is_err());
        assert_eq!(choose(&parts(&[0]), &wanted(&[1])).expect("one empty part").len(), 1);
    }

    #[test]
    fn a_list_that_is_empty_out_of_order_or_names_another_part_is_refused() {
        let parts = parts(&[PART_BYTES_MIN, PART_BYTES_MIN]);
        assert!(choose(&parts, &[]).is_err());
        assert!(choose(&parts, &wanted(&[2, 1])).is_err());
        assert!(choose(&parts, &wanted(&[1, 1])).is_err());
        assert!(choose(&parts, &wanted(&[1, 3])).is_err());
        let other_tag = CompletedPart {
            part_number: Some(1),
            e_tag: Some(ETag::Strong("else".into())),
            ..CompletedPart::default()
        };
        assert!(choose(&parts, &[other_tag]).is_err());
    }
}
