//! The names of the standing invariants, one for each checker of the oracle.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! invariants {
    ($($(#[doc = $meaning:literal])+ $variant:ident = $name:literal,)+) => {
        /// A standing invariant, by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[schemars(extend("x-noun" = "invariant"))]
        pub enum InvariantName {
            $(
                $(#[doc = $meaning])+
                #[serde(rename = $name)]
                $variant,
            )+
        }

        impl InvariantName {
            /// Every standing invariant, in the order in which reports show them.
            pub const ALL: &'static [InvariantName] = &[$(InvariantName::$variant,)+];

            /// The name in files and reports.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(InvariantName::$variant => $name,)+
                }
            }

            /// What has to hold, as one sentence.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(InvariantName::$variant => concat!($($meaning,)+).trim_ascii(),)+
                }
            }
        }
    };
}

invariants! {
    /// Once faults are lifted, a read-write open recovers everything and succeeds.
    RecoveryConverges = "recovery-converges",
    /// An acknowledged write is visible after recovery, exactly once.
    AcknowledgedWritesVisibleExactlyOnce = "acknowledged-writes-visible-exactly-once",
    /// A failed write is invisible or whole, never partial.
    FailedWritesInvisibleOrWhole = "failed-writes-invisible-or-whole",
    /// A write in doubt is done or not done, and stays it.
    InDoubtWritesSettle = "in-doubt-writes-settle",
    /// The rows equal those of the reference model.
    RowsEqualTheReferenceModel = "rows-equal-the-reference-model",
    /// Whoever read beside a write or a recovery only ever saw whole commits; not judged where nobody did.
    ReadersSawWholeCommits = "readers-saw-whole-commits",
    /// What is read between the calls, by queries, checks and looks from outside, is whole commits.
    ReadingsBetweenCallsAreWholeCommits = "readings-between-calls-are-whole-commits",
    /// After recovery no table's HEAD differs from its pin.
    HeadEqualsPin = "head-equals-pin",
    /// Between the calls a table's HEAD differs from its pin only where a pending sidecar names the table, or a stranger moved it; not judged
    /// over a store that lies.
    DriftIsAlwaysExplained = "drift-is-always-explained",
    /// No sidecar outlives a full recovery.
    NoSidecarOutlivesRecovery = "no-sidecar-outlives-recovery",
    /// The history has at most one commit of an operation, exactly one of an operation whose sidecar outlived its writer, and its caller and
    /// the audit say what that commit says; not judged over a store that lies.
    NoOperationHasTwoEnds = "no-operation-has-two-ends",
    /// Each recovered operation has one audit row of the true kind, and its commit exists with the recovery actor.
    OneAuditRowPerRecoveredOperation = "one-audit-row-per-recovered-operation",
    /// A second recovery changes no object.
    SecondRecoveryChangesNothing = "second-recovery-changes-nothing",
    /// Parents exist, ids are unique, and every published version has its commit.
    HistoryIsSound = "history-is-sound",
    /// A committed version reads back the same later.
    CommittedVersionsReadBackTheSame = "committed-versions-read-back-the-same",
    /// A read-only open touches nothing.
    ReadOnlyOpenTouchesNothing = "read-only-open-touches-nothing",
    /// Edges have their endpoints.
    EdgesHaveEndpoints = "edges-have-endpoints",
    /// Keys are unique.
    KeysAreUnique = "keys-are-unique",
    /// Indexed and full scans agree.
    IndexedAndFullScansAgree = "indexed-and-full-scans-agree",
    /// Nothing but declared residue is left in the store.
    OnlyDeclaredResidue = "only-declared-residue",
    /// The same handle can write again within a bound once faults are lifted.
    HandleWritesAgain = "handle-writes-again",
    /// Every armed fault fired.
    EveryArmedFaultFired = "every-armed-fault-fired",
    /// Every step ended as it was expected to; judged by the scenario, step by step.
    Expectation = "expectation",
    /// Every check found what it asked for; judged by the scenario, step by step.
    Check = "check",
}

/// Invariants of the design that nothing can break yet, so that no checker judges them: each with what it waits for.
pub const NOT_YET_APPLICABLE: &[(&str, &str)] = &[
    ("branches-are-isolated", "there are no branches yet"),
    ("indexed-scans-agree-while-coverage-is-partial", "there are no secondary indices yet; lookups by key are judged"),
    ("a-merge-commit-has-both-parents", "there are no merges yet"),
    ("compaction-changes-no-row", "there is no optimize yet"),
];

impl InvariantName {
    /// Whether a scenario may do without it. Without these a scenario proves nothing.
    pub fn can_be_waived(self) -> bool {
        !matches!(self, InvariantName::EveryArmedFaultFired | InvariantName::Expectation | InvariantName::Check)
    }
}

#[cfg(test)]
mod tests {
    use super::InvariantName;

    #[test]
    fn every_checker_of_the_oracle_has_its_name_here() {
        let names: Vec<&str> = InvariantName::ALL.iter().map(|name| name.as_str()).collect();
        for checker in crate::oracle::standing() {
            assert!(names.contains(&checker.name()), "{} is missing", checker.name());
        }
    }
}
