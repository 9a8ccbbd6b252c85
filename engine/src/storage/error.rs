//! What can go wrong with an object: few kinds, found by type and never by text.

use std::error::Error as StdError;
use std::fmt;

use object_store::client::{HttpError, HttpErrorKind};
use serde::{Deserialize, Serialize};

use super::http::UnhappyResponse;

type BoxError = Box<dyn StdError + Send + Sync + 'static>;

/// What a caller can do about a [`StorageError`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StorageErrorKind {
    /// The object does not exist, or a directory stands where it was asked for.
    NotFound,
    /// The object has fewer bytes than what is to be read of it.
    CutShort,
    /// The object exists, and the call was to create it.
    AlreadyExists,
    /// The object is not, or no longer, at the version that the call named.
    Precondition,
    /// The credentials or the file's mode forbid the call. Never read as "does not exist".
    Permission,
    /// The device or the bucket is full, or a quota or a limit on the size of files is reached.
    NoSpace,
    /// The service asked to slow down.
    Throttled,
    /// The service did not answer in time. A write may have happened.
    Timeout,
    /// The connection failed, or the service failed inside. A write may have happened.
    Transport,
    /// The name or the address is not one that every backend can hold.
    Invalid,
    /// Anything else; the source says what.
    Other,
}

impl StorageErrorKind {
    /// The name as scenarios and reports spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            StorageErrorKind::NotFound => "not-found",
            StorageErrorKind::CutShort => "cut-short",
            StorageErrorKind::AlreadyExists => "already-exists",
            StorageErrorKind::Precondition => "precondition",
            StorageErrorKind::Permission => "permission",
            StorageErrorKind::NoSpace => "no-space",
            StorageErrorKind::Throttled => "throttled",
            StorageErrorKind::Timeout => "timeout",
            StorageErrorKind::Transport => "transport",
            StorageErrorKind::Invalid => "invalid",
            StorageErrorKind::Other => "other",
        }
    }

    /// The kind of any error that has the store's error somewhere down its chain of sources, such as an error of Lance;
    /// `None` where the chain names no cause that this module knows.
    pub fn of(error: &(dyn StdError + 'static)) -> Option<StorageErrorKind> {
        let mut found = None;
        let mut next = Some(error);
        while let Some(cause) = next {
            // The deepest cause that says anything knows best: an outer "generic" error wraps a typed inner one.
            if let Some(kind) = StorageErrorKind::of_one(cause) {
                found = match (found, kind) {
                    (Some(known), StorageErrorKind::Other) => Some(known),
                    // An outer verdict on the object itself stands, whatever transport detail is below it.
                    (Some(known), _) if known != StorageErrorKind::Other => Some(known),
                    _ => Some(kind),
                };
            }
            next = cause.source();
        }
        found
    }

    fn of_one(error: &(dyn StdError + 'static)) -> Option<StorageErrorKind> {
        use object_store::Error as E;
        if let Some(error) = error.downcast_ref::<StorageError>() {
            return Some(error.kind);
        }
        if let Some(error) = error.downcast_ref::<E>() {
            return Some(match error {
                E::NotFound { .. } => StorageErrorKind::NotFound,
                // What Lance says of a range of a file that it has read whole. No store has this name.
                E::Generic { store: "memory", .. } => StorageErrorKind::CutShort,
                E::AlreadyExists { .. } => StorageErrorKind::AlreadyExists,
                E::Precondition { .. } | E::NotModified { .. } => StorageErrorKind::Precondition,
                E::PermissionDenied { .. } | E::Unauthenticated { .. } => StorageErrorKind::Permission,
                E::InvalidPath { .. } => StorageErrorKind::Invalid,
                _ => StorageErrorKind::Other,
            });
        }
        // Lance shares errors among those who wait for one read, and such a share is no link of the chain.
        if error.downcast_ref::<lance::Error>().is_some_and(lance::Error::is_not_found) {
            return Some(StorageErrorKind::NotFound);
        }
        if let Some(response) = error.downcast_ref::<UnhappyResponse>() {
            return Some(response.kind());
        }
        if let Some(error) = error.downcast_ref::<HttpError>() {
            // A response that was turned into an error says more one step down.
            if error.source().is_some_and(|source| source.is::<UnhappyResponse>()) {
                return None;
            }
            return Some(match error.kind() {
                HttpErrorKind::Timeout => StorageErrorKind::Timeout,
                HttpErrorKind::Unknown => StorageErrorKind::Other,
                _ => StorageErrorKind::Transport,
            });
        }
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            use std::io::ErrorKind as K;
            return Some(match error.kind() {
                K::NotFound | K::NotADirectory | K::IsADirectory => StorageErrorKind::NotFound,
                K::AlreadyExists => StorageErrorKind::AlreadyExists,
                K::PermissionDenied | K::ReadOnlyFilesystem => StorageErrorKind::Permission,
                K::StorageFull | K::QuotaExceeded | K::FileTooLarge => StorageErrorKind::NoSpace,
                K::TimedOut => StorageErrorKind::Timeout,
                K::ConnectionRefused | K::ConnectionReset | K::ConnectionAborted | K::NotConnected | K::BrokenPipe => {
                    StorageErrorKind::Transport
                }
                // An io error often only carries another error; that one decides.
                _ => return error.get_ref().and_then(|inner| StorageErrorKind::of(inner)),
            });
        }
        None
    }
}

impl fmt::Display for StorageErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A call to the store that failed: what was asked of which object, and why.
#[derive(Debug)]
pub struct StorageError {
    kind: StorageErrorKind,
    path: String,
    operation: &'static str,
    message: Option<String>,
    source: Option<BoxError>,
}

impl StorageError {
    /// An error of `kind` about the object or address `path`.
    pub fn new(kind: StorageErrorKind, path: impl Into<String>, operation: &'static str) -> Self {
        StorageError { kind, path: path.into(), operation, message: None, source: None }
    }

    /// Finds the kind of what the store answered, and keeps the answer as the source.
    pub fn from_store(path: impl Into<String>, operation: &'static str, cause: object_store::Error) -> Self {
        let kind = StorageErrorKind::of(&cause).unwrap_or(StorageErrorKind::Other);
        StorageError::new(kind, path, operation).with_source(cause)
    }

    /// Says it in other words than the kind's own.
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Keeps the cause.
    pub fn with_source(mut self, cause: impl Into<BoxError>) -> Self {
        self.source = Some(cause.into());
        self
    }

    /// What a caller can do about it.
    pub fn kind(&self) -> StorageErrorKind {
        self.kind
    }

    /// The object, relative to the graph root, or the address that could not be opened.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What was asked of the object.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// Whether the same call can be expected to succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, StorageErrorKind::Throttled | StorageErrorKind::Timeout | StorageErrorKind::Transport)
    }

    /// Whether a write that failed this way may have happened nevertheless.
    pub fn is_ambiguous(&self) -> bool {
        !matches!(
            self.kind,
            StorageErrorKind::NotFound
                | StorageErrorKind::AlreadyExists
                | StorageErrorKind::Precondition
                | StorageErrorKind::Permission
                | StorageErrorKind::Throttled
                | StorageErrorKind::Invalid
        )
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(message) = &self.message {
            return f.write_str(message);
        }
        let (operation, path) = (self.operation, self.path.as_str());
        match self.kind {
            StorageErrorKind::NotFound => write!(f, "cannot {operation} object `{path}`: it does not exist"),
            StorageErrorKind::CutShort => write!(f, "cannot {operation} object `{path}`: it is cut short"),
            StorageErrorKind::AlreadyExists => write!(f, "cannot {operation} object `{path}`: it exists already"),
            StorageErrorKind::Precondition => {
                write!(f, "cannot {operation} object `{path}`: it was changed since it was read")
            }
            StorageErrorKind::Permission => {
                write!(f, "cannot {operation} object `{path}`: the store denies it")
            }
            StorageErrorKind::NoSpace => write!(f, "cannot {operation} object `{path}`: the store is full"),
            StorageErrorKind::Throttled => {
                write!(f, "cannot {operation} object `{path}`: the store asks to slow down")
            }
            StorageErrorKind::Timeout => {
                write!(f, "cannot {operation} object `{path}`: the store did not answer in time")
            }
            StorageErrorKind::Transport => {
                write!(f, "cannot {operation} object `{path}`: the connection to the store failed")
            }
            StorageErrorKind::Invalid => {
                write!(f, "cannot {operation} object `{path}`: not a name that every store can hold")
            }
            StorageErrorKind::Other => write!(f, "cannot {operation} object `{path}`: the store failed"),
        }
    }
}

impl StdError for StorageError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}

impl From<StorageError> for crate::Error {
    fn from(cause: StorageError) -> Self {
        use crate::ErrorKind;
        let kind = match cause.kind {
            StorageErrorKind::NotFound => ErrorKind::NotFound,
            StorageErrorKind::CutShort => ErrorKind::Corrupt,
            StorageErrorKind::AlreadyExists => ErrorKind::AlreadyExists,
            StorageErrorKind::Precondition => ErrorKind::Conflict,
            StorageErrorKind::Permission => ErrorKind::PermissionDenied,
            StorageErrorKind::NoSpace => ErrorKind::NoSpace,
            StorageErrorKind::Timeout => ErrorKind::Timeout,
            StorageErrorKind::Invalid => ErrorKind::Invalid,
            StorageErrorKind::Throttled | StorageErrorKind::Transport | StorageErrorKind::Other => ErrorKind::Storage,
        };
        let advice = match cause.kind {
            StorageErrorKind::Precondition => Some("read again and retry"),
            // Nobody knows what it is, so nobody knows whether it passes.
            StorageErrorKind::Other => None,
            _ => kind.way_out(),
        };
        let error = crate::Error::new(kind, cause.to_string());
        let error = match advice {
            Some(advice) => error.with_advice(advice),
            None => error,
        };
        error.with_source(cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, ErrorKind};

    #[test]
    fn only_what_a_later_call_can_get_past_is_worth_a_retry() {
        for (kind, becomes, retryable) in [
            (StorageErrorKind::Transport, ErrorKind::Storage, true),
            (StorageErrorKind::Throttled, ErrorKind::Storage, true),
            (StorageErrorKind::Timeout, ErrorKind::Timeout, true),
            (StorageErrorKind::Permission, ErrorKind::PermissionDenied, false),
            (StorageErrorKind::NoSpace, ErrorKind::NoSpace, false),
            (StorageErrorKind::NotFound, ErrorKind::NotFound, false),
        ] {
            let error = Error::from(StorageError::new(kind, "a", "put"));
            let told = error.to_string();
            assert_eq!((error.kind(), error.is_retryable()), (becomes, retryable), "{told}");
            assert_eq!(told.contains("retry"), retryable, "{told}");
        }
    }

    fn generic(source: impl Into<BoxError>) -> object_store::Error {
        object_store::Error::Generic { store: "test", source: source.into() }
    }

    #[test]
    fn the_kind_is_found_at_any_depth_of_the_chain() {
        let timeout = generic(HttpError::new(HttpErrorKind::Timeout, std::io::Error::other("slow")));
        assert_eq!(StorageErrorKind::of(&timeout), Some(StorageErrorKind::Timeout));
        let denied = generic(std::io::Error::from(std::io::ErrorKind::PermissionDenied));
        assert_eq!(StorageErrorKind::of(&denied), Some(StorageErrorKind::Permission));
        for full in
            [std::io::ErrorKind::StorageFull, std::io::ErrorKind::QuotaExceeded, std::io::ErrorKind::FileTooLarge]
        {
            assert_eq!(StorageErrorKind::of(&generic(std::io::Error::from(full))), Some(StorageErrorKind::NoSpace));
        }
        let throttled = generic(HttpError::new(HttpErrorKind::Request, UnhappyResponse::new(503, "SlowDown")));
        assert_eq!(StorageErrorKind::of(&throttled), Some(StorageErrorKind::Throttled));
        let full = generic(HttpError::new(HttpErrorKind::Request, UnhappyResponse::new(507, "StorageFull")));
        assert_eq!(StorageErrorKind::of(&full), Some(StorageErrorKind::NoSpace));
        let wrapped = std::io::Error::other(StorageError::from_store("a", "get", throttled));
        assert_eq!(StorageErrorKind::of(&wrapped), Some(StorageErrorKind::Throttled));
    }

    #[test]
    fn a_verdict_on_the_object_is_not_overruled_by_what_carried_it() {
        let lost = object_store::Error::Precondition {
            path: "a".into(),
            source: generic(HttpError::new(HttpErrorKind::Timeout, std::io::Error::other("x"))).into(),
        };
        assert_eq!(StorageErrorKind::of(&lost), Some(StorageErrorKind::Precondition));
    }

    #[test]
    fn a_file_that_is_gone_or_cut_short_is_told_from_a_store_that_does_not_answer() {
        let gone = generic(lance::Error::not_found("nodes/a.lance/data/b.lance"));
        assert_eq!(StorageErrorKind::of(&gone), Some(StorageErrorKind::NotFound));
        let cut = object_store::Error::Generic { store: "memory", source: "Invalid range 0..9 of 0 bytes".into() };
        assert_eq!(StorageErrorKind::of(&cut), Some(StorageErrorKind::CutShort));
        for damage in [gone, cut] {
            let error = Error::from(lance::Error::from(damage));
            assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Corrupt, false), "{error:?}");
            assert!(error.to_string().contains("backup") && !error.to_string().contains("retry"), "{error}");
        }
    }

    #[test]
    fn text_alone_decides_nothing() {
        assert_eq!(StorageErrorKind::of(&generic("permission denied")), Some(StorageErrorKind::Other));
        assert_eq!(StorageErrorKind::of(&std::fmt::Error), None);
    }
}
