//! From what was found to one verdict.

use crate::event::{self, FaultTally, Verdict};
use crate::oracle::{BreachKind, Finding, Judgement};
use crate::scenario::model::{Canary, InvariantName, Known};

/// What a cell came to before it is judged as a whole.
#[derive(Debug, Default)]
pub struct Found {
    /// Steps that did not end as expected.
    pub breaches: Vec<event::Breach>,
    /// Trouble with the backend or the harness.
    pub trouble: Option<String>,
    /// A limit or a deadline that was hit.
    pub limit: Option<String>,
    /// What the oracle says; none where there was nothing to judge.
    pub judgement: Option<Judgement>,
    /// Every armed fault.
    pub faults: Vec<FaultTally>,
}

impl Found {
    /// The verdict, before what the scenario says about its own failure is taken into account.
    ///
    /// A broken promise outweighs everything: trouble that came along with it may well be its consequence. A limit comes
    /// before faults that did not fire, since what was cut short could not fire.
    pub fn verdict(&self) -> Verdict {
        let mut breaches = self.breaches.clone();
        let mut limit = self.limit.clone();
        if let Some(judgement) = &self.judgement {
            breaches.extend(judgement.breaches_of(BreachKind::Violated).into_iter().map(event::Breach::from));
            for name in &judgement.unknown_waivers {
                breaches.push(event::Breach::new("waive", format!("there is no invariant '{name}' to waive")));
            }
            if let Some(breach) = judgement.breaches_of(BreachKind::Inconclusive).first() {
                limit.get_or_insert_with(|| format!("{}: {}", breach.invariant, breach.evidence.join("; ")));
            }
        }
        let waived = self.is_waived(InvariantName::EveryArmedFaultFired.as_str());
        let unfired = self.faults.iter().filter(|tally| !waived && !tally.is_exercised());
        let unfired: Vec<FaultTally> = unfired.cloned().collect();
        if !breaches.is_empty() {
            Verdict::Broken { breaches }
        } else if let Some(reason) = &self.trouble {
            Verdict::Infrastructure { reason: reason.clone() }
        } else if let Some(reason) = limit {
            Verdict::Inconclusive { reason }
        } else if !unfired.is_empty() {
            Verdict::NotExercised { faults: unfired }
        } else if let Some(missing) = self.unjudged() {
            Verdict::Inconclusive { reason: format!("no promise could be judged: {missing}") }
        } else {
            Verdict::Held
        }
    }

    /// Why nobody knows what has become of the graph, where nobody does. Nothing went wrong then, and nothing was shown
    /// either: a cell in which the oracle saw nothing must not look like one in which it saw that all is well.
    fn unjudged(&self) -> Option<String> {
        let Some(judgement) = &self.judgement else { return Some("the oracle was not asked".to_owned()) };
        // Every other promise about the end builds on this one: the graph is opened, and looked at.
        let name = InvariantName::RecoveryConverges.as_str();
        match judgement.findings.iter().find(|judged| judged.invariant == name).map(|judged| &judged.finding) {
            Some(Finding::NotJudged { missing }) => Some(missing.clone()),
            Some(_) => None,
            None => Some(format!("the oracle says nothing about {name}")),
        }
    }

    fn is_waived(&self, name: &str) -> bool {
        let mut findings = self.judgement.iter().flat_map(|judgement| &judgement.findings);
        findings.any(|judged| judged.invariant == name && matches!(judged.finding, Finding::Waived { .. }))
    }

    /// Invariants that were judged and held.
    pub fn held(&self) -> Vec<String> {
        let findings = self.judgement.iter().flat_map(|judgement| &judgement.findings);
        findings.filter(|judged| judged.finding == Finding::Held).map(|judged| judged.invariant.clone()).collect()
    }
}

/// A scenario that must fail: held when it fails as it says, broken when it does not.
pub fn of_canary(verdict: Verdict, canary: &Canary) -> Verdict {
    let wanted = canary.breaks.as_str();
    let broken = |message: String| Verdict::Broken { breaches: vec![event::Breach::new("canary", message)] };
    match verdict {
        Verdict::Broken { breaches } if breaches.iter().any(|breach| breach.invariant == wanted) => Verdict::Held,
        Verdict::NotExercised { .. } if canary.breaks == InvariantName::EveryArmedFaultFired => Verdict::Held,
        Verdict::Held => broken(format!("the scenario must break {wanted}, and everything held")),
        Verdict::Broken { .. } | Verdict::NotExercised { .. } => {
            let reasons = verdict.reasons().join("; ");
            broken(format!("the scenario must break {wanted}, and it broke something else: {reasons}"))
        }
        other => other,
    }
}

    /// Invariants that could not be judged, each with what was missing.
    pub fn not_judged(&self) -> Vec<(String, String)> {
        let missing = self.judgement.iter().flat_map(Judgement::not_judged);
        missing.map(|(invariant, missing)| (invariant.to_owned(), missing.to_owned())).collect()
    }

/// A scenario whose failure is known: accepted when it is exactly that failure and the date has not passed. `today` is
/// written as `YYYY-MM-DD`, so that texts compare as dates do.
pub fn of_known(verdict: Verdict, known: &Known, today: &str) -> Verdict {
    let wanted = known.invariant.as_str();
    match verdict {
        Verdict::Broken { breaches } if breaches.iter().all(|breach| breach.invariant == wanted) => {
            if today <= known.until.as_str() {
                Verdict::Known { issue: known.issue.clone(), until: known.until.clone(), breaches }
            } else {
                Verdict::Broken { breaches }
            }
        }
        Verdict::Held => Verdict::Broken {
            breaches: vec![event::Breach::new(
                "known",
                format!("{} is said to break {wanted}, and everything held; take 'known' out", known.issue),
            )],
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Breach, FaultFamily, FaultId};
    use crate::oracle::{Evidence, judge, sound};

    fn broken(names: &[&str]) -> Verdict {
        Verdict::Broken { breaches: names.iter().map(|name| Breach::new(*name, "so")).collect() }
    }

    fn unfired() -> FaultTally {
        let site = "sidecar.write".to_owned();
        let fault = FaultId { step: 1, ordinal: 1, family: FaultFamily::Failpoint, site, action: "return".into() };
        FaultTally { reached: 2, ..FaultTally::armed(fault) }
    }

    #[test]
    fn a_fault_that_never_fired_is_not_green_and_keeps_its_counts() {
        let found = Found { faults: vec![unfired()], ..Found::default() };
        assert_eq!(found.verdict(), Verdict::NotExercised { faults: vec![unfired()] });
    }

    #[test]
    fn what_the_oracle_could_not_see_is_never_held() {
        assert!(matches!(Found::default().verdict(), Verdict::Inconclusive { .. }), "nobody asked it");
        let nothing_seen = judge(&Evidence::default(), &[]);
        let found = Found { judgement: Some(nothing_seen), ..Found::default() };
        let Verdict::Inconclusive { reason } = found.verdict() else { panic!("{:?}", found.verdict()) };
        assert!(reason.contains("the graph was not opened after the steps"), "{reason}");
        let found = Found { judgement: Some(judge(&sound::evidence(), &[])), ..Found::default() };
        assert_eq!(found.verdict(), Verdict::Held);
    }

    #[test]
    fn a_broken_promise_outweighs_trouble_and_limits() {
        let found = Found {
            breaches: vec![Breach::new("expectation", "so")],
            trouble: Some("no disk".into()),
            limit: Some("deadline".into()),
            faults: vec![unfired()],
            ..Found::default()
        };
        assert_eq!(found.verdict(), broken(&["expectation"]));
        let found = Found { breaches: Vec::new(), ..found };
        assert_eq!(found.verdict(), Verdict::Infrastructure { reason: "no disk".into() });
        let found = Found { trouble: None, ..found };
        assert_eq!(found.verdict(), Verdict::Inconclusive { reason: "deadline".into() });
    }

    #[test]
    fn a_canary_has_to_fail_with_what_it_says() {
        let canary = Canary { breaks: InvariantName::HeadEqualsPin };
        let name = InvariantName::HeadEqualsPin.as_str();
        assert_eq!(of_canary(broken(&["other", name]), &canary), Verdict::Held);
        assert!(of_canary(Verdict::Held, &canary).is_failure());
        assert!(of_canary(broken(&["other"]), &canary).is_failure());
        let trouble = Verdict::Infrastructure { reason: "no disk".into() };
        assert_eq!(of_canary(trouble.clone(), &canary), trouble);
    }

    #[test]
    fn a_known_failure_is_exactly_that_one_and_expires() {
        let name = InvariantName::HeadEqualsPin.as_str();
        let known = Known { issue: "#7".into(), until: "2026-12-31".into(), invariant: InvariantName::HeadEqualsPin };
        assert!(!of_known(broken(&[name]), &known, "2026-12-31").is_failure());
        assert!(of_known(broken(&[name]), &known, "2027-01-01").is_failure());
        assert!(of_known(broken(&[name, "other"]), &known, "2026-01-01").is_failure());
        assert!(of_known(Verdict::Held, &known, "2026-01-01").is_failure());
    }
}
