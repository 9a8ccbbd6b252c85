//! Calls on single objects: put, get, head, copy, delete.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use object_store::{Attributes, ObjectMeta};
use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use super::attributes::Kept;
use super::body;
use super::bucket::{Buckets, tag_of};
use super::condition::{ReadCondition, WriteCondition};
use super::endpoint::EndpointLimits;

/// The most keys that one DeleteObjects may name, as S3 has it.
const DELETE_KEYS_MAX: usize = 1_000;

pub(super) async fn put(
    buckets: &Buckets,
    limits: &EndpointLimits,
    input: PutObjectInput,
) -> S3Result<PutObjectOutput> {
    let bucket = buckets.get(&input.bucket)?;
    if input.write_offset_bytes.is_some() {
        return Err(s3_error!(NotImplemented, "this endpoint does not append to objects"));
    }
    let condition = WriteCondition::new(input.if_match.as_ref(), input.if_none_match.as_ref())?;
    let kept = Kept {
        cache_control: input.cache_control,
        content_disposition: input.content_disposition,
        content_encoding: input.content_encoding,
        content_language: input.content_language,
        content_type: input.content_type,
        metadata: input.metadata,
    };
    let bytes = body::read(input.body, input.content_length, limits.object_bytes).await?;
    let tag = bucket.write(&input.key, bytes, kept.into(), &condition).await?;
    Ok(PutObjectOutput { e_tag: Some(tag), ..PutObjectOutput::default() })
}

pub(super) async fn get(buckets: &Buckets, input: GetObjectInput) -> S3Result<GetObjectOutput> {
    refuse_versions_and_parts(input.version_id.as_deref(), input.part_number)?;
    let condition = ReadCondition {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    };
    let found = find(buckets, &input.bucket, &input.key, &condition).await?;
    let (bytes, content_range) = cut(&found.bytes, input.range)?;
    Ok(GetObjectOutput {
        accept_ranges: Some("bytes".into()),
        cache_control: found.kept.cache_control,
        content_disposition: found.kept.content_disposition,
        content_encoding: found.kept.content_encoding,
        content_language: found.kept.content_language,
        content_type: found.kept.content_type,
        metadata: found.kept.metadata,
        content_length: Some(length(bytes.len())),
        content_range,
        body: Some(body::write(bytes)),
        e_tag: Some(tag_of(found.meta.e_tag.as_deref())?),
        last_modified: Some(timestamp(found.meta.last_modified)),
        ..GetObjectOutput::default()
    })
}

pub(super) async fn head(buckets: &Buckets, input: HeadObjectInput) -> S3Result<HeadObjectOutput> {
    refuse_versions_and_parts(input.version_id.as_deref(), input.part_number)?;
    let condition = ReadCondition {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    };
    let found = find(buckets, &input.bucket, &input.key, &condition).await?;
    let (bytes, content_range) = cut(&found.bytes, input.range)?;
    Ok(HeadObjectOutput {
        accept_ranges: Some("bytes".into()),
        cache_control: found.kept.cache_control,
        content_disposition: found.kept.content_disposition,
        content_encoding: found.kept.content_encoding,
        content_language: found.kept.content_language,
        content_type: found.kept.content_type,
        metadata: found.kept.metadata,
        content_length: Some(length(bytes.len())),
        content_range,
        e_tag: Some(tag_of(found.meta.e_tag.as_deref())?),
        last_modified: Some(timestamp(found.meta.last_modified)),
        ..HeadObjectOutput::default()
    })
}

pub(super) async fn copy(buckets: &Buckets, request: S3Request<CopyObjectInput>) -> S3Result<CopyObjectOutput> {
    // S3 takes conditions on the target of a copy too, but the request type does not carry them.
    let target_condition = WriteCondition::new(
        header_condition(&request, "if-match")?.as_ref(),
        header_condition(&request, "if-none-match")?.as_ref(),
    )?;
    let input = request.input;
    let CopySource::Bucket { bucket, key, version_id } = &input.copy_source else {
        return Err(s3_error!(NotImplemented, "a copy takes its source as bucket and key"));
    };
    refuse_versions_and_parts(version_id.as_deref(), None)?;
    let source_condition = ReadCondition {
        if_match: input.copy_source_if_match,
        if_none_match: input.copy_source_if_none_match,
        if_modified_since: input.copy_source_if_modified_since,
        if_unmodified_since: input.copy_source_if_unmodified_since,
    };
    let source = buckets.get(bucket)?;
    let (meta, attributes, bytes) = source.read(key).await?;
    source_condition.check(&meta).map_err(|_| s3_error!(PreconditionFailed, "the source of the copy has changed"))?;

    let replace =
        input.metadata_directive.as_ref().is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
    let attributes: Attributes = if replace {
        Kept {
            cache_control: input.cache_control,
            content_disposition: input.content_disposition,
            content_encoding: input.content_encoding,
            content_language: input.content_language,
            content_type: input.content_type,
            metadata: input.metadata,
        }
        .into()
    } else {
        attributes
    };
    let tag = buckets.get(&input.bucket)?.write(&input.key, bytes, attributes, &target_condition).await?;
    let result = CopyObjectResult {
        e_tag: Some(tag),
        last_modified: Some(timestamp(Utc::now())),
        ..CopyObjectResult::default()
    };
    Ok(CopyObjectOutput { copy_object_result: Some(result), ..CopyObjectOutput::default() })
}

pub(super) async fn delete(buckets: &Buckets, input: DeleteObjectInput) -> S3Result<DeleteObjectOutput> {
    refuse_versions_and_parts(input.version_id.as_deref(), None)?;
    let condition = WriteCondition::new(input.if_match.as_ref(), None)?;
    buckets.get(&input.bucket)?.delete(&input.key, &condition).await?;
    Ok(DeleteObjectOutput::default())
}

pub(super) async fn delete_many(buckets: &Buckets, input: DeleteObjectsInput) -> S3Result<DeleteObjectsOutput> {
    let bucket = buckets.get(&input.bucket)?;
    if input.delete.objects.len() > DELETE_KEYS_MAX {
        return Err(s3_error!(MalformedXML, "one call deletes at most {DELETE_KEYS_MAX} objects"));
    }
    let quiet = input.delete.quiet.unwrap_or(false);
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for object in input.delete.objects {
        let condition = match object.e_tag {
            Some(tag) => WriteCondition::Tag(tag.into_value()),
            None => WriteCondition::Always,
        };
        match bucket.delete(&object.key, &condition).await {
            Ok(()) if quiet => {}
            Ok(()) => deleted.push(DeletedObject { key: Some(object.key), ..DeletedObject::default() }),
            Err(error) => errors.push(Error {
                code: Some(error.code().as_str().to_owned()),
                key: Some(object.key),
                message: error.message().map(str::to_owned),
                version_id: None,
            }),
        }
    }
    let errors = (!errors.is_empty()).then_some(errors);
    Ok(DeleteObjectsOutput { deleted: Some(deleted), errors, ..DeleteObjectsOutput::default() })
}

struct Found {
    meta: ObjectMeta,
    kept: Kept,
    bytes: Bytes,
}

async fn find(buckets: &Buckets, bucket: &str, key: &str, condition: &ReadCondition) -> S3Result<Found> {
    let (meta, attributes, bytes) = buckets.get(bucket)?.read(key).await?;
    condition.check(&meta)?;
    Ok(Found { meta, kept: Kept::from(&attributes), bytes })
}

/// The asked part of an object, and the `Content-Range` that says so.
fn cut(bytes: &Bytes, range: Option<Range>) -> S3Result<(Bytes, Option<String>)> {
    let Some(range) = range else { return Ok((bytes.clone(), None)) };
    let total = bytes.len();
    let range = range.check(total as u64)?;
    // `check` keeps the range inside the object, whose length is a usize.
    let (start, end) = (range.start as usize, range.end as usize);
    let header = format!("bytes {start}-{}/{total}", end.saturating_sub(1));
    Ok((bytes.slice(start..end), Some(header)))
}

fn header_condition(request: &S3Request<CopyObjectInput>, name: &str) -> S3Result<Option<ETagCondition>> {
    let Some(value) = request.headers.get(name) else { return Ok(None) };
    let condition = ETagCondition::parse_http_header(value.as_bytes());
    condition.map(Some).map_err(|error| s3_error!(error, InvalidArgument, "the header {name} is neither a tag nor *"))
}

fn refuse_versions_and_parts(version: Option<&str>, part: Option<i32>) -> S3Result<()> {
    match (version, part) {
        (None, None) => Ok(()),
        _ => Err(s3_error!(NotImplemented, "this endpoint keeps neither versions nor the parts of an object")),
    }
}

pub(super) fn timestamp(moment: DateTime<Utc>) -> Timestamp {
    Timestamp::from(std::time::SystemTime::from(moment))
}

fn length(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_and_named_and_one_outside_the_object_is_refused() {
        let bytes = Bytes::from_static(b"0123456789");
        let cases = [
            ("bytes=0-0", "0", "bytes 0-0/10"),
            ("bytes=7-", "789", "bytes 7-9/10"),
            ("bytes=-2", "89", "bytes 8-9/10"),
            ("bytes=5-99", "56789", "bytes 5-9/10"),
        ];
        for (header, content, named) in cases {
            let range = Range::parse(header).expect("a valid range");
            let (part, content_range) = cut(&bytes, Some(range)).expect("inside the object");
            assert_eq!((part.as_ref(), content_range.as_deref()), (content.as_bytes(), Some(named)), "{header}");
        }
        assert!(cut(&bytes, Range::parse("bytes=10-").ok()).is_err());
        assert_eq!(cut(&bytes, None).expect("the whole object").1, None);
    }
}
