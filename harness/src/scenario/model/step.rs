//! One step: what is done, where, under which faults, and how it has to end.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Actions, Check, ContainerCall, CrashPoint, Damage, Expect, FailpointName, Load, MoveHead, ObjectRef, PlantSidecar,
    Query, StoreFault, WireFault,
};
use crate::diagnostic::Span;

/// The handle that a step uses if it names none.
pub const DEFAULT_HANDLE: &str = "main";
/// The process that a step runs in if it names none.
pub const DEFAULT_PROCESS: &str = "main";

/// One step: exactly one action, and whatever else is to be said about it.
///
/// Handle `main` of process `main` is open when the first step begins. Every other handle is opened by a step `open`; a
/// process that no step has named before is started by the first step that names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Step {
    /// What is done.
    #[serde(flatten)]
    pub action: Action,
    /// Through which handle of the process; `main`, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// In which process; `main`, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// On whose behalf a write is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The write's name. Writes of one name are one write that is called several times, from wherever: it is done once, and who calls it
    /// again is told what was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Failpoints that are armed in the step's process for this step alone, with their actions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("x-keys" = "failpoint"))]
    pub failpoints: BTreeMap<FailpointName, Actions>,
    /// Store faults that are armed in the step's process for this step alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<StoreFault>,
    /// Kills the step's process (SIGKILL) past every call to the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash: Option<CrashPoint>,
    /// Wire faults that are armed for this step alone. Every process of the scenario uses the same wire.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wire: Vec<WireFault>,
    /// How the step has to end; a step in the background has to end so when it is joined.
    #[serde(default, skip_serializing_if = "Expect::is_plain_ok")]
    pub expect: Expect,
    /// Runs the step in the background under this name, until a step `join` names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Holds the background step where it crosses this failpoint, the first time if not said otherwise, until a step `release` names it. The next step
    /// begins when it is held there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<FailpointName>,
    /// Which crossing of the failpoint holds the step, counted from 1; the first, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub crossing: Option<u64>,
    /// What the reader should know about this step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where the step stands in its file. Not written in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub span: Option<Span>,
}

impl Step {
    /// A step that says nothing but what is done.
    pub fn plain(action: Action) -> Self {
        Step {
            action,
            handle: None,
            process: None,
            actor: None,
            operation: None,
            failpoints: BTreeMap::new(),
            faults: Vec::new(),
            crash: None,
            wire: Vec::new(),
            expect: Expect::Ok,
            start: None,
            hold: None,
            crossing: None,
            note: None,
            span: None,
        }
    }

    /// The handle's name.
    pub fn handle(&self) -> &str {
        self.handle.as_deref().unwrap_or(DEFAULT_HANDLE)
    }

    /// The process's name.
    pub fn process(&self) -> &str {
        self.process.as_deref().unwrap_or(DEFAULT_PROCESS)
    }

    /// Line of the file on which the step begins, counted from 1.
    pub fn line(&self) -> Option<u64> {
        self.span.map(|span| span.start.line)
    }
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(clippy::large_enum_variant, reason = "a scenario has at most 500 steps")]
pub enum Action {
    /// Creates the graph and opens the handle on it. With such a step the runner does not create the graph beforehand.
    Create(Nothing),
    /// Loads rows.
    Load(Load),
    /// Runs one or several SQL statements (`INSERT`, `UPDATE`, `DELETE`, separated by `;`) as one write.
    Mutate(String),
    /// Runs a SQL query through the handle and compares what it gives.
    Query(Query),
    /// Lets the handle heal, and see the newest state.
    Refresh(Nothing),
    /// The operator's repair.
    Repair(Repair),
    /// Opens a handle. An open handle of the same name is replaced.
    Open(OpenMode),
    /// Closes the handle.
    Close(Nothing),
    /// Kills the process (SIGKILL), if it still lives, and starts it anew with no handle open.
    Restart(Nothing),
    /// Kills the process (SIGKILL) and leaves it dead.
    Kill(Nothing),
    /// Stops the process where it stands (SIGSTOP). It keeps all that it holds, and does nothing.
    Pause(Nothing),
    /// Lets the process go on (SIGCONT).
    Continue(Nothing),
    /// Does something to the container that the store runs in. A scenario with such a step has a container of its own.
    Container(ContainerCall),
    /// Looks at the graph from outside, without touching it: neither handles nor faults have a part in it.
    Check(Check),
    /// Damages an object of the graph by hand.
    Damage(Damage),
    /// Puts back what the damage of this name took or changed.
    Undo(String),
    /// Commits to a table behind the engine's back, with Lance alone.
    MoveHead(MoveHead),
    /// Plants a sidecar, made from the real graph and then changed as said.
    PlantSidecar(PlantSidecar),
    /// Arms faults in the step's process that stay until they are lifted.
    Arm(Arm),
    /// Lifts the faults that were armed under this name, or with `all` every fault of the process.
    Lift(String),
    /// Lets the calls and requests arrive that were late under this name so far, in the order in which they were made; there may be none.
    Arrive(String),
    /// Lets the background step of this name go on where it is held.
    Release(String),
    /// Waits for the background step of this name to end; its own `expect` says how.
    Join(String),
}

impl Action {
    /// The word that it is written with.
    pub fn name(&self) -> &'static str {
        match self {
            Action::Create(_) => "create",
            Action::Load(_) => "load",
            Action::Mutate(_) => "mutate",
            Action::Query(_) => "query",
            Action::Refresh(_) => "refresh",
            Action::Repair(_) => "repair",
            Action::Open(_) => "open",
            Action::Close(_) => "close",
            Action::Restart(_) => "restart",
            Action::Kill(_) => "kill",
            Action::Pause(_) => "pause",
            Action::Continue(_) => "continue",
            Action::Container(_) => "container",
            Action::Check(_) => "check",
            Action::Damage(_) => "damage",
            Action::Undo(_) => "undo",
            Action::MoveHead(_) => "move-head",
            Action::PlantSidecar(_) => "plant-sidecar",
            Action::Arm(_) => "arm",
            Action::Lift(_) => "lift",
            Action::Arrive(_) => "arrive",
            Action::Release(_) => "release",
            Action::Join(_) => "join",
        }
    }

    /// Whether it calls the engine through a handle, so that faults can strike in it.
    pub fn runs_the_engine(&self) -> bool {
        matches!(
            self,
            Action::Create(_)
                | Action::Load(_)
                | Action::Mutate(_)
                | Action::Query(_)
                | Action::Refresh(_)
                | Action::Repair(_)
                | Action::Open(_)
        )
    }
}

/// An action that needs no words: `{}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// How a handle is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OpenMode {
    /// Settles every sidecar at once, and gives writers of other processes no grace afterwards either.
    ReadWrite,
    /// Leaves what another process armed alone, at the open and before every write: its grace is an hour.
    ReadWriteWithGrace,
    /// Touches nothing.
    ReadOnly,
}

/// The operator's repair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Repair {
    /// Shows uncovered drift and changes nothing.
    Preview,
    /// Publishes uncovered drift.
    Confirm,
    /// Moves an unreadable sidecar out of the way.
    Quarantine(ObjectRef),
    /// Sets a damaged audit aside, and writes anew what the history knows of it.
    Audit,
    /// Makes the newest whole version of the graph manifest the newest one. It looks at the store alone, and at nothing that the handle
    /// knows.
    Manifest,
}

/// Faults that stay armed across steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Arm {
    /// The name to lift them by.
    #[serde(rename = "as")]
    pub name: String,
    /// Failpoints with their actions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("x-keys" = "failpoint"))]
    pub failpoints: BTreeMap<FailpointName, Actions>,
    /// Store faults.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<StoreFault>,
    /// Wire faults. They are lifted by a step in the same process; a restart of the process leaves them armed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wire: Vec<WireFault>,
}
