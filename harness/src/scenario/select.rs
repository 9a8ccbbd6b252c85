//! Which scenarios, on which backends: a pure function of what was found and what was asked for.

use std::collections::BTreeSet;

use super::model::{Action, BackendName, Scenario, Step};

/// What is asked for. Empty parts ask for everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Names, or folders of names, such as `recovery`; one of them has to fit.
    pub names: Vec<String>,
    /// Tags; each of them has to be there.
    pub tags: BTreeSet<String>,
    /// Tags of which none may be there.
    pub without_tags: BTreeSet<String>,
    /// Backends; one of them has to be there.
    pub backends: BTreeSet<BackendName>,
    /// Failpoints by name; one of them has to be armed somewhere in the scenario. A name without a scope fits every scope.
    pub failpoints: BTreeSet<String>,
}

impl Selection {
    /// Whether a scenario fits, backends left aside.
    pub fn takes(&self, scenario: &Scenario) -> bool {
        let named = self.names.is_empty() || self.names.iter().any(|name| is_in(&scenario.name, name));
        let tagged = self.tags.is_subset(&scenario.tags) && self.without_tags.is_disjoint(&scenario.tags);
        let crossed = self.failpoints.is_empty() || armed(scenario).any(|name| self.fits_failpoint(name));
        named && tagged && crossed
    }

    /// The backends that a scenario is to run on; empty where it does not fit.
    pub fn backends_of(&self, scenario: &Scenario) -> BTreeSet<BackendName> {
        if !self.takes(scenario) {
            return BTreeSet::new();
        }
        let wanted = |backend: &BackendName| self.backends.is_empty() || self.backends.contains(backend);
        scenario.backends.iter().copied().filter(wanted).collect()
    }

    fn fits_failpoint(&self, name: &str) -> bool {
        self.failpoints.contains(name)
            || name.split_once(':').is_some_and(|(_, window)| self.failpoints.contains(window))
    }
}

/// Every failpoint that a scenario arms, in order, with repetitions.
pub fn armed(scenario: &Scenario) -> impl Iterator<Item = &str> {
    scenario.steps.iter().flat_map(|step: &Step| {
        let across = match &step.action {
            Action::Arm(arm) => Some(arm.failpoints.keys()),
            _ => None,
        };
        step.failpoints.keys().chain(across.into_iter().flatten()).chain(&step.hold).map(|name| name.as_str())
    })
}

/// Whether `name` is `wanted` or lies below it. A file's path is as good as its name.
fn is_in(name: &str, wanted: &str) -> bool {
    let wanted = wanted.trim_end_matches('/');
    let wanted = wanted.strip_suffix(".yaml").or_else(|| wanted.strip_suffix(".yml")).unwrap_or(wanted);
    name.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse;

    fn scenario(name: &str) -> Scenario {
        let text = "
summary: one
why: because
tags: [pr, sidecar]
backends: [memory, s3]
graph: {schema: 'node Person { name: String @key }'}
steps:
  - load: {rows: [{type: Person, data: {name: a}}]}
    failpoints: {load:sidecar.write: return}
    expect: refused
";
        parse(name, "x.yaml", text.as_bytes()).unwrap()
    }

    fn names(list: &[&str]) -> BTreeSet<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn nothing_asked_for_is_everything() {
        let one = scenario("recovery/a");
        assert_eq!(Selection::default().backends_of(&one), BTreeSet::from([BackendName::Memory, BackendName::S3]));
    }

    #[test]
    fn a_folder_takes_what_lies_in_it_and_not_its_neighbours() {
        let selection = |name: &str| Selection { names: vec![name.to_owned()], ..Selection::default() };
        for taken in ["recovery", "recovery/", "recovery/a", "recovery/a.yaml"] {
            assert!(selection(taken).takes(&scenario("recovery/a")), "{taken}");
        }
        for left in ["recover", "recovery/ab", "recovery/a/b"] {
            assert!(!selection(left).takes(&scenario("recovery/a")), "{left}");
        }
    }

    #[test]
    fn tags_backends_and_failpoints_all_have_to_fit() {
        let one = scenario("a");
        let takes = |selection: Selection| !selection.backends_of(&one).is_empty();
        assert!(takes(Selection { tags: names(&["pr", "sidecar"]), ..Selection::default() }));
        assert!(!takes(Selection { tags: names(&["pr", "slow"]), ..Selection::default() }));
        assert!(!takes(Selection { without_tags: names(&["pr"]), ..Selection::default() }));
        assert!(!takes(Selection { backends: BTreeSet::from([BackendName::Rustfs]), ..Selection::default() }));
        assert!(takes(Selection { failpoints: names(&["sidecar.write"]), ..Selection::default() }));
        assert!(takes(Selection { failpoints: names(&["load:sidecar.write"]), ..Selection::default() }));
        assert!(!takes(Selection { failpoints: names(&["mutate:sidecar.write"]), ..Selection::default() }));
    }
}
