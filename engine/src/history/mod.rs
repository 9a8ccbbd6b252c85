//! How the graph came about: one commit for every version of the manifest.

mod commit;

pub use commit::{Commit, CommitKind, RECOVERY_ACTOR};
