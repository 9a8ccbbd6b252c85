//! One error type with few kinds; a kind tells a caller what to do.
//!
//! The most important distinction for a writer is *refused* against *in doubt*: after a refusal nothing of the write
//! will ever become visible; in doubt means that something durable was left behind which recovery will finish or undo.

use std::borrow::Cow;
use std::fmt;

use crate::id::OperationId;
use crate::printable::{escaped, escaped_lines};

/// The result of every fallible call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// What a caller can do about an [`Error`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorKind {
    /// The request itself is wrong: schema text, rows, SQL. Nothing changed; correct it and call again.
    Invalid,
    /// What was named does not exist.
    NotFound,
    /// What was to be created exists.
    AlreadyExists,
    /// Another writer won. Nothing of this write will become visible; read again and retry.
    Conflict,
    /// A table's HEAD stands past its pin and no pending operation explains it: it takes no writes until a repair.
    Drift,
    /// Something durable was left behind; the next write or open finishes or undoes it. Never assume that it failed.
    InDoubt,
    /// A control object cannot be read for what it is. It stays where it is; an operator must decide.
    Corrupt,
    /// The handle was opened read-only.
    ReadOnly,
    /// The engine declines in its present state, for example while a sidecar is pending.
    Refused,
    /// The store failed. Nothing of this call will become visible; it may succeed when the store recovers.
    Storage,
    /// Credentials or the mode of a file forbid the call. It fails until somebody allows it.
    PermissionDenied,
    /// The store is full, or a quota is reached. It fails until somebody makes room.
    NoSpace,
    /// A bound on waiting was reached.
    Timeout,
    /// A bug in this crate.
    Internal,
}

impl ErrorKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: &'static [ErrorKind] = &[
        ErrorKind::Invalid,
        ErrorKind::NotFound,
        ErrorKind::AlreadyExists,
        ErrorKind::Conflict,
        ErrorKind::Drift,
        ErrorKind::InDoubt,
        ErrorKind::Corrupt,
        ErrorKind::ReadOnly,
        ErrorKind::Refused,
        ErrorKind::Storage,
        ErrorKind::PermissionDenied,
        ErrorKind::NoSpace,
        ErrorKind::Timeout,
        ErrorKind::Internal,
    ];

    /// The kind's name as scenarios and logs spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorKind::Invalid => "invalid",
            ErrorKind::NotFound => "not-found",
            ErrorKind::AlreadyExists => "already-exists",
            ErrorKind::Conflict => "conflict",
            ErrorKind::Drift => "drift",
            ErrorKind::InDoubt => "in-doubt",
            ErrorKind::Corrupt => "corrupt",
            ErrorKind::ReadOnly => "read-only",
            ErrorKind::Refused => "refused",
            ErrorKind::Storage => "storage",
            ErrorKind::PermissionDenied => "permission-denied",
            ErrorKind::NoSpace => "no-space",
            ErrorKind::Timeout => "timeout",
            ErrorKind::Internal => "internal",
        }
    }
}

impl ErrorKind {
    /// What helps whatever the object is; only what a later call can get past says "retry".
    pub(crate) fn way_out(self) -> Option<&'static str> {
        match self {
            ErrorKind::Storage | ErrorKind::Timeout => Some("retry when the store answers again"),
            ErrorKind::PermissionDenied => Some("check the credentials, or the owner and the mode of the file"),
            ErrorKind::NoSpace => Some("make room in the store, or raise the quota"),
            ErrorKind::Corrupt => Some("restore the file from a backup of the store"),
            _ => None,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error of the engine: kind, what happened to which object, the way out, and the cause.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    advice: Option<Cow<'static, str>>,
    operation: Option<OperationId>,
    source: Option<BoxError>,
}

impl Error {
    /// An error of `kind`. The message is lower case, has no full stop, and names the object and the cause.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Error(Box::new(Inner { kind, message: message.into(), advice: None, operation: None, source: None }))
    }

    /// Adds the way out.
    pub fn with_advice(mut self, advice: impl Into<Cow<'static, str>>) -> Self {
        self.0.advice = Some(advice.into());
        self
    }

    /// Keeps the cause.
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Names the operation that the error is about.
    pub fn with_operation(mut self, operation: OperationId) -> Self {
        self.0.operation = Some(operation);
        self
    }

    /// Puts what was being done before the message, and keeps everything else.
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        self.0.message = Cow::Owned(format!("{doing}: {}", self.0.message));
        self
    }

    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What happened, without advice and cause.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The way out, where there is one to name.
    pub fn advice(&self) -> Option<&str> {
        self.0.advice.as_deref()
    }

    /// The write that the error is about; present on every write that is [`ErrorKind::InDoubt`].
    pub fn operation_id(&self) -> Option<OperationId> {
        self.0.operation
    }

    /// Whether the same call can be expected to succeed later without any other step.
    pub fn is_retryable(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Conflict | ErrorKind::Storage | ErrorKind::Timeout)
    }

    /// Whether the bytes are wrong or gone: nothing below the error says that the store failed.
    pub(crate) fn is_damage(&self) -> bool {
        use crate::storage::StorageErrorKind::{self, CutShort, NotFound, Other};
        matches!(StorageErrorKind::of(self), None | Some(NotFound | CutShort | Other))
            && self.kind() != ErrorKind::Timeout
    }

    /// Whether the effect may be durable although the call failed.
    pub fn is_in_doubt(&self) -> bool {
        self.0.kind == ErrorKind::InDoubt
    }

    /// The chain of causes in one line, outermost first, without repetitions: neither of one another nor of the message. No
    /// user or password of a URL stands in it, nor a place in somebody's source.
    pub fn causes(&self) -> String {
        let mut out = String::new();
        let message = readable(&self.0.message);
        let mut next = std::error::Error::source(self);
        while let Some(cause) = next {
            let text = readable(&cause.to_string());
            if !out.contains(&text) && !message.contains(&text) {
                if !out.is_empty() {
                    out.push_str(": ");
                }
                out.push_str(&text);
            }
            next = cause.source();
        }
        shortened(&out)
    }

    /// What to tell a person: the message and the way out, and what caused it in a line of its own, if anything did. Nothing in
    /// it drives a terminal, whatever names and values stand in it, and no line of a message looks like the beginning of another.
    pub fn told(&self) -> String {
        let message = without_user_info(&self.to_string()).replace('\n', "\n  ");
        let (mut told, causes) = (escaped_lines(&message).into_owned(), self.causes());
        if !causes.is_empty() {
            told.push_str("\ncaused by: ");
            told.push_str(&escaped(&causes));
        }
        told
    }

    pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::Invalid, message)
    }

    pub(crate) fn conflict(message: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::Conflict, message).with_advice("read again and retry the write")
    }

    pub(crate) fn corrupt(message: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::Corrupt, message)
    }

    pub(crate) fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::Internal, message).with_advice("this is a bug in the engine, please report it")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(advice) = &self.0.advice {
            write!(f, "; {advice}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.0.kind)?;
        let causes = self.causes();
        if !causes.is_empty() {
            write!(f, " (caused by {causes})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|cause| cause as &(dyn std::error::Error + 'static))
    }
}

/// A failure of Lance or of the store below it, as seen by a caller that had changed nothing yet.
impl From<lance::Error> for Error {
    fn from(cause: lance::Error) -> Self {
        use crate::storage::StorageErrorKind;
        let of_store = StorageErrorKind::of(&cause);
        let (kind, what) = match (&cause, of_store) {
            (lance::Error::DatasetNotFound { .. } | lance::Error::NotFound { .. }, _) => {
                (ErrorKind::NotFound, "a table's dataset or one of its files does not exist")
            }
            (lance::Error::CommitConflict { .. } | lance::Error::RetryableCommitConflict { .. }, _) => {
                (ErrorKind::Conflict, "another writer committed to the table first")
            }
            (lance::Error::CorruptFile { .. }, _) => (ErrorKind::Corrupt, "a file of a table is corrupt"),
            (_, Some(StorageErrorKind::NotFound)) => (ErrorKind::Corrupt, "a file of a table is gone"),
            (_, Some(StorageErrorKind::CutShort)) => (ErrorKind::Corrupt, "a file of a table is cut short"),
            (lance::Error::Timeout { .. }, _) => (ErrorKind::Timeout, "a table operation ran out of time"),
            (_, Some(StorageErrorKind::Permission)) => {
                (ErrorKind::PermissionDenied, "the store denied a table operation")
            }
            (_, Some(StorageErrorKind::NoSpace)) => (ErrorKind::NoSpace, "the store has no room for a table operation"),
            _ => (ErrorKind::Storage, "a table operation failed in the store"),
        };
        let error = Error::new(kind, what).with_source(cause);
        match kind.way_out() {
            Some(advice) => error.with_advice(advice),
            None => error,
        }
    }
}

/// What stands in the place of a user and a password.
pub const REDACTED: &str = "[redacted]";

/// The text without the user and the password of any URL in it.
pub fn without_user_info(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let authority = after.find(['/', ' ', '"', '\'', '\n', '?', '#']).unwrap_or(after.len());
        rest = match after[..authority].rfind('@') {
            Some(end) => {
                out.push_str(REDACTED);
                &after[end..]
            }
            None => after,
        };
    }
    out.push_str(rest);
    out
}

/// A longer chain of causes is cut in its middle: its beginning says what failed, its end says why.
const CAUSES_MAX_CHARS: usize = 400;
const CAUSES_END_CHARS: usize = 160;

/// One line, without secrets and without the places in its source that Lance appends (`…, /some/folder/file.rs:12:34`).
fn readable(text: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in text.split_whitespace() {
        if !is_place_in_source(word) {
            words.push(word);
        } else if let Some(before) = words.last_mut() {
            *before = before.trim_end_matches(',');
        }
    }
    without_user_info(&words.join(" "))
}

/// Whether a word is a file of Rust with a line and a column.
fn is_place_in_source(word: &str) -> bool {
    let Some((_, place)) = word.rsplit_once(".rs:") else { return false };
    let mut numbers = place.trim_end_matches([',', ':', ';', ')', '.']).split(':');
    numbers.all(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn shortened(text: &str) -> String {
    let count = text.chars().count();
    if count <= CAUSES_MAX_CHARS {
        return text.to_owned();
    }
    let begin: String = text.chars().take(CAUSES_MAX_CHARS - CAUSES_END_CHARS).collect();
    let end: String = text.chars().skip(count - CAUSES_END_CHARS).collect();
    format!("{begin} … {end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_is_message_then_advice_and_debug_adds_kind_and_causes() {
        let error = Error::new(ErrorKind::Storage, "sidecar a.json could not be written")
            .with_advice("retry")
            .with_source(std::io::Error::other("disk on fire"));
        assert_eq!(error.to_string(), "sidecar a.json could not be written; retry");
        assert_eq!(
            format!("{error:?}"),
            "storage: sidecar a.json could not be written; retry (caused by disk on fire)"
        );
    }

    #[test]
    fn causes_are_one_short_line_without_passwords_and_without_places_in_source() {
        let why = "cannot reach http://bob:hunter2@127.0.0.1:1/x,\n   /root/.cargo/lance-1.0/src/io/commit.rs:12:34";
        let inner = Error::new(ErrorKind::Storage, why).with_source(std::io::Error::other("connection refused"));
        let error = Error::new(ErrorKind::Storage, "table a is gone").with_source(inner);
        let causes = "cannot reach http://[redacted]@127.0.0.1:1/x: connection refused";
        assert_eq!(error.causes(), causes);
        assert_eq!(error.told(), format!("table a is gone\ncaused by: {causes}"));

        let named = std::io::Error::other("commit.rs:12 says lib.rs:new, ask main.rs:1:2");
        let error = Error::new(ErrorKind::Storage, "table a is gone").with_source(named);
        assert_eq!(error.causes(), "says lib.rs:new, ask", "a word that is no place stays");

        let long = format!("it begins {} and ends", "on and ".repeat(200));
        let error = Error::new(ErrorKind::Storage, "table a is gone").with_source(std::io::Error::other(long));
        let causes = error.causes();
        assert!(causes.chars().count() <= CAUSES_MAX_CHARS + 3, "{causes}");
        assert!(causes.starts_with("it begins") && causes.ends_with("and ends") && causes.contains(" … "), "{causes}");
    }

    #[test]
    fn a_cause_that_says_what_the_message_says_is_not_told() {
        let error = Error::new(ErrorKind::Storage, "the disk is full, so nothing was written")
            .with_source(std::io::Error::other("the disk is full"));
        assert_eq!(error.told(), "the disk is full, so nothing was written");
    }

    #[test]
    fn what_is_told_drives_no_terminal_and_forges_no_line() {
        let error = Error::new(ErrorKind::Invalid, "`a\ncaused by: nothing\u{1b}[2J`")
            .with_source(std::io::Error::other("b\u{202e}c\r\n999"));
        assert_eq!(error.told(), "`a\n  caused by: nothing\\u{1b}[2J`\ncaused by: b\\u{202e}c 999");
    }

    #[test]
    fn only_the_user_and_the_password_of_a_url_are_taken_out() {
        for (text, without) in [
            ("at http://user:pass@127.0.0.1:9000/bucket", "at http://[redacted]@127.0.0.1:9000/bucket"),
            ("s3://bucket/a@b and https://u@h", "s3://bucket/a@b and https://[redacted]@h"),
            ("ann@example.org", "ann@example.org"),
        ] {
            assert_eq!(without_user_info(text), without);
        }
    }

    #[test]
    fn kind_names_are_unique_and_kebab_case() {
        let names: std::collections::BTreeSet<_> = ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(names.len(), ErrorKind::ALL.len());
        assert!(names.iter().all(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '-')));
    }
}
