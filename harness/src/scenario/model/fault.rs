//! Store faults: which calls they meet, what they do to them, and how often.

use std::time::Duration;

use omnigraph::storage::{LateCall, Operation, PathClass, Realm};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Named;

/// A fault in the calls that the engine, or Lance for it, makes to the object store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StoreFault {
    /// Which calls it meets.
    pub on: Matcher,
    /// What it does to them.
    #[serde(rename = "do")]
    pub effect: Effect,
    /// Which of the calls that it meets it strikes; every one, if not said.
    #[serde(default, skip_serializing_if = "When::is_every")]
    pub when: When,
}

/// Which calls a store fault meets: those that fit everything that is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Matcher {
    /// What is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Named<Operation>>,
    /// What kind of object it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Named<PathClass>>,
    /// A glob over the object's path below the graph's root; `*` does not cross a slash, `**` does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "glob"))]
    pub path: Option<String>,
    /// Who calls: `control` is the engine with its own objects, `table` is Lance with its datasets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realm: Option<Named<Realm>>,
    /// With `true`, only calls that change the store for good when they are done: every put, the completion of an upload in
    /// parts, and deletes, copies and renames.
    #[serde(default, skip_serializing_if = "Matcher::is_false")]
    pub durable: bool,
}

impl Matcher {
    fn is_false(flag: &bool) -> bool {
        !*flag
    }
}

/// What a store fault does to a call that it strikes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Not done; the store says that there are too many calls.
    Throttled,
    /// Not done; no answer in time.
    Timeout,
    /// Not done; the store says that it is not allowed.
    PermissionDenied,
    /// Not done; the connection is gone.
    ConnectionLost,
    /// Not done; the store says that there is no such object.
    NotFound,
    /// Done, but reported as a lost connection.
    AckLost,
    /// Not done, but reported as done.
    LostWrite,
    /// Done after this many milliseconds.
    Latency(#[schemars(range(min = 1, max = 10000))] u64),
    /// Reported as having had no answer in time, and done later: when a step `arrive` says this name, or else when every step is
    /// over, before the graph converges. What a call asks for, such as that nothing is there yet, is asked when it arrives. It arrives
    /// also when the process that made it is dead by then. A call carries 16 MiB at the most.
    Late(String),
    /// Cut off after this many bytes, or entries of a listing, and reported as whole.
    Torn(u64),
    /// Read or written with the byte at this offset changed.
    Corrupt(u64),
    /// Answered as it was before the last write.
    Stale,
    /// Done to the object at this path instead.
    Misdirect(#[schemars(extend("format" = "sandbox-path"))] String),
    /// The process dies before the call is done (SIGKILL).
    CrashBefore,
    /// The call is done, and the process dies before it hears so (SIGKILL).
    CrashAfter,
}

impl Effect {
    /// How long a call is delayed, for a latency.
    pub fn latency(&self) -> Option<Duration> {
        match self {
            Effect::Latency(millis) => Some(Duration::from_millis(*millis)),
            _ => None,
        }
    }

    /// Whether bytes of an object go along with such a call.
    pub fn carries_bytes(operation: Operation) -> bool {
        matches!(
            operation,
            Operation::Get | Operation::Put | Operation::PutIfAbsent | Operation::PutIfMatch | Operation::MultipartPart
        )
    }

    /// Why it means nothing for an operation; none when it can strike it.
    pub fn misfit(&self, operation: Operation) -> Option<&'static str> {
        let is_write = operation.is_write();
        let carries_bytes = Effect::carries_bytes(operation);
        match self {
            Effect::Stale if is_write => Some("only a read can be stale"),
            Effect::LostWrite | Effect::AckLost | Effect::CrashAfter if !is_write => {
                Some("a read leaves nothing in the store that could be lost or doubled")
            }
            Effect::Late(_) if !LateCall::is_possible(operation) => {
                Some("only a call that changes what is there when it is done can be late")
            }
            Effect::Misdirect(_)
                if matches!(
                    operation,
                    Operation::MultipartPart | Operation::MultipartComplete | Operation::MultipartAbort
                ) =>
            {
                Some("an upload goes where its start went; misdirect the 'multipart-start'")
            }
            Effect::Corrupt(_) if !carries_bytes => Some("only a 'get', a put or a part has bytes that can be changed"),
            Effect::Torn(_) if !carries_bytes && operation != Operation::List => {
                Some("only a 'get', a 'list', a put or a part has something that can be cut off")
            }
            _ => None,
        }
    }

    /// The name under which such a call arrives, for one that is late.
    pub fn late(&self) -> Option<&str> {
        match self {
            Effect::Late(name) => Some(name),
            _ => None,
        }
    }

    /// Whether it kills the process.
    pub fn crashes(&self) -> bool {
        matches!(self, Effect::CrashBefore | Effect::CrashAfter)
    }
}

/// Which of the calls that it meets a fault strikes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Every one.
    #[default]
    Every,
    /// The n-th alone, counted from 1.
    Nth(#[schemars(range(min = 1))] u64),
    /// The first n.
    First(#[schemars(range(min = 1))] u64),
    /// Each with this probability, above 0 and at most 1, drawn from the cell's seed.
    Probability(#[schemars(range(min = 0, max = 1))] f64),
}

impl When {
    pub(super) fn is_every(&self) -> bool {
        *self == When::Every
    }
}
