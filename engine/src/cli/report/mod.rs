//! What came of a command: a shape for programs, which docs/program.md describes, and a text for people. The shapes are the program's
//! own, so that the library can change its types and no script notices.
//!
//! Names and reasons that come from outside are written out in every text: see [`omnigraph::printable`].

mod care;
mod history;
mod write;

pub use care::{Inspected, ManifestRepaired, Recovered, Repaired};
pub use history::{Commit, Recovery, commits, recoveries};
pub use write::{Created, Written};

use chrono::{DateTime, SecondsFormat, Utc};
use omnigraph::recovery::RecoveryKind;

/// An instant as texts and shapes show it.
fn at(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// What a recovery did, in the words that commits use too.
fn done(kind: RecoveryKind) -> &'static str {
    match kind {
        RecoveryKind::RolledForward => "rolled-forward",
        RecoveryKind::RolledBack => "rolled-back",
        RecoveryKind::OrphanedBranchDiscarded => "orphaned-branch-discarded",
    }
}
