//! DataFusion's errors → ours.

use std::error::Error as StdError;

use datafusion::error::DataFusionError;

use crate::error::{Error, ErrorKind};
use crate::storage::StorageErrorKind;

/// What DataFusion says of a subquery that refers to outer rows from where it does not carry that out.
const UNPLANNABLE: [&str; 3] = ["ScalarSubquery", "OuterReferenceColumn", "Correlated scalar subquery"];

/// The error of SQL that could not be planned or run: the store's trouble stays what it is, everything else is a
/// matter of the SQL.
pub(crate) fn refused(error: DataFusionError) -> Error {
    if let DataFusionError::External(cause) = error {
        return match cause.downcast::<Error>() {
            Ok(ours) => *ours,
            Err(cause) => refused_by(cause),
        };
    }
    refused_by(error.into())
}

fn refused_by(cause: Box<dyn StdError + Send + Sync>) -> Error {
    let mut next: Option<&(dyn StdError + 'static)> = Some(cause.as_ref());
    let mut kind = ErrorKind::Invalid;
    while let Some(inner) = next {
        // What this crate has said within a plan is said again, however often it was wrapped.
        if let Some(ours) = inner.downcast_ref::<Error>() {
            let said = Error::new(ours.kind(), ours.message().to_owned());
            return match ours.advice() {
                Some(advice) => said.with_advice(advice.to_owned()),
                None => said,
            };
        }
        if let Some(DataFusionError::ResourcesExhausted(what)) = inner.downcast_ref::<DataFusionError>() {
            let message = format!("the SQL takes more memory than its limit: {}", first_line(what));
            return Error::invalid(message).with_advice("ask for less at once, or raise the limit").with_source(cause);
        }
        kind = kind_of(inner).unwrap_or(kind);
        next = inner.source();
    }
    // The root says what is wrong; what is around it says where in DataFusion.
    let said = match cause.downcast_ref::<DataFusionError>() {
        Some(error) => error.find_root().strip_backtrace(),
        None => cause.to_string(),
    };
    match kind {
        ErrorKind::Invalid if UNPLANNABLE.iter().any(|word| said.contains(word)) => outer_reference(),
        ErrorKind::Invalid => Error::invalid(format!("the SQL does not fit: {}", first_line(&said))),
        ErrorKind::Internal => Error::internal(format!("SQL: {}", first_line(&said))),
        kind => {
            let what = match kind {
                ErrorKind::Corrupt => "a file of a table is gone or damaged, and was to be read while SQL was run",
                _ => "a table could not be read while SQL was run",
            };
            let error = Error::new(kind, what);
            match kind.way_out() {
                Some(advice) => error.with_advice(advice),
                None => error,
            }
        }
    }
    .with_source(cause)
}

/// The error of a subquery that refers to outer rows from a place where that is not carried out.
pub(crate) fn outer_reference() -> Error {
    Error::invalid("a subquery that refers to rows outside of it stands where it is not carried out")
        .with_advice("write it as a join, or with EXISTS in WHERE")
}

/// What an error in the chain says of the whole: Lance and the store below it wrap each other, and DataFusion both.
fn kind_of(error: &(dyn StdError + 'static)) -> Option<ErrorKind> {
    if let Some(DataFusionError::Internal(_)) = error.downcast_ref::<DataFusionError>() {
        return Some(ErrorKind::Internal);
    }
    let is_io_of_lance = matches!(error.downcast_ref(), Some(lance::Error::IO { .. }));
    if is_io_of_lance || error.is::<object_store::Error>() || error.is::<std::io::Error>() {
        return Some(match StorageErrorKind::of(error) {
            Some(StorageErrorKind::NotFound | StorageErrorKind::CutShort) => ErrorKind::Corrupt,
            Some(StorageErrorKind::Permission) => ErrorKind::PermissionDenied,
            Some(StorageErrorKind::NoSpace) => ErrorKind::NoSpace,
            Some(StorageErrorKind::Timeout) => ErrorKind::Timeout,
            _ => ErrorKind::Storage,
        });
    }
    match error.downcast_ref::<lance::Error>()? {
        // What was read is not what a table's file looks like.
        lance::Error::Arrow { location, .. } if reads_files(location.file()) => Some(ErrorKind::Corrupt),
        // Lance runs part of the SQL itself; and these variants wrap something that says more.
        lance::Error::InvalidInput { .. }
        | lance::Error::NotSupported { .. }
        | lance::Error::SchemaMismatch { .. }
        | lance::Error::Schema { .. }
        | lance::Error::FieldNotFound { .. }
        | lance::Error::Arrow { .. }
        | lance::Error::Execution { .. }
        | lance::Error::Wrapped { .. }
        | lance::Error::External { .. }
        | lance::Error::Shared { .. } => None,
        lance::Error::CorruptFile { .. } | lance::Error::NotFound { .. } => Some(ErrorKind::Corrupt),
        lance::Error::Timeout { .. } => Some(ErrorKind::Timeout),
        lance::Error::Internal { .. } => Some(ErrorKind::Internal),
        _ => Some(ErrorKind::Storage),
    }
}

/// Whether a place in Lance's source is in what reads the files of tables, and not in what runs SQL.
fn reads_files(source: &str) -> bool {
    ["/lance-table-", "/lance-file-", "/lance-encoding-"].iter().any(|name| source.contains(name))
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let line = line.strip_prefix("External error: ").unwrap_or(line);
    let mut shown: String = line.chars().take(300).collect();
    shown.truncate(shown.trim_end_matches('.').len());
    shown
}
