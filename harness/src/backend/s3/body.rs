//! Request bodies, bounded; response bodies.

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use s3s::dto::StreamingBlob;
use s3s::{Body, S3Error, S3ErrorCode, S3Result, s3_error};

/// Reads a whole body of at most `bytes_max` bytes. A body that breaks off, or whose signed digest does not fit, is an
/// error before anything is written.
pub(super) async fn read(body: Option<StreamingBlob>, declared: Option<i64>, bytes_max: u64) -> S3Result<Bytes> {
    let declared = declared.and_then(|length| u64::try_from(length).ok());
    if declared.is_some_and(|length| length > bytes_max) {
        return Err(too_large(bytes_max));
    }
    let Some(mut body) = body else { return Ok(Bytes::new()) };
    let mut chunks: Vec<Bytes> = Vec::new();
    let mut total = 0_u64;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| S3Error::with_source(S3ErrorCode::IncompleteBody, error))?;
        total += chunk.len() as u64;
        if total > bytes_max {
            return Err(too_large(bytes_max));
        }
        chunks.push(chunk);
    }
    if declared.is_some_and(|length| length != total) {
        return Err(s3_error!(IncompleteBody, "the body has {total} bytes and not the number that was declared"));
    }
    Ok(join(&chunks))
}

/// One run of bytes, without a copy where there is one chunk.
pub(super) fn join(chunks: &[Bytes]) -> Bytes {
    match chunks {
        [] => Bytes::new(),
        [only] => only.clone(),
        several => {
            let mut joined = BytesMut::with_capacity(several.iter().map(Bytes::len).sum());
            several.iter().for_each(|chunk| joined.extend_from_slice(chunk));
            joined.freeze()
        }
    }
}

/// A body of known length.
pub(super) fn write(bytes: Bytes) -> StreamingBlob {
    StreamingBlob::from(Body::from(bytes))
}

fn too_large(bytes_max: u64) -> S3Error {
    s3_error!(EntityTooLarge, "an object may have at most {bytes_max} bytes here")
}
