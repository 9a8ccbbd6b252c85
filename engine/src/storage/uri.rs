//! Where a graph lives, as people write it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use object_store::path::Path;

use super::error::{StorageError, StorageErrorKind};
use crate::limit::NAME_MAX_BYTES;

/// The address of a graph: a directory, a named in-memory store, or a bucket with an optional prefix.
///
/// Written as `/path`, `relative/path`, `file:///path`, `memory://name` or `s3://bucket/prefix`. A local path is taken
/// byte for byte: spaces, percent signs and dots mean themselves, also behind `file://`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StorageUri {
    /// A directory of the local file system.
    Local(PathBuf),
    /// A named store that lives as long as the process.
    Memory(String),
    /// A bucket of an S3 service, and the prefix below which the graph lives.
    S3 {
        /// The bucket's name.
        bucket: String,
        /// The prefix; empty for the whole bucket.
        prefix: Path,
    },
}

impl StorageUri {
    /// The scheme: `file`, `memory` or `s3`.
    pub fn scheme(&self) -> &'static str {
        match self {
            StorageUri::Local(_) => "file",
            StorageUri::Memory(_) => "memory",
            StorageUri::S3 { .. } => "s3",
        }
    }
}

impl FromStr for StorageUri {
    type Err = StorageError;

    fn from_str(text: &str) -> Result<Self, StorageError> {
        if text.len() > 4 * NAME_MAX_BYTES {
            return Err(invalid("(too long)", "it is longer than 4096 bytes"));
        }
        if text.chars().any(|c| c.is_ascii_control()) {
            return Err(invalid(text, "it contains a control character"));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return local(text, text);
        };
        match scheme.to_ascii_lowercase().as_str() {
            "file" => match rest.strip_prefix("localhost/") {
                Some(path) => local(text, &format!("/{path}")),
                None if rest.starts_with('/') => local(text, rest),
                None => Err(invalid(text, "a file uri needs an absolute path: `file:///path`")),
            },
            "memory" => {
                let name = rest.strip_suffix('/').unwrap_or(rest);
                if name.is_empty() || name.contains('/') {
                    return Err(invalid(text, "a memory store needs one plain name: `memory://name`"));
                }
                Ok(StorageUri::Memory(name.to_owned()))
            }
            "s3" => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                if bucket.is_empty() {
                    return Err(invalid(text, "the bucket is missing: `s3://bucket/prefix`"));
                }
                let prefix = Path::parse(prefix)
                    .map_err(|cause| invalid(text, "the prefix has an empty or a dot segment").with_source(cause))?;
                Ok(StorageUri::S3 { bucket: bucket.to_owned(), prefix })
            }
            _ => Err(invalid(text, "its scheme is none of `file`, `memory`, `s3`")),
        }
    }
}

impl fmt::Display for StorageUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StorageUri::Local(path) => path.display().fmt(f),
            StorageUri::Memory(name) => write!(f, "memory://{name}"),
            StorageUri::S3 { bucket, prefix } if prefix.is_root() => write!(f, "s3://{bucket}"),
            StorageUri::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

fn local(text: &str, path: &str) -> Result<StorageUri, StorageError> {
    if path.is_empty() {
        return Err(invalid(text, "it is empty"));
    }
    Ok(StorageUri::Local(PathBuf::from(path)))
}

fn invalid(text: &str, why: &str) -> StorageError {
    StorageError::new(StorageErrorKind::Invalid, text, "open")
        .with_message(format!("`{text}` is no storage uri: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written_back() {
        for (text, canonical) in [
            ("/a/b c/100%", "/a/b c/100%"),
            ("relative/dir", "relative/dir"),
            ("file:///a/b c", "/a/b c"),
            ("file://localhost/a", "/a"),
            ("memory://one", "memory://one"),
            ("s3://bucket", "s3://bucket"),
            ("s3://bucket/a/b/", "s3://bucket/a/b"),
        ] {
            let uri: StorageUri = text.parse().unwrap();
            assert_eq!(uri.to_string(), canonical);
            assert_eq!(canonical.parse::<StorageUri>().unwrap(), uri);
        }
    }

    #[test]
    fn nonsense_is_refused_with_the_way_out() {
        for text in
            ["", "ftp://host/a", "memory://", "memory://a/b", "s3://", "s3://b/a//c", "s3://b/../c", "file://a", "a\nb"]
        {
            let error = text.parse::<StorageUri>().unwrap_err();
            assert_eq!(error.kind(), StorageErrorKind::Invalid, "{text}");
        }
    }
}
