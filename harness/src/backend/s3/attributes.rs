//! Headers that are kept with an object and given back with it.

use object_store::{Attribute, Attributes};
use s3s::dto::Metadata;

/// The kept headers of one object, under the names that `s3s` uses.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) cache_control: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) content_language: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) metadata: Option<Metadata>,
}

impl From<Kept> for Attributes {
    fn from(kept: Kept) -> Self {
        let named = [
            (Attribute::CacheControl, kept.cache_control),
            (Attribute::ContentDisposition, kept.content_disposition),
            (Attribute::ContentEncoding, kept.content_encoding),
            (Attribute::ContentLanguage, kept.content_language),
            (Attribute::ContentType, kept.content_type),
        ];
        let mut attributes = Attributes::new();
        for (name, value) in named {
            if let Some(value) = value {
                attributes.insert(name, value.into());
            }
        }
        for (name, value) in kept.metadata.into_iter().flatten() {
            attributes.insert(Attribute::Metadata(name.into()), value.into());
        }
        attributes
    }
}

impl From<&Attributes> for Kept {
    fn from(attributes: &Attributes) -> Self {
        let mut kept = Kept::default();
        let mut metadata = Metadata::default();
        for (name, value) in attributes {
            let value = value.as_ref().to_owned();
            match name {
                Attribute::CacheControl => kept.cache_control = Some(value),
                Attribute::ContentDisposition => kept.content_disposition = Some(value),
                Attribute::ContentEncoding => kept.content_encoding = Some(value),
                Attribute::ContentLanguage => kept.content_language = Some(value),
                Attribute::ContentType => kept.content_type = Some(value),
                Attribute::Metadata(name) => {
                    metadata.insert(name.to_string(), value);
                }
                // Storage classes and whatever comes later say nothing to a store in memory.
                _ => {}
            }
        }
        kept.metadata = (!metadata.is_empty()).then_some(metadata);
        kept
    }
}
