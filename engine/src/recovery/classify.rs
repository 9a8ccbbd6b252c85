//! What happened to one table: a pure function over what was read.

use serde::{Deserialize, Serialize};

use crate::table::LandedVersion;

/// A table as recovery found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFacts {
    /// The version on which the write staged its commit.
    pub base: u64,
    /// The identity of the planned transaction.
    pub planned: String,
    /// The version that the manifest makes visible now.
    pub pin: u64,
    /// The newest version.
    pub head: u64,
    /// The versions that tell, oldest first: the one after base, and all past the pin.
    pub landed: Vec<LandedVersion>,
}

/// What the facts mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TableState {
    /// HEAD is still the base: the commit never landed.
    Untouched,
    /// The version after base is ours and is HEAD.
    Committed,
    /// A version after base is ours, and others stand below or above it.
    Superseded,
    /// HEAD has moved and no version after base is ours.
    Foreign,
    /// HEAD is behind the pin, or behind the base: cannot happen, so it is refused.
    Regressed,
}

/// Classifies one table. Attribution is by the identity of transactions, never by counting versions.
///
/// | head against pin and base | versions after base | state |
/// |---|---|---|
/// | behind either | | regressed |
/// | at base | none | untouched |
/// | at base + 1 | ours | committed |
/// | past base | ours among others | superseded |
/// | past base | none of them ours | foreign |
pub fn classify(facts: &TableFacts) -> TableState {
    if facts.head < facts.pin || facts.head < facts.base {
        return TableState::Regressed;
    }
    if facts.head == facts.base {
        return TableState::Untouched;
    }
    let ours = |landed: &LandedVersion| landed.transaction_uuid.as_deref() == Some(facts.planned.as_str());
    match facts.landed.iter().find(|landed| ours(landed)) {
        Some(landed) if landed.version == facts.base + 1 && facts.head == landed.version => TableState::Committed,
        Some(_) => TableState::Superseded,
        None => TableState::Foreign,
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
        TableFacts { base: 2, planned: "ours".into(), pin, head, landed }
    }

    #[test]
    fn head_at_base_is_untouched() {
        assert_eq!(classify(&facts(2, 2, &[])), TableState::Untouched);
    }

    #[test]
    fn ours_right_after_base_and_head_is_committed() {
        assert_eq!(classify(&facts(2, 3, &["ours"])), TableState::Committed);
    }

    #[test]
    fn ours_with_another_above_is_superseded() {
        assert_eq!(classify(&facts(2, 4, &["ours", "other"])), TableState::Superseded);
    }

    #[test]
    fn ours_with_another_below_is_superseded() {
        assert_eq!(classify(&facts(2, 4, &["other", "ours"])), TableState::Superseded);
    }

    #[test]
    fn one_version_after_base_that_is_not_ours_is_foreign_although_the_count_fits() {
        assert_eq!(classify(&facts(2, 3, &["other"])), TableState::Foreign);
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
