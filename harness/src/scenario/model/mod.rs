//! The validated model of a scenario.
//!
//! Its serde form is the form of the file: what a worker receives and what a failure bundle stores reads like a scenario,
//! and every scenario reads back from what it was written as. The JSON Schema for editors, the validation and the
//! reference in the docs all come from these types and their comments.

mod check;
mod damage;
mod expect;
mod failpoint;
mod fault;
mod graph;
mod invariant;
mod named;
mod sidecar;
mod step;
mod swarm;
mod sweep;
mod wire;

pub use check::{AuditRow, Check, CommitRow, Count, CountOrRows, Query, RecoveryKind};
pub(in crate::scenario) use damage::sandboxed;
pub use damage::{Damage, MoveHead, ObjectRef};
pub use expect::{ErrorExpectation, Expect, OkExpectation, RecoveredCounts, Words};
pub use failpoint::{Actions, FailpointName, Task, Term};
pub use fault::{Effect, Matcher, StoreFault, When};
pub use graph::{Generate, GraphSpec, Load, LoadMode, Row};
pub use invariant::{InvariantName, NOT_YET_APPLICABLE};
pub use named::Named;
pub use sidecar::{
    Base, Deviations, Gone, NotASidecar, PlantSidecar, PlantedOperation, PlantedTable, PlantedTransaction, Wrong,
};
pub use step::{Action, Arm, DEFAULT_HANDLE, DEFAULT_PROCESS, Nothing, OpenMode, Repair, Step};
pub use swarm::{Concurrency, Deed, StoreTrouble, StoreWeather, Swarm, Weather, Weights, WireTrouble, WireWeather};
pub use sweep::{CrashPoint, Sweep};
pub use wire::{ContainerCall, WireEffect, WireFault, WireMatcher};

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One scenario: what breaks, what is forgiven, and what must hold.
///
/// After the steps the runner always lifts every fault, opens read-write, and judges every standing invariant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scenario {
    /// Path below `scenarios/` without the extension. Not written in the file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(skip)]
    pub name: String,
    /// Path of the file as it was found. Not written in the file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(skip)]
    pub path: String,
    /// What is shown, as one sentence without a full stop.
    pub summary: String,
    /// Why that matters: which promise would be broken, and how somebody would be hurt.
    pub why: String,
    /// Words to select by.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// Where it runs; everywhere, if not said.
    #[serde(default = "BackendName::everywhere", skip_serializing_if = "BackendName::is_everywhere")]
    pub backends: BTreeSet<BackendName>,
    /// Where the cell's random streams start; derived from the run's seed and the scenario's name, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What the cases of the file differ in: a name, and its choices as words, or each with values of its own. Each choice
    /// together with each of every other name is a scenario of its own, called after the file and the choices. In it,
    /// `${name}` stands for the choice and `${name.value}` for a value of it: for any value where it stands alone, for text
    /// within a text; nothing takes its key with it, and a list is spliced into a list. `<<` takes over the keys of a map.
    #[serde(default, rename = "for", skip_serializing_if = "BTreeMap::is_empty")]
    pub cases: BTreeMap<String, Choices>,
    /// The graph that the steps find.
    pub graph: GraphSpec,
    /// Readers that look on beside the steps, each through a handle of its own in a process that never writes. From the
    /// first step until after the last they take one snapshot after another and read every type in it, at least once
    /// after each step. Odd ones refresh one handle, even ones open the graph anew each time.
    #[serde(default, skip_serializing_if = "no_readers")]
    #[schemars(range(max = 4))]
    pub readers: u64,
    /// What happens, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// Makes the file a sweep, which `chaos sweep` runs and `chaos run` leaves out: this operation is killed at every one of
    /// its durable writes. `steps` prepare the graph for it, and may be empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
    /// In place of steps: how `chaos swarm` draws them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swarm: Option<Swarm>,
    /// Why armed faults may end without having fired: they were drawn from a seed. Without it, one that never fires fails
    /// the scenario.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_miss: Option<String>,
    /// Standing invariants that are not judged here, each with a reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waive: Vec<Waiver>,
    /// A failure that is known and accepted until a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<Known>,
    /// Says that the scenario must fail, and with what. It proves that the harness can see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
}

impl Scenario {
    /// The scenario as a file that reads back into it, but for name, path and spans, which no file says.
    pub fn to_yaml(&self) -> String {
        let mut scenario = self.clone();
        scenario.name.clear();
        scenario.path.clear();
        let swept = scenario.sweep.iter_mut().flat_map(|sweep| sweep.recovery.iter_mut().chain([&mut sweep.operation]));
        scenario.steps.iter_mut().chain(swept).for_each(|step| step.span = None);
        // By way of JSON, which writes alternatives as maps; straight to YAML they would become tags.
        let plain = serde_json::to_value(&scenario).unwrap_or_default();
        let text = serde_yaml::to_string(&plain).unwrap_or_default();
        // One YAML breaks lines at these and the next does not; written as JSON, which is YAML too, they can be escaped.
        const BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];
        if !text.contains(BREAKS) {
            return text;
        }
        let text = serde_json::to_string_pretty(&plain).unwrap_or_default();
        BREAKS.iter().fold(text, |text, broken| text.replace(*broken, &format!("\\u{:04x}", u32::from(*broken))))
    }

    /// What kind of scenario it is: a case is run as it stands, everything else is what cases are made from.
    pub fn kind(&self) -> Kind {
        match (&self.sweep, &self.swarm) {
            (Some(_), _) => Kind::Sweep,
            (_, Some(_)) => Kind::Swarm,
            (None, None) => Kind::Case,
        }
    }

    /// First folder of the name: what reports group by. A scenario at the top has the area `.`.
    pub fn area(&self) -> &str {
        self.name.split_once('/').map_or(".", |(area, _)| area)
    }

    /// Whether a step creates the graph, so that the runner must not do it before the first step.
    pub fn creates_by_step(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.action, Action::Create(_)))
    }

    /// The reason why `invariant` is not judged here, if it is not.
    pub fn waiver(&self, invariant: InvariantName) -> Option<&str> {
        self.waive.iter().find(|waiver| waiver.invariant == invariant).map(|waiver| waiver.reason.as_str())
    }

    /// Every process that a step names, `main` included, sorted.
    pub fn processes(&self) -> BTreeSet<&str> {
        let named = self.steps.iter().map(Step::process);
        named.chain([DEFAULT_PROCESS]).collect()
    }
}

/// The choices of one name, in a file that says several scenarios. A scenario that was read has none any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Choices {
    /// Words.
    Words(Vec<String>),
    /// Words with values of their own.
    WithValues(BTreeMap<String, BTreeMap<String, serde_json::Value>>),
}

fn no_readers(count: &u64) -> bool {
    *count == 0
}

/// The kinds of scenarios.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Explicit steps.
    Case,
    /// One operation is killed at every one of its durable writes.
    Sweep,
    /// Steps are drawn from a seed.
    Swarm,
}

impl Kind {
    /// Its name, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Case => "case",
            Kind::Sweep => "sweep",
            Kind::Swarm => "swarm",
        }
    }
}

/// A backend that a scenario can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(extend("x-noun" = "backend"))]
pub enum BackendName {
    /// A temporary directory.
    Local,
    /// One in-memory store.
    Memory,
    /// The S3 endpoint that the harness embeds.
    S3,
    /// A RustFS container.
    Rustfs,
}

impl BackendName {
    /// Every backend that a scenario can name, in the order of the columns of a report.
    pub const ALL: &'static [BackendName] =
        &[BackendName::Local, BackendName::Memory, BackendName::S3, BackendName::Rustfs];

    /// The name in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            BackendName::Local => "local",
            BackendName::Memory => "memory",
            BackendName::S3 => "s3",
            BackendName::Rustfs => "rustfs",
        }
    }

    fn everywhere() -> BTreeSet<BackendName> {
        BackendName::ALL.iter().copied().collect()
    }

    fn is_everywhere(backends: &BTreeSet<BackendName>) -> bool {
        backends.len() == BackendName::ALL.len()
    }
}

/// A standing invariant that is not judged in this scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Waiver {
    /// Which one.
    pub invariant: InvariantName,
    /// Why it cannot hold here, although nothing is wrong.
    pub reason: String,
}

/// A failure that is known. It must be exactly this one, and the date must not have passed. The cell is then *known*: it is
/// counted apart from those that held, and does not make the run red. With a breach more, less or other than these, or if
/// everything holds, it is broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Known {
    /// Where it is being followed, such as an issue's address.
    pub issue: String,
    /// Last day on which it is accepted, as `YYYY-MM-DD`.
    #[schemars(extend("format" = "date"))]
    pub until: String,
    /// Everything that breaks.
    pub breaches: Vec<KnownBreach>,
}

/// A breach that is known, word for word as a report and the bundle's `verdict.json` tell it. Only ids of operations and
/// tables, which are others in every run, may be any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KnownBreach {
    /// The invariant.
    pub invariant: InvariantName,
    /// The whole sentence behind its name, with `(expected …, found …)` where that is told.
    pub message: String,
    /// The step that it happens in, counted from 1; none for what is judged at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// Every line of evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

/// A scenario that must fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Canary {
    /// The invariants that must be found broken: all of these, and no other.
    pub breaks: BTreeSet<InvariantName>,
}
