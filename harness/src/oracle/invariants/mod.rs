//! Every standing invariant, one file each, named for the property that it holds.

use super::evidence::Evidence;
use super::invariant::Invariant;

mod acknowledged_writes_visible_exactly_once;
mod committed_versions_read_back_the_same;
mod drift_is_always_explained;
mod edges_have_endpoints;
mod every_armed_fault_fired;
mod failed_writes_invisible_or_whole;
mod handle_writes_again;
mod head_equals_pin;
mod history_is_sound;
mod in_doubt_writes_settle;
mod indexed_and_full_scans_agree;
mod keys_are_unique;
mod no_operation_has_two_ends;
mod no_sidecar_outlives_recovery;
mod one_audit_row_per_recovered_operation;
mod only_declared_residue;
mod read_only_open_touches_nothing;
mod readers_saw_whole_commits;
mod readings_between_calls_are_whole_commits;
mod recovery_converges;
mod rows_equal_the_reference_model;
mod second_recovery_changes_nothing;

pub use only_declared_residue::DECLARED;

/// Every standing invariant, in the order in which findings are reported: what clients were promised first.
pub fn standing() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(recovery_converges::RecoveryConverges),
        Box::new(acknowledged_writes_visible_exactly_once::AcknowledgedWritesVisibleExactlyOnce),
        Box::new(failed_writes_invisible_or_whole::FailedWritesInvisibleOrWhole),
        Box::new(in_doubt_writes_settle::InDoubtWritesSettle),
        Box::new(rows_equal_the_reference_model::RowsEqualTheReferenceModel),
        Box::new(readers_saw_whole_commits::ReadersSawWholeCommits),
        Box::new(readings_between_calls_are_whole_commits::ReadingsBetweenCallsAreWholeCommits),
        Box::new(head_equals_pin::HeadEqualsPin),
        Box::new(drift_is_always_explained::DriftIsAlwaysExplained),
        Box::new(no_sidecar_outlives_recovery::NoSidecarOutlivesRecovery),
        Box::new(no_operation_has_two_ends::NoOperationHasTwoEnds),
        Box::new(one_audit_row_per_recovered_operation::OneAuditRowPerRecoveredOperation),
        Box::new(second_recovery_changes_nothing::SecondRecoveryChangesNothing),
        Box::new(history_is_sound::HistoryIsSound),
        Box::new(committed_versions_read_back_the_same::CommittedVersionsReadBackTheSame),
        Box::new(read_only_open_touches_nothing::ReadOnlyOpenTouchesNothing),
        Box::new(edges_have_endpoints::EdgesHaveEndpoints),
        Box::new(keys_are_unique::KeysAreUnique),
        Box::new(indexed_and_full_scans_agree::IndexedAndFullScansAgree),
        Box::new(only_declared_residue::OnlyDeclaredResidue),
        Box::new(handle_writes_again::HandleWritesAgain),
        Box::new(every_armed_fault_fired::EveryArmedFaultFired),
    ]
}

/// What is missing when the graph was never seen after the steps.
fn without_closing(evidence: &Evidence) -> Option<String> {
    match (&evidence.closing, &evidence.closing_failed) {
        (Some(_), _) => None,
        (None, Some(error)) => Some(format!("the graph did not open after the steps: {error}")),
        (None, None) => Some("the graph was not opened after the steps".to_owned()),
    }
}

/// What is missing when rows cannot be judged by their types.
fn without_rows(evidence: &Evidence) -> Option<String> {
    without_closing(evidence).or_else(|| evidence.schema.is_none().then(|| "the schema is not known".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::oracle::{judge, sound};
    use crate::scenario::model::NOT_YET_APPLICABLE;

    #[test]
    fn every_standing_invariant_goes_red_on_a_planted_defect() {
        for invariant in standing() {
            assert!(
                !invariant.defects().is_empty(),
                "{} has no planted defect, so it may be unable to fail",
                invariant.name()
            );
            sound::prove(invariant.as_ref());
        }
    }

    #[test]
    fn a_sound_world_is_judged_by_all_of_them_and_held() {
        let judgement = judge(&sound::evidence(), &[]);
        assert_eq!(judgement.breaches().collect::<Vec<_>>(), Vec::<&crate::oracle::Breach>::new());
        assert_eq!(judgement.not_judged().collect::<Vec<_>>(), Vec::<(&str, &str)>::new());
    }

    #[test]
    fn names_are_unique_and_kebab_case_and_properties_are_sentences() {
        let mut names = BTreeSet::new();
        for invariant in standing() {
            let name = invariant.name();
            assert!(names.insert(name), "{name} is there twice");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
            assert!(invariant.property().contains(' ') && !invariant.property().ends_with('.'), "{name}");
        }
        assert!(NOT_YET_APPLICABLE.iter().all(|(name, _)| !names.contains(name)));
    }

    #[test]
    fn what_nobody_observed_is_not_judged_and_never_held() {
        let judgement = judge(&Evidence::default(), &[]);
        assert_eq!(judgement.not_judged().count(), standing().len());
    }
}
