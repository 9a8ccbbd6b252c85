//! What `If-Match` and `If-None-Match` ask for, on writes and on reads.

use object_store::ObjectMeta;
use s3s::dto::{ETag, ETagCondition, Timestamp, TimestampFormat};
use s3s::{S3Result, s3_error};

use super::bucket::tag_of;

/// When a write may happen.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum WriteCondition {
    /// Whatever is there.
    Always,
    /// Only where nothing is: `If-None-Match: *`.
    Absent,
    /// Only over the object with this tag: `If-Match: "tag"`.
    Tag(String),
}

impl WriteCondition {
    /// Everything that S3 does not offer on writes is refused rather than ignored.
    pub(super) fn new(if_match: Option<&ETagCondition>, if_none_match: Option<&ETagCondition>) -> S3Result<Self> {
        match (if_match, if_none_match) {
            (None, None) => Ok(WriteCondition::Always),
            (None, Some(ETagCondition::Any)) => Ok(WriteCondition::Absent),
            (Some(ETagCondition::ETag(ETag::Strong(tag))), None) => Ok(WriteCondition::Tag(tag.clone())),
            _ => {
                Err(s3_error!(NotImplemented, "a write takes either if-none-match: * or if-match with one strong tag"))
            }
        }
    }
}

/// When a read is answered with the object.
#[derive(Debug, Default)]
pub(super) struct ReadCondition {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) if_modified_since: Option<Timestamp>,
    pub(super) if_unmodified_since: Option<Timestamp>,
}

impl ReadCondition {
    /// In the order of RFC 9110: a tag decides before a date does.
    pub(super) fn check(&self, meta: &ObjectMeta) -> S3Result<()> {
        let tag = tag_of(meta.e_tag.as_deref())?;
        let modified_seconds = meta.last_modified.timestamp();
        if let Some(condition) = &self.if_match {
            if !holds(condition, &tag) {
                return Err(s3_error!(PreconditionFailed, "the object has another tag"));
            }
        } else if let Some(date) = &self.if_unmodified_since
            && modified_seconds > epoch_seconds(date)?
        {
            return Err(s3_error!(PreconditionFailed, "the object was modified since"));
        }
        if let Some(condition) = &self.if_none_match {
            if holds(condition, &tag) {
                return Err(s3_error!(NotModified));
            }
        } else if let Some(date) = &self.if_modified_since
            && modified_seconds <= epoch_seconds(date)?
        {
            return Err(s3_error!(NotModified));
        }
        Ok(())
    }
}

fn holds(condition: &ETagCondition, tag: &ETag) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(wanted) => wanted.weak_cmp(tag),
    }
}

fn epoch_seconds(date: &Timestamp) -> S3Result<i64> {
    let mut text = Vec::new();
    date.format(TimestampFormat::EpochSeconds, &mut text).map_err(|error| s3_error!(error, InvalidArgument))?;
    let text = String::from_utf8_lossy(&text);
    let seconds = text.split('.').next().unwrap_or_default();
    seconds.parse().map_err(|error: std::num::ParseIntError| s3_error!(error, InvalidArgument))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(text: &str) -> ETagCondition {
        ETagCondition::ETag(ETag::Strong(text.into()))
    }

    #[test]
    fn a_write_condition_that_s3_does_not_have_is_refused_and_not_ignored() {
        assert_eq!(WriteCondition::new(None, None).ok(), Some(WriteCondition::Always));
        assert_eq!(WriteCondition::new(None, Some(&ETagCondition::Any)).ok(), Some(WriteCondition::Absent));
        assert_eq!(WriteCondition::new(Some(&tag("a")), None).ok(), Some(WriteCondition::Tag("a".into())));
        assert!(WriteCondition::new(Some(&ETagCondition::Any), None).is_err());
        assert!(WriteCondition::new(None, Some(&tag("a"))).is_err());
        assert!(WriteCondition::new(Some(&tag("a")), Some(&ETagCondition::Any)).is_err());
    }
}
