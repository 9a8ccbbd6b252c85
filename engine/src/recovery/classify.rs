//! What happened to one table: a pure function over what was read.

use serde::{Deserialize, Serialize};

use crate::table::LandedVersion;

/// A table as recovery found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFacts {
    /// The version on which the write staged its commit.
    pub base: u64,
    /// The identities of the planned transactions, in the order in which they land.
    pub planned: Vec<String>,
    /// The version that the manifest makes visible now.
    pub pin: u64,
    /// The newest version.
    pub head: u64,
    /// The versions that tell, oldest first: as many after base as are planned, and all past the pin.
    pub landed: Vec<LandedVersion>,
}

/// What the facts mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TableState {
    /// HEAD is still the base: the commit has not landed, and still may.
    Untouched,
    /// Some of several planned commits are there and nothing else: the others may still land.
    Begun,
    /// All planned commits stand right after base, and base is still what is visible. Others may stand above them.
    Committed,
    /// A version after base is not ours, so that not all of ours ever land; or something newer than base is visible.
    Moved,
    /// HEAD is behind the pin, or behind the base: cannot happen, so it is refused.
    Regressed,
}

/// Classifies one table. Attribution is by the identity of transactions, never by counting versions.
///
/// | head against pin and base | versions after base | state |
/// |---|---|---|
/// | behind either | | regressed |
/// | at base | none | untouched |
/// | above base | the first of ours, in their order, and nothing else | begun |
/// | past base, and base is the pin | all of ours, in their order | committed |
/// | past base | anything else | moved |
pub fn classify(facts: &TableFacts) -> TableState {
    if facts.head < facts.pin || facts.head < facts.base {
        return TableState::Regressed;
    }
    if facts.head == facts.base {
        return TableState::Untouched;
    }
    let landed = facts.landed.iter().filter(|landed| landed.version > facts.base);
    let is_ours = |(landed, planned): &(&LandedVersion, &String)| landed.transaction_uuid.as_ref() == Some(*planned);
    let ours = landed.zip(&facts.planned).take_while(is_ours).count();
    if ours == facts.planned.len() && facts.pin == facts.base {
        TableState::Committed
    } else if ours < facts.planned.len() && facts.head == facts.base + ours as u64 {
        TableState::Begun
    } else {
        TableState::Moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(pin: u64, head: u64, landed: &[&str]) -> TableFacts {
        let landed = landed
            .iter()
            .zip(3..)
            .map(|(uuid, version)| LandedVersion {
                version,
                transaction_uuid: Some((*uuid).to_owned()),
                operation: None,
                restored: None,
            })
            .collect();
        TableFacts { base: 2, planned: vec!["ours".into()], pin, head, landed }
    }

    #[test]
    fn head_at_base_is_untouched() {
        assert_eq!(classify(&facts(2, 2, &[])), TableState::Untouched);
    }

    #[test]
    fn ours_right_after_base_is_committed_whatever_stands_above_it() {
        assert_eq!(classify(&facts(2, 3, &["ours"])), TableState::Committed);
        assert_eq!(classify(&facts(2, 4, &["ours", "other"])), TableState::Committed);
    }

    #[test]
    fn a_commit_of_somebody_else_right_after_base_has_taken_the_place_of_ours() {
        assert_eq!(classify(&facts(2, 3, &["other"])), TableState::Moved);
        assert_eq!(classify(&facts(2, 4, &["other", "ours"])), TableState::Moved);
    }

    #[test]
    fn several_planned_commits_are_committed_when_all_stand_in_their_order() {
        let facts = |landed: &[&str]| {
            let head = 2 + landed.len() as u64;
            TableFacts { planned: vec!["first".into(), "second".into()], ..facts(2, head, landed) }
        };
        assert_eq!(classify(&facts(&["first", "second"])), TableState::Committed);
        assert_eq!(classify(&facts(&["first", "second", "other"])), TableState::Committed);
        assert_eq!(classify(&facts(&["first"])), TableState::Begun, "the second may still land");
        for broken in [&["second", "first"][..], &["first", "other"], &["other"]] {
            assert_eq!(classify(&facts(broken)), TableState::Moved, "{broken:?}");
        }
    }

    #[test]
    fn a_table_that_must_not_exist_yet_and_does_not_is_untouched() {
        let absent = TableFacts { base: 0, pin: 0, head: 0, ..facts(0, 0, &[]) };
        assert_eq!(classify(&absent), TableState::Untouched);
    }

    #[test]
    fn ours_beneath_a_newer_pin_is_not_to_be_published_any_more() {
        assert_eq!(classify(&facts(4, 4, &["ours", "other"])), TableState::Moved);
    }

    #[test]
    fn head_behind_the_pin_is_regressed() {
        assert_eq!(classify(&facts(4, 3, &["ours"])), TableState::Regressed);
    }

    #[test]
    fn head_behind_the_base_is_regressed() {
        assert_eq!(classify(&facts(1, 1, &[])), TableState::Regressed);
    }
}
