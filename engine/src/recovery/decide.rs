//! What to do about one sidecar: a pure function over what was observed.

use serde::{Deserialize, Serialize};

use super::TableState;
use crate::history::CommitKind;

/// What an audit row says was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecoveryKind {
    /// The write was finished.
    RolledForward,
    /// The write was undone, or had never moved a table.
    RolledBack,
    /// The write belonged to a branch that is gone.
    OrphanedBranchDiscarded,
}

impl RecoveryKind {
    /// The kind's name as audit rows and scenarios spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            RecoveryKind::RolledForward => "RolledForward",
            RecoveryKind::RolledBack => "RolledBack",
            RecoveryKind::OrphanedBranchDiscarded => "OrphanedBranchDiscarded",
        }
    }
}

/// What recovery saw of one sidecar's world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Whether the branch still lives the life that the write belongs to; the manifest is the authority.
    pub branch_lives: bool,
    /// How the operation was published, if it was.
    pub published: Option<CommitKind>,
    /// The state of each planned table.
    pub tables: Vec<TableState>,
    /// Whether a table that the write was validated against has been published again since.
    pub reads_moved: bool,
}

/// What recovery will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Audit that the branch is gone, and delete the sidecar.
    Discard,
    /// The operation is published: tidy up, audit how, and delete the sidecar.
    Finish(RecoveryKind),
    /// Refuse loudly and keep the sidecar.
    Abort,
    /// Publish what every table committed, audit, and delete the sidecar.
    RollForward,
    /// Seal every table that is untouched, restore each moved one to its pin, publish that, audit, and delete the sidecar.
    Undo,
}

/// Decides. The first row that fits wins.
///
/// | observation | decision |
/// |---|---|
/// | the branch no longer lives that life | discard |
/// | the history has a commit with the operation's id | finish, as what that commit says |
/// | any table regressed | abort |
/// | every table committed, and what it was validated against still stands | roll forward |
/// | anything else | undo |
///
/// The fourth row asks more than that every table is committed. Two processes can race with a write to an edge table and the
/// deletion of its endpoint: each commits to a table of its own, one publishes first, and finishing the other would make an
/// edge without an endpoint visible.
pub fn decide(observation: &Observation) -> Decision {
    if !observation.branch_lives {
        return Decision::Discard;
    }
    match observation.published {
        Some(CommitKind::RolledBack) => return Decision::Finish(RecoveryKind::RolledBack),
        Some(_) => return Decision::Finish(RecoveryKind::RolledForward),
        None => {}
    }
    let tables = &observation.tables;
    let all_committed = !tables.is_empty() && tables.iter().all(|table| *table == TableState::Committed);
    if tables.contains(&TableState::Regressed) {
        Decision::Abort
    } else if all_committed && !observation.reads_moved {
        Decision::RollForward
    } else {
        Decision::Undo
    }
}

#[cfg(test)]
mod tests {
    use super::TableState::*;
    use super::*;

    fn seen(tables: &[TableState]) -> Observation {
        Observation { branch_lives: true, published: None, tables: tables.to_vec(), reads_moved: false }
    }

    #[test]
    fn a_gone_branch_is_discarded_whatever_else_is_true() {
        let gone = Observation { branch_lives: false, published: Some(CommitKind::Written), ..seen(&[Regressed]) };
        assert_eq!(decide(&gone), Decision::Discard);
    }

    #[test]
    fn a_published_operation_is_finished_as_what_published_it() {
        for (kind, audit) in [
            (CommitKind::Written, RecoveryKind::RolledForward),
            (CommitKind::RolledForward, RecoveryKind::RolledForward),
            (CommitKind::RolledBack, RecoveryKind::RolledBack),
        ] {
            let published = Observation { published: Some(kind), ..seen(&[Regressed, Moved]) };
            assert_eq!(decide(&published), Decision::Finish(audit));
        }
    }

    #[test]
    fn a_regressed_table_aborts_even_beside_sound_ones() {
        assert_eq!(decide(&seen(&[Committed, Regressed])), Decision::Abort);
    }

    #[test]
    fn committed_tables_are_rolled_forward() {
        assert_eq!(decide(&seen(&[Committed, Committed])), Decision::RollForward);
    }

    #[test]
    fn committed_tables_whose_endpoints_moved_are_undone() {
        let stale = Observation { reads_moved: true, ..seen(&[Committed]) };
        assert_eq!(decide(&stale), Decision::Undo);
    }

    #[test]
    fn anything_else_is_undone_also_where_no_table_has_moved() {
        assert_eq!(decide(&seen(&[])), Decision::Undo);
        for tables in
            [[Untouched, Untouched], [Untouched, Committed], [Committed, Moved], [Moved, Untouched], [Moved, Moved]]
        {
            assert_eq!(decide(&seen(&tables)), Decision::Undo, "{tables:?}");
        }
    }
}
