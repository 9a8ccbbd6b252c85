//! DataFusion's errors → ours.

use datafusion::error::DataFusionError;

use crate::error::{Error, ErrorKind};

/// The error of SQL that could not be planned or run: the store's trouble stays what it is, everything else is a
/// matter of the SQL.
pub(crate) fn refused(error: DataFusionError) -> Error {
    match error {
        DataFusionError::External(cause) => match cause.downcast::<Error>() {
            Ok(ours) => *ours,
            Err(cause) => match cause.downcast::<lance::Error>() {
                Ok(lance) => from_lance(*lance),
                Err(cause) => Error::new(ErrorKind::Storage, "the SQL could not be run").with_source(cause),
            },
        },
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => refused(*inner),
        DataFusionError::ArrowError(error, _) => match *error {
            datafusion::arrow::error::ArrowError::ExternalError(cause) => refused(DataFusionError::External(cause)),
            error => Error::invalid(format!("the SQL does not fit: {}", first_line(&error.to_string()))),
        },
        DataFusionError::IoError(cause) => {
            Error::new(ErrorKind::Storage, "the SQL could not be run").with_source(cause)
        }
        DataFusionError::ObjectStore(cause) => {
            Error::new(ErrorKind::Storage, "the store failed while SQL was run").with_source(cause)
        }
        DataFusionError::Internal(message) => Error::internal(format!("SQL: {}", first_line(&message))),
        error => Error::invalid(format!("the SQL does not fit: {}", first_line(&error.strip_backtrace()))),
    }
}

/// Lance wraps what DataFusion told it, and the other way round.
fn from_lance(error: lance::Error) -> Error {
    match error {
        lance::Error::InvalidInput { .. } | lance::Error::SchemaMismatch { .. } => {
            Error::invalid(format!("the SQL does not fit: {}", first_line(&error.to_string())))
        }
        error => Error::from(error),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_end_matches('.').to_owned()
}
