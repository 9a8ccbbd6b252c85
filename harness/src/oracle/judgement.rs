//! All standing invariants over one cell's evidence.

use serde::{Deserialize, Serialize};

use super::evidence::{Evidence, one_write};
use super::invariant::{Breach, BreachKind, Invariant};

/// A scenario's word that one invariant does not hold for it, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// The invariant's name.
    pub invariant: String,
    /// Why it does not hold here.
    pub reason: String,
}

/// What became of one invariant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Finding {
    /// It was judged and held.
    Held,
    /// It was judged and did not hold.
    Broken {
        /// Why.
        breach: Breach,
    },
    /// It could not be judged.
    NotJudged {
        /// What was missing.
        missing: String,
    },
    /// The scenario waived it.
    Waived {
        /// The scenario's reason.
        reason: String,
        /// What it would have been; `None` when it would have held, so that the waiver is stale.
        breach: Option<Breach>,
    },
}

/// One invariant's finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// The invariant's name.
    pub invariant: String,
    /// What became of it.
    pub finding: Finding,
}

/// What the oracle says about one cell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// One entry for each standing invariant, in their order.
    pub findings: Vec<Judged>,
    /// Waivers that name no standing invariant.
    pub unknown_waivers: Vec<String>,
}

impl Judgement {
    /// The breaches that count, in the invariants' order: waived ones are not among them.
    pub fn breaches(&self) -> impl Iterator<Item = &Breach> {
        self.findings.iter().filter_map(|judged| match &judged.finding {
            Finding::Broken { breach } => Some(breach),
            _ => None,
        })
    }

    /// The breaches of one kind.
    pub fn breaches_of(&self, kind: BreachKind) -> Vec<&Breach> {
        self.breaches().filter(|breach| breach.kind == kind).collect()
    }

    /// Whether every invariant that could be judged held or was waived.
    pub fn held(&self) -> bool {
        self.breaches().next().is_none() && self.unknown_waivers.is_empty()
    }

    /// Invariants that could not be judged, with what was missing.
    pub fn not_judged(&self) -> impl Iterator<Item = (&str, &str)> {
        self.findings.iter().filter_map(|judged| match &judged.finding {
            Finding::NotJudged { missing } => Some((judged.invariant.as_str(), missing.as_str())),
            _ => None,
        })
    }
}

/// Judges every standing invariant. A waived one is judged all the same, so that a stale waiver shows.
pub fn judge(evidence: &Evidence, waivers: &[Waiver]) -> Judgement {
    judge_with(&super::standing(), evidence, waivers)
}

/// Judges these invariants. To them, the calls of one name are one write.
pub fn judge_with(invariants: &[Box<dyn Invariant>], evidence: &Evidence, waivers: &[Waiver]) -> Judgement {
    let evidence = &*one_write(evidence);
    let findings = invariants
        .iter()
        .map(|invariant| Judged {
            invariant: invariant.name().to_owned(),
            finding: find(invariant.as_ref(), evidence, waivers),
        })
        .collect();
    let unknown_waivers = waivers
        .iter()
        .filter(|waiver| invariants.iter().all(|invariant| invariant.name() != waiver.invariant))
        .map(|waiver| waiver.invariant.clone())
        .collect();
    Judgement { findings, unknown_waivers }
}

fn find(invariant: &dyn Invariant, evidence: &Evidence, waivers: &[Waiver]) -> Finding {
    if let Some(missing) = invariant.missing(evidence) {
        return Finding::NotJudged { missing };
    }
    let breach = invariant.check(evidence).err().map(|breach| Breach {
        invariant: invariant.name().to_owned(),
        property: invariant.property().to_owned(),
        ..breach
    });
    let waiver = waivers.iter().find(|waiver| waiver.invariant == invariant.name());
    match (waiver, breach) {
        (Some(waiver), breach) => Finding::Waived { reason: waiver.reason.clone(), breach },
        (None, Some(breach)) => Finding::Broken { breach },
        (None, None) => Finding::Held,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::sound;

    fn waiver(invariant: &str) -> Waiver {
        Waiver { invariant: invariant.into(), reason: "the scenario leaves drift on purpose".into() }
    }

    fn finding(judgement: &Judgement, name: &str) -> Finding {
        judgement.findings.iter().find(|judged| judged.invariant == name).expect("a standing invariant").finding.clone()
    }

    #[test]
    fn a_breach_names_its_invariant_and_its_property() {
        let mut evidence = sound::evidence();
        sound::add_object(&mut evidence, "__recovery/OP9.json");
        let judgement = judge(&evidence, &[]);
        let breaches: Vec<_> = judgement.breaches().collect();
        assert_eq!(breaches.len(), 1, "one defect, one breach: {breaches:?}");
        assert_eq!(breaches[0].invariant, "no-sidecar-outlives-recovery");
        assert!(!judgement.held() && breaches[0].property.contains("sidecar"));
    }

    #[test]
    fn a_waived_breach_does_not_count_and_is_kept() {
        let mut evidence = sound::evidence();
        sound::add_object(&mut evidence, "__recovery/OP9.json");
        let judgement = judge(&evidence, &[waiver("no-sidecar-outlives-recovery")]);
        assert!(judgement.held());
        assert!(matches!(finding(&judgement, "no-sidecar-outlives-recovery"), Finding::Waived { breach: Some(_), .. }));
    }

    #[test]
    fn a_stale_waiver_and_one_of_nothing_show() {
        let judgement = judge(&sound::evidence(), &[waiver("head-equals-pin"), waiver("head-equals-pins")]);
        assert!(matches!(finding(&judgement, "head-equals-pin"), Finding::Waived { breach: None, .. }));
        assert_eq!(judgement.unknown_waivers, ["head-equals-pins"]);
        assert!(!judgement.held());
    }

    #[test]
    fn a_judgement_reads_back_as_it_was_written() {
        let judgement = judge(&Evidence::default(), &[waiver("head-equals-pin")]);
        let text = serde_json::to_string(&judgement).expect("plain data");
        assert_eq!(serde_json::from_str::<Judgement>(&text).expect("own output"), judgement);
    }
}
