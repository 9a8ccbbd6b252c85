//! The bounds of a query.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What one query may take.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QueryOptions {
    /// How long it may run, until its last row is read; an hour when absent.
    pub timeout: Option<Duration>,
    /// Memory for sorts, joins, aggregates and for a result that is collected, in bytes. What does not fit goes on in temporary
    /// files where it can, and fails where it cannot. A share of the machine's memory when absent.
    pub memory_bytes: Option<u64>,
}
