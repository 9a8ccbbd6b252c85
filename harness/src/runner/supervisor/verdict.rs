//! From what was found to one verdict.

use std::collections::BTreeSet;

use crate::event::{self, FaultTally, Verdict};
use crate::oracle::{BreachKind, Finding, Judgement};
use crate::scenario::model::{Canary, InvariantName, Known, KnownBreach};

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
        let unfired = self.unfired();
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

    /// Names of everything that is broken, faults that did not fire included, which a broken promise outweighs.
    pub fn broken(&self) -> BTreeSet<String> {
        let breaches = match self.verdict() {
            Verdict::Broken { breaches } => breaches,
            _ => Vec::new(),
        };
        let unfired = (!self.unfired().is_empty()).then(|| InvariantName::EveryArmedFaultFired.as_str().to_owned());
        breaches.into_iter().map(|breach| breach.invariant).chain(unfired).collect()
    }

    /// Armed faults that did not fire, unless that is waived.
    fn unfired(&self) -> Vec<FaultTally> {
        let waived = self.is_waived(InvariantName::EveryArmedFaultFired.as_str());
        let unfired = self.faults.iter().filter(|tally| !waived && !tally.is_exercised());
        unfired.cloned().collect()
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

    /// Invariants that could not be judged, each with what was missing.
    pub fn not_judged(&self) -> Vec<(String, String)> {
        let missing = self.judgement.iter().flat_map(Judgement::not_judged);
        missing.map(|(invariant, missing)| (invariant.to_owned(), missing.to_owned())).collect()
    }
}

/// A scenario that must fail: held when it breaks exactly what it says, which is compared with everything that is
/// [broken](Found::broken); broken when it breaks more, less or nothing.
pub fn of_canary(verdict: Verdict, broken: &BTreeSet<String>, canary: &Canary) -> Verdict {
    if !matches!(verdict, Verdict::Held | Verdict::Broken { .. } | Verdict::NotExercised { .. }) {
        return verdict;
    }
    let wanted: BTreeSet<String> = canary.breaks.iter().map(|name| name.as_str().to_owned()).collect();
    if *broken == wanted {
        return Verdict::Held;
    }
    let listed = |names: &BTreeSet<String>| names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let reasons = match verdict.reasons().join("; ") {
        reasons if reasons.is_empty() => String::new(),
        reasons => format!(": {reasons}"),
    };
    let what = if broken.is_empty() { "everything held".to_owned() } else { format!("it broke {}", listed(broken)) };
    let message = format!("the scenario must break exactly {}, and {what}{reasons}", listed(&wanted));
    Verdict::Broken { breaches: vec![event::Breach::new("canary", message)] }
}

/// A scenario whose failure is known: accepted when it is exactly that failure, word for word, and the date has not passed.
/// `today` is written as `YYYY-MM-DD`, so that texts compare as dates do.
pub fn of_known(verdict: Verdict, known: &Known, today: &str) -> Verdict {
    match verdict {
        Verdict::Broken { breaches } if is_known(&breaches, known) && today <= known.until.as_str() => {
            Verdict::Known { issue: known.issue.clone(), until: known.until.clone(), breaches }
        }
        Verdict::Held => {
            let message = format!("{} is said to break something, and everything held; take 'known' out", known.issue);
            Verdict::Broken { breaches: vec![event::Breach::new("known", message)] }
        }
        other => other,
    }
}

/// Whether these breaches are those of a known failure, each of them, in whatever order.
fn is_known(breaches: &[event::Breach], known: &Known) -> bool {
    let said = |breach: &KnownBreach| {
        let evidence: Vec<String> = breach.evidence.iter().map(|line| without_ids(line)).collect();
        (breach.invariant.as_str().to_owned(), without_ids(&breach.message), breach.step, evidence)
    };
    let found = |breach: &event::Breach| {
        let evidence: Vec<String> = breach.evidence.iter().map(|line| without_ids(line)).collect();
        (breach.invariant.clone(), without_ids(&breach.text()), breach.step, evidence)
    };
    let mut said: Vec<_> = known.breaches.iter().map(said).collect();
    let mut found: Vec<_> = breaches.iter().map(found).collect();
    said.sort();
    found.sort();
    said == found
}

/// A text with `<id>` for every ULID: ids of operations, commits and tables are others in every run.
fn without_ids(text: &str) -> String {
    const ID_CHARS: usize = 26;
    let is_of_an_id = |c: char| c.is_ascii_digit() || (c.is_ascii_uppercase() && !matches!(c, 'I' | 'L' | 'O' | 'U'));
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        let word = &rest[start..];
        let end = word.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(word.len());
        let word = &word[..end];
        out.push_str(&rest[..start]);
        out.push_str(if word.len() == ID_CHARS && word.chars().all(is_of_an_id) { "<id>" } else { word });
        rest = &rest[start + end..];
    }
    out.push_str(rest);
    out
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
    fn a_canary_has_to_fail_with_exactly_what_it_says() {
        let pin = InvariantName::HeadEqualsPin;
        let found = |names: &[&str], faults: Vec<FaultTally>| {
            let judgement = Some(judge(&sound::evidence(), &[]));
            let breaches = names.iter().map(|name| Breach::new(*name, "so")).collect();
            Found { breaches, judgement, faults, ..Found::default() }
        };
        let come_to = |found: &Found, breaks: &[InvariantName]| {
            let canary = Canary { breaks: breaks.iter().copied().collect() };
            of_canary(found.verdict(), &found.broken(), &canary)
        };
        assert_eq!(come_to(&found(&[pin.as_str()], Vec::new()), &[pin]), Verdict::Held);
        let both = found(&[pin.as_str(), "check"], Vec::new());
        assert_eq!(come_to(&both, &[InvariantName::Check, pin]), Verdict::Held);
        assert!(come_to(&both, &[pin]).is_failure(), "it breaks more");
        assert!(come_to(&found(&["check"], Vec::new()), &[InvariantName::Check, pin]).is_failure(), "it breaks less");
        assert!(come_to(&found(&[], Vec::new()), &[pin]).is_failure(), "it holds");
        let unfired = found(&[], vec![unfired()]);
        assert_eq!(come_to(&unfired, &[InvariantName::EveryArmedFaultFired]), Verdict::Held);
        let and_unfired = found(&[pin.as_str()], unfired.faults.clone());
        let verdict = come_to(&and_unfired, &[pin]);
        assert!(verdict.is_failure(), "what is broken hides no fault that did not fire");
        assert!(verdict.reasons()[0].contains("every-armed-fault-fired, head-equals-pin"), "{:?}", verdict.reasons());
        assert_eq!(come_to(&and_unfired, &[pin, InvariantName::EveryArmedFaultFired]), Verdict::Held);
        let trouble = Found { trouble: Some("no disk".into()), ..found(&[], Vec::new()) };
        assert_eq!(come_to(&trouble, &[pin]), Verdict::Infrastructure { reason: "no disk".into() });
    }

    #[test]
    fn a_known_failure_is_exactly_that_one_and_expires() {
        let check = KnownBreach {
            invariant: InvariantName::Check,
            message: "rows of Person (expected 1, found 2)".into(),
            step: Some(3),
            evidence: Vec::new(),
        };
        let pin = KnownBreach {
            invariant: InvariantName::HeadEqualsPin,
            message: "does not hold".into(),
            step: None,
            evidence: vec!["nodes/Person-01ARZ3NDEKTSV4RRFFQ69G5FAV.lance: pin 3, HEAD 4".into()],
        };
        let known = Known { issue: "#7".into(), until: "2026-12-31".into(), breaches: vec![check, pin] };
        let exactly = || {
            let drift = "nodes/Person-01BX5ZZKBKACTAV9WEVGEMMVRZ.lance: pin 3, HEAD 4".to_owned();
            vec![
                Breach::new("head-equals-pin", "does not hold").with_evidence([drift]),
                Breach::new("check", "rows of Person").between(1, 2).at_step(3, Some(9)),
            ]
        };
        let come_to = |breaches: Vec<Breach>, today: &str| of_known(Verdict::Broken { breaches }, &known, today);
        assert!(matches!(come_to(exactly(), "2026-12-31"), Verdict::Known { .. }));
        assert!(come_to(exactly(), "2027-01-01").is_failure(), "the day has passed");
        type Change = fn(&mut Vec<Breach>);
        let others: [(&str, Change); 7] = [
            ("one less", |breaches| drop(breaches.pop())),
            ("one more", |breaches| breaches.push(breaches[0].clone())),
            ("of another invariant", |breaches| breaches[0].invariant = "keys-are-unique".into()),
            ("with other words", |breaches| breaches[1].message = "rows of Person, and more".into()),
            ("with another value", |breaches| breaches[1].found = Some("3".into())),
            ("at another step", |breaches| breaches[1].step = Some(4)),
            ("by other evidence", |breaches| breaches[0].evidence[0].push('5')),
        ];
        for (what, change) in others {
            let mut breaches = exactly();
            change(&mut breaches);
            assert!(come_to(breaches, "2026-01-01").is_failure(), "{what}");
        }
        assert!(of_known(Verdict::Held, &known, "2026-01-01").is_failure());
    }
}
