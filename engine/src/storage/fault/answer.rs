//! What is done to bytes on their way.

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::{GetResult, GetResultPayload, PutPayload, Result};

use super::Verdict;

/// The bytes that arrive of `content` under a verdict.
pub(super) fn bend(content: Bytes, verdict: &Verdict) -> Bytes {
    match verdict {
        Verdict::Torn { bytes } => content.slice(..content.len().min(usize::try_from(*bytes).unwrap_or(usize::MAX))),
        Verdict::Corrupt { offset } if !content.is_empty() => {
            let at = (offset % content.len() as u64) as usize;
            let mut content = BytesMut::from(content.as_ref());
            content[at] ^= 0xff;
            content.freeze()
        }
        _ => content,
    }
}

/// What is stored of a payload under a verdict.
pub(super) fn bend_payload(payload: PutPayload, verdict: &Verdict) -> PutPayload {
    match verdict {
        Verdict::Torn { .. } | Verdict::Corrupt { .. } => bend(Bytes::from(payload), verdict).into(),
        _ => payload,
    }
}

/// What is answered to a get under a verdict. Size and range still say what should have come.
pub(super) async fn bend_result(found: GetResult, verdict: &Verdict) -> Result<GetResult> {
    if !matches!(verdict, Verdict::Torn { .. } | Verdict::Corrupt { .. }) {
        return Ok(found);
    }
    let (meta, range) = (found.meta.clone(), found.range.clone());
    let (attributes, extensions) = (found.attributes.clone(), found.extensions.clone());
    let content = bend(found.bytes().await?, verdict);
    let payload: BoxStream<'static, Result<Bytes>> = futures::stream::once(async move { Ok(content) }).boxed();
    Ok(GetResult { payload: GetResultPayload::Stream(payload), meta, range, attributes, extensions })
}

/// What is answered to a get of several ranges: the verdict is on all of them as one.
pub(super) fn bend_ranges(found: Vec<Bytes>, verdict: &Verdict) -> Vec<Bytes> {
    match verdict {
        Verdict::Torn { bytes } => {
            let mut left = *bytes;
            let cut = found.into_iter().map(|content| {
                let content = bend(content, &Verdict::Torn { bytes: left });
                left -= content.len() as u64;
                content
            });
            cut.collect()
        }
        Verdict::Corrupt { offset } => {
            let total: u64 = found.iter().map(|content| content.len() as u64).sum();
            let mut at = if total == 0 { return found } else { offset % total };
            let mut hit = false;
            let flipped = found.into_iter().map(|content| {
                let length = content.len() as u64;
                if hit || at >= length {
                    at = at.saturating_sub(length);
                    return content;
                }
                hit = true;
                bend(content, &Verdict::Corrupt { offset: at })
            });
            flipped.collect()
        }
        _ => found,
    }
}
