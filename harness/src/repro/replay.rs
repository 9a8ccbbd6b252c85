//! Running a failure again from its bundle alone, and saying whether the same thing broke.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use super::load::{Bundle, BundleError};
use crate::event::{CellId, Verdict};
use crate::scenario::{self, Scenario};
use crate::seed::Seed;

/// What has to run again.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The scenario, validated again: a bundle is untrusted input like any file.
    pub scenario: Scenario,
    /// The cell.
    pub cell: CellId,
    /// The cell's own seed, not the run's.
    pub seed: Seed,
    /// What it came to when it was recorded.
    pub recorded: Verdict,
    /// The bundle.
    pub bundle: Bundle,
}

/// Why a bundle cannot be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It cannot be read.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Its scenario is not one that this program accepts.
    #[error("the bundle's scenario is not valid for this program; replay it with the program that wrote it")]
    Scenario(Box<crate::diagnostic::Report>),
}

impl Replay {
    /// Reads what has to run again.
    ///
    /// # Errors
    ///
    /// See [`ReplayError`].
    pub fn load(path: &Path) -> Result<Replay, ReplayError> {
        let bundle = Bundle::load(path)?;
        let file = path.join(super::manifest::file::SCENARIO);
        let scenario =
            scenario::parse(&bundle.manifest.cell.scenario, &file.display().to_string(), bundle.scenario.as_bytes())
                .map_err(|report| ReplayError::Scenario(Box::new(report)))?;
        Ok(Replay {
            scenario,
            cell: bundle.manifest.cell.clone(),
            seed: Seed(bundle.manifest.seed),
            recorded: bundle.verdict.clone(),
            bundle,
        })
    }
}

/// What a replay says about its recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The same verdict, for the same reasons.
    Reproduced,
    /// It failed again, otherwise.
    FailedOtherwise {
        /// What is different, a line each.
        differences: Vec<String>,
    },
    /// It did not fail.
    NotReproduced {
        /// What it came to instead.
        verdict: String,
    },
}

impl Comparison {
    /// Whether the recorded failure happened again.
    pub fn is_reproduced(&self) -> bool {
        *self == Comparison::Reproduced
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Comparison::Reproduced => {
                f.write_str("reproduced: the replay came to the recorded verdict for the recorded reasons")
            }
            Comparison::FailedOtherwise { differences } => {
                f.write_str("not reproduced: the replay failed, but otherwise")?;
                differences.iter().try_for_each(|line| write!(f, "\n  {line}"))
            }
            Comparison::NotReproduced { verdict } => write!(f, "not reproduced: the replay came to '{verdict}'"),
        }
    }
}

/// Compares what a replay came to with what was recorded: the kind of verdict, and which invariants broke or which faults
/// did not fire. Evidence is not compared: ids and times differ between runs.
pub fn compare(recorded: &Verdict, replayed: &Verdict) -> Comparison {
    if recorded.name() == replayed.name() {
        let (was, is) = (causes(recorded), causes(replayed));
        if was == is {
            return Comparison::Reproduced;
        }
        let gone = was.difference(&is).map(|cause| format!("recorded, and not now: {cause}"));
        let new = is.difference(&was).map(|cause| format!("now, and not recorded: {cause}"));
        return Comparison::FailedOtherwise { differences: gone.chain(new).collect() };
    }
    if replayed.is_failure() {
        let difference = format!("recorded as '{}', now '{}'", recorded.name(), replayed.name());
        return Comparison::FailedOtherwise {
            differences: std::iter::once(difference).chain(replayed.reasons()).collect(),
        };
    }
    Comparison::NotReproduced { verdict: replayed.name().to_string() }
}

/// What makes two failures of one kind the same.
fn causes(verdict: &Verdict) -> BTreeSet<String> {
    match verdict {
        Verdict::Broken { breaches } | Verdict::Known { breaches, .. } => breaches
            .iter()
            .map(|breach| match breach.step {
                Some(step) => format!("{} at step {step}", breach.invariant),
                None => breach.invariant.clone(),
            })
            .collect(),
        Verdict::NotExercised { faults } => faults.iter().map(|tally| tally.fault.to_string()).collect(),
        _ => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::event::Breach;
    use crate::repro::manifest::StoreEntry;
    use crate::repro::{Contents, Manifest, write};

    const SCENARIO: &str = "\
summary: a load is acknowledged
why: everything else stands on it
graph:
  schema: 'node Person { name: String @key }'
steps:
  - load: {rows: [{type: Person, data: {name: alice}}]}
  - check: {rows: {Person: 1}}
";

    fn replay_of(scenario: &str) -> Result<Replay, ReplayError> {
        let root = tempfile::tempdir().expect("a disk");
        let manifest = Manifest {
            format_version: 0,
            run: "01RUN".into(),
            cell: CellId::new("write/a-load", "memory"),
            seed: 7,
            written_at: "2026-11-22T12:00:00Z".into(),
            versions: BTreeMap::new(),
            git_revision: None,
            command: Vec::new(),
            files: BTreeMap::new(),
            store: StoreEntry::default(),
        };
        let contents = Contents {
            manifest,
            scenario,
            events: &[],
            verdict: &broken(&["head-equals-pin"]),
            evidence: None,
            engine_log: "",
            backend_log: None,
            store: Ok(&[]),
        };
        Replay::load(&write(root.path(), &contents, &str::to_owned).expect("a disk"))
    }

    #[test]
    fn a_bundle_says_what_has_to_run_again() {
        let replay = replay_of(SCENARIO).expect("a bundle");
        assert_eq!((replay.seed, replay.cell), (Seed(7), CellId::new("write/a-load", "memory")));
        assert_eq!(replay.recorded, broken(&["head-equals-pin"]));
    }

    #[test]
    fn a_scenario_in_a_bundle_is_validated_like_any_other() {
        assert!(matches!(replay_of("summary: nothing else\n"), Err(ReplayError::Scenario(_))));
    }

    fn broken(names: &[&str]) -> Verdict {
        Verdict::Broken { breaches: names.iter().map(|name| Breach::new(*name, "with ids of this run")).collect() }
    }

    #[test]
    fn the_same_invariants_broken_are_the_same_failure() {
        let recorded = broken(&["head-equals-pin", "history-is-sound"]);
        assert!(compare(&recorded, &broken(&["history-is-sound", "head-equals-pin"])).is_reproduced());
    }

    #[test]
    fn other_reasons_are_another_failure_and_are_named() {
        let comparison = compare(&broken(&["head-equals-pin"]), &broken(&["history-is-sound"]));
        let Comparison::FailedOtherwise { differences } = &comparison else { panic!("{comparison:?}") };
        assert_eq!(differences.len(), 2);
        let expectation = Verdict::Broken { breaches: vec![Breach::new("expectation", "x").at_step(2, None)] };
        let later = Verdict::Broken { breaches: vec![Breach::new("expectation", "x").at_step(3, None)] };
        assert!(!compare(&expectation, &later).is_reproduced());
        let trouble = Verdict::Infrastructure { reason: "no worker".into() };
        assert!(compare(&expectation, &trouble).to_string().contains("no worker"));
    }

    #[test]
    fn a_replay_that_holds_or_is_skipped_is_not_reproduced() {
        for verdict in [Verdict::Held, Verdict::Skipped { reason: "no Docker".into() }] {
            let comparison = compare(&broken(&["head-equals-pin"]), &verdict);
            assert!(matches!(comparison, Comparison::NotReproduced { .. }), "{comparison:?}");
            assert!(comparison.to_string().starts_with("not reproduced"));
        }
    }
}
