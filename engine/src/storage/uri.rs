//! Where a graph lives, as people write it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use object_store::path::Path;

use super::error::{StorageError, StorageErrorKind};
use crate::error::REDACTED;
use crate::limit::NAME_MAX_BYTES;
use crate::printable::escaped;

/// The address of a graph: a directory, a named in-memory store, or a bucket with an optional prefix.
///
/// Written as `/path`, `relative/path`, `file:///path`, `memory://name` or `s3://bucket/prefix`. A local path is taken
/// byte for byte: spaces, percent signs and dots mean themselves. What could mean two places is refused: `~` and `$` at the
/// beginning, a colon in the first segment of a relative path (write `./…`), a percent sign with two digits behind `file:`.
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
        if text.chars().any(char::is_control) {
            return Err(invalid(text, "it contains a control character"));
        }
        if text.trim() != text {
            return Err(invalid(text, "it begins or ends with white space"));
        }
        match scheme(text) {
            None => local(text, text),
            Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
                "file" => file(text, rest),
                "memory" => memory(text, rest),
                "s3" => s3(text, rest),
                "s3a" | "s3n" => Err(invalid(text, "write it as `s3://bucket/prefix`")),
                drive if drive.len() == 1 && cfg!(windows) => local(text, text),
                drive if drive.len() == 1 => Err(invalid(text, "drives are of Windows; on this system write a path")),
                _ => Err(invalid(text, "its scheme is none of `file`, `memory`, `s3`; a folder of this name is `./…`")),
            },
        }
    }
}

impl fmt::Display for StorageUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StorageUri::Local(path) => {
                // As it has to be written so that exactly this place is meant.
                let text = path.display().to_string();
                let is_plain = !text.starts_with(['~', '$']) && text.trim_start() == text && scheme(&text).is_none();
                let begin = if is_plain { "" } else { "./" };
                let end = if text.trim_end() == text { "" } else { "/" };
                write!(f, "{begin}{text}{end}")
            }
            StorageUri::Memory(name) => write!(f, "memory://{name}"),
            StorageUri::S3 { bucket, prefix } if prefix.is_root() => write!(f, "s3://{bucket}"),
            StorageUri::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

/// What stands before and after the first colon, where no slash stands before it.
fn scheme(text: &str) -> Option<(&str, &str)> {
    text.split_once(':').filter(|(scheme, _)| !scheme.contains('/'))
}

fn local(text: &str, path: &str) -> Result<StorageUri, StorageError> {
    if path.is_empty() {
        return Err(invalid(text, "it is empty"));
    }
    if path.starts_with('~') {
        return Err(invalid(
            text,
            "a `~` is put in full by shells; write the whole path, or `./~…` for a folder of this name",
        ));
    }
    if path.starts_with('$') {
        return Err(invalid(
            text,
            "a variable is put in by shells; write the path, or `./$…` for a folder of this name",
        ));
    }
    Ok(StorageUri::Local(PathBuf::from(path)))
}

/// `file:///path`, `file://localhost/path` or `file:/path`.
fn file(text: &str, rest: &str) -> Result<StorageUri, StorageError> {
    let path = match rest.strip_prefix("//") {
        None => rest,
        Some(place) => match place.strip_prefix("localhost") {
            Some(path) if path.starts_with('/') => path,
            _ => place,
        },
    };
    if !path.starts_with('/') {
        return Err(invalid(text, "a file uri needs an absolute path, `file:///path`; or write the path alone"));
    }
    let bytes = path.as_bytes();
    let is_encoded = |at: &[u8]| at[0] == b'%' && at[1].is_ascii_hexdigit() && at[2].is_ascii_hexdigit();
    if path.contains(['?', '#']) || bytes.windows(3).any(is_encoded) {
        let why =
            "`?`, `#` and `%` with two digits have a meaning in other file uris and none here; write the path alone";
        return Err(invalid(text, why));
    }
    local(text, path)
}

fn memory(text: &str, rest: &str) -> Result<StorageUri, StorageError> {
    let name = rest.strip_prefix("//").map(|name| name.strip_suffix('/').unwrap_or(name));
    match name {
        Some(name) if !name.is_empty() && !name.contains('/') => Ok(StorageUri::Memory(name.to_owned())),
        _ => Err(invalid(text, "a memory store needs one plain name: `memory://name`")),
    }
}

fn s3(text: &str, rest: &str) -> Result<StorageUri, StorageError> {
    let Some(rest) = rest.strip_prefix("//") else {
        return Err(invalid(text, "two slashes stand before the bucket: `s3://bucket/prefix`"));
    };
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() {
        return Err(invalid(text, "the bucket is missing: `s3://bucket/prefix`"));
    }
    let is_name = bucket.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    if !is_name || bucket.starts_with('.') {
        let why = "a bucket is named by letters, digits, `-`, `.` and `_`; endpoint and credentials are settings of the store \
                   (`AWS_*` variables), not part of the uri";
        return Err(invalid(text, why));
    }
    if prefix.contains(['?', '#']) {
        return Err(invalid(
            text,
            "a prefix has no `?` and no `#`; settings are `AWS_*` variables, not part of the uri",
        ));
    }
    let prefix = Path::parse(prefix)
        .map_err(|cause| invalid(text, "the prefix has an empty or a dot segment").with_source(cause))?;
    Ok(StorageUri::S3 { bucket: bucket.to_owned(), prefix })
}

fn invalid(text: &str, why: &str) -> StorageError {
    let shown = without_secrets(text);
    let message = format!("`{}` is no storage uri: {why}", escaped(&shown));
    StorageError::new(StorageErrorKind::Invalid, shown, "open").with_message(message)
}

/// What is no uri may be nearly one: what stands before an `@` can be a password, with or without slashes before it.
fn without_secrets(text: &str) -> String {
    match (scheme(text), text.rfind('@')) {
        (Some((scheme, _)), Some(at)) if scheme.len() < at => format!("{scheme}:{REDACTED}{}", &text[at..]),
        _ => text.to_owned(),
    }
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
            ("file:/tmp/q", "/tmp/q"),
            ("FILE:///a/100%", "/a/100%"),
            ("./~/g", "./~/g"),
            ("./a:b", "./a:b"),
            ("/tmp/http://x", "/tmp/http://x"),
            ("a/b:c", "a/b:c"),
            ("S3://bucket/a", "s3://bucket/a"),
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

    #[test]
    fn what_means_another_place_than_the_folder_of_its_name_is_refused() {
        for text in [
            "s3:/bucket/g",
            "s3:bucket/g",
            "s3a://bucket/g",
            "gs://bucket/g",
            "gs:/bucket",
            "http://host/g",
            "az:g",
            "file:g",
            "file:",
            "file://",
            "file:~/g",
            "file://~/g",
            "file:///tmp/a%20b",
            "file:///tmp/g?x=1",
            "memory:g",
            "memory:/g",
            "~",
            "~/g",
            "~ann/g",
            "$HOME/g",
            "${HOME}/g",
            "C:\\g",
            "c:/g",
            "graph:1",
            "127.0.0.1:9000/bucket",
            " /g",
            "/g ",
            "/g\t",
            "/g\u{85}",
            "s3://bucket/g?endpoint=x",
            "s3://127.0.0.1:9000/bucket",
            "s3://a b/c",
            "s3://../c",
        ] {
            let error = text.parse::<StorageUri>().expect_err(text);
            assert_eq!(error.kind(), StorageErrorKind::Invalid, "{text}");
            assert!(error.to_string().contains(": "), "it says why: {error}");
        }
    }

    #[test]
    fn a_folder_of_any_name_is_written_so_that_it_is_meant() {
        for name in ["~", "~ann/x", "$x", "a:b", "s3:/bucket", " a", "a ", "file:/x", "plain/x"] {
            let uri = StorageUri::Local(PathBuf::from(name));
            let StorageUri::Local(read) = uri.to_string().parse().unwrap() else { panic!("{uri}") };
            assert_eq!(read.strip_prefix(".").unwrap_or(&read), std::path::Path::new(name), "{uri}");
        }
    }

    #[test]
    fn a_password_in_what_is_no_uri_is_not_repeated() {
        for text in
            ["https://bob:hunter2@host/g", "s3:/bob:hunter2@host/g", "s3://bob:hunter2@host/g", "s3:bob:hunter2@h/g"]
        {
            let error = text.parse::<StorageUri>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
