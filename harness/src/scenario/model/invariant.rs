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
    /// An acknowledged write is visible after recovery, exactly once.
    AcknowledgedWritesAreVisible = "acknowledged-writes-are-visible",
    /// A failed write is invisible or whole, never partial.
    FailedWritesAreNeverPartial = "failed-writes-are-never-partial",
    /// A write in doubt is done or not done, and stays it.
    DoubtIsSettledOnce = "doubt-is-settled-once",
    /// No table's HEAD differs from its pin.
    HeadsEqualPins = "heads-equal-pins",
    /// No sidecar outlives a full recovery.
    NoSidecarOutlivesRecovery = "no-sidecar-outlives-recovery",
    /// Each recovered operation has one audit row of the true kind, and its commit exists with the recovery actor.
    OneAuditRowPerRecovery = "one-audit-row-per-recovery",
    /// A second recovery changes no object.
    SecondRecoveryChangesNothing = "second-recovery-changes-nothing",
    /// Parents exist, ids are unique, and every published version has its commit.
    HistoryIsSound = "history-is-sound",
    /// A committed version reads back the same later.
    VersionsReadBackTheSame = "versions-read-back-the-same",
    /// A read-only open touches nothing.
    ReadOnlyOpensTouchNothing = "read-only-opens-touch-nothing",
    /// Edges have their endpoints.
    EdgesHaveEndpoints = "edges-have-endpoints",
    /// Keys are unique.
    KeysAreUnique = "keys-are-unique",
    /// Indexed and full scans agree.
    ScansAgree = "scans-agree",
    /// The rows equal those of the reference model.
    RowsEqualTheModel = "rows-equal-the-model",
    /// Nothing but declared residue is left in the store.
    OnlyDeclaredResidue = "only-declared-residue",
    /// The same handle can write again once faults are lifted.
    HandlesWriteAgain = "handles-write-again",
    /// Readers only ever saw whole commits.
    ReadersSeeWholeCommits = "readers-see-whole-commits",
    /// Every armed fault fired.
    ArmedFaultsFire = "armed-faults-fire",
    /// Every step ended as it was expected to, and every check found what it asked for.
    StepsEndAsExpected = "steps-end-as-expected",
}
