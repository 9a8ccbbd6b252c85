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
    /// Whether a version of a planned table past its pin is of this operation: what it committed, or what a pass restored.
    pub ours_past_pin: bool,
}

/// What recovery will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Audit that the branch is gone, and delete the sidecar.
    Discard,
    /// The operation is published: audit how, and delete the sidecar.
    Finish(RecoveryKind),
    /// Refuse loudly and keep the sidecar.
    Abort,
    /// Nothing to undo: audit, and delete the sidecar.
    Retire,
    /// Publish what every table committed, audit, and delete the sidecar.
    RollForward,
    /// Restore each moved table to its pin, publish that, audit, and delete the sidecar.
    RollBack,
    /// The operation is visible, and a restore lies above it: make what is visible the newest version again, publish that,
    /// audit that the write was finished, and delete the sidecar.
    PutBack,
}

/// Decides. The first row that fits wins.
///
/// | observation | decision |
/// |---|---|
/// | the branch no longer lives that life | discard |
/// | published by a roll back, and a version of ours lies past a pin | roll back again |
/// | published by a roll back | finish as rolled back |
/// | published by its writer or by a roll forward, and a version of ours lies past a pin | put back |
/// | published by its writer or by a roll forward | finish as rolled forward |
/// | any table regressed | abort |
/// | every table untouched | retire |
/// | every table committed, and what it was validated against still stands | roll forward |
/// | anything else | roll back |
///
/// The second row is a writer that another process took for dead: it was undone between two of its commits, landed the
/// second, and learnt of its end when it came to publish. Or it is a pass over that very case which died when it had restored.
///
/// The fourth row is such a writer, too: a pass restored the first of its tables, and it landed the second and published
/// before the pass did. It is acknowledged, and the restore lies above what is visible.
///
/// The last but one row asks more than that every table is committed. Two processes can race with a write to an edge
/// table and the deletion of its endpoint: each commits to a table of its own, one publishes first, and finishing the
/// other would make an edge without an endpoint visible.
pub fn decide(observation: &Observation) -> Decision {
    if !observation.branch_lives {
        return Decision::Discard;
    }
    match observation.published {
        Some(CommitKind::RolledBack) if observation.ours_past_pin => return Decision::RollBack,
        Some(CommitKind::RolledBack) => return Decision::Finish(RecoveryKind::RolledBack),
        Some(_) if observation.ours_past_pin => return Decision::PutBack,
        Some(_) => return Decision::Finish(RecoveryKind::RolledForward),
        None => {}
    }
    let all = |state: TableState| observation.tables.iter().all(|table| *table == state);
    if observation.tables.contains(&TableState::Regressed) {
        Decision::Abort
    } else if all(TableState::Untouched) {
        Decision::Retire
    } else if all(TableState::Committed) && !observation.reads_moved {
        Decision::RollForward
    } else {
        Decision::RollBack
    }
}

#[cfg(test)]
mod tests {
    use super::TableState::*;
    use super::*;

    fn seen(tables: &[TableState]) -> Observation {
        let tables = tables.to_vec();
        Observation { branch_lives: true, published: None, tables, reads_moved: false, ours_past_pin: false }
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
            let published = Observation { published: Some(kind), ..seen(&[Foreign, Superseded]) };
            assert_eq!(decide(&published), Decision::Finish(audit));
        }
    }

    #[test]
    fn a_commit_that_landed_after_its_write_was_undone_is_undone_too() {
        let late = Observation {
            published: Some(CommitKind::RolledBack),
            ours_past_pin: true,
            ..seen(&[Superseded, Committed])
        };
        assert_eq!(decide(&late), Decision::RollBack);
    }

    #[test]
    fn a_restore_above_a_write_that_was_published_is_put_back() {
        for kind in [CommitKind::Written, CommitKind::RolledForward] {
            let beaten = Observation { published: Some(kind), ours_past_pin: true, ..seen(&[Superseded, Committed]) };
            assert_eq!(decide(&beaten), Decision::PutBack, "{kind:?}");
        }
    }

    #[test]
    fn a_regressed_table_aborts_even_beside_sound_ones() {
        assert_eq!(decide(&seen(&[Committed, Regressed])), Decision::Abort);
    }

    #[test]
    fn untouched_tables_are_retired() {
        assert_eq!(decide(&seen(&[Untouched, Untouched])), Decision::Retire);
        assert_eq!(decide(&seen(&[])), Decision::Retire);
    }

    #[test]
    fn committed_tables_are_rolled_forward() {
        assert_eq!(decide(&seen(&[Committed, Committed])), Decision::RollForward);
    }

    #[test]
    fn committed_tables_whose_endpoints_moved_are_rolled_back() {
        let stale = Observation { reads_moved: true, ..seen(&[Committed]) };
        assert_eq!(decide(&stale), Decision::RollBack);
    }

    #[test]
    fn anything_else_is_rolled_back() {
        for tables in [[Untouched, Committed], [Committed, Superseded], [Foreign, Untouched], [Foreign, Foreign]] {
            assert_eq!(decide(&seen(&tables)), Decision::RollBack, "{tables:?}");
        }
    }
}
