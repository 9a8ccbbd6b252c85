//! What happens between the engine and a store that is reached over a network: wire faults, and the store's container.

use std::time::Duration;

use omnigraph::storage::{Operation, PathClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Matcher, Named, When};

/// A fault on the wire between every process of the scenario and an S3 endpoint. What the client does about it, such as
/// trying again, is part of what is tested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WireFault {
    /// Which requests it meets.
    pub on: WireMatcher,
    /// What it does to them.
    #[serde(rename = "do")]
    pub effect: WireEffect,
    /// Which of the requests that it meets it strikes; every one, if not said. An attempt that the client repeats is a
    /// request of its own: the engine's client makes three at the most.
    #[serde(default, skip_serializing_if = "When::is_every")]
    pub when: When,
}

/// Which requests a wire fault meets: those that fit everything that is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WireMatcher {
    /// What is asked of the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Named<Operation>>,
    /// What kind of object it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Named<PathClass>>,
    /// A glob over the object's path below the graph's root; `*` does not cross a slash, `**` does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "glob"))]
    pub path: Option<String>,
}

impl WireMatcher {
    /// The same as a matcher of store calls. Nobody can tell the realm of a request.
    pub fn as_matcher(&self) -> Matcher {
        Matcher { operation: self.operation, class: self.class, path: self.path.clone(), ..Matcher::default() }
    }
}

/// What a wire fault does to a request that it strikes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WireEffect {
    /// Not done; answered with 503 `SlowDown`.
    SlowDown,
    /// Done, and answered with 500 `InternalError`.
    InternalErrorAfter,
    /// Not done; the connection is reset (RST) after this many bytes of the request's body, and before its last one.
    ResetRequest(u64),
    /// Done; the connection is reset (RST) after this many bytes of the answer, and before its last one.
    ResetResponse(u64),
    /// Done after this many milliseconds.
    Latency(#[schemars(range(min = 1, max = 10000))] u64),
    /// Not done; the connection is reset (RST) when the whole request has been read. Done later: when a step `arrive` says this
    /// name, or else when every step is over, before the graph converges. It arrives also when the process that sent it is dead by
    /// then. The requests of a scenario that are on their way have 16 MiB at the most.
    Late(String),
    /// Not done and never answered; the connection stays open.
    BlackHole,
    /// Done; the connection is closed in good order after this many bytes of the answer's body, and before its last one.
    Truncated(u64),
    /// Not done; the store's side of the connection is closed, and it still listens.
    HalfClosed,
    /// Done; the connection is closed in good order instead of an answer.
    ResponseLost,
}

impl WireEffect {
    /// How long a request is delayed, for a latency.
    pub fn latency(&self) -> Option<Duration> {
        match self {
            WireEffect::Latency(millis) => Some(Duration::from_millis(*millis)),
            _ => None,
        }
    }

    /// The name under which such a request arrives, for one that is late.
    pub fn late(&self) -> Option<&str> {
        match self {
            WireEffect::Late(name) => Some(name),
            _ => None,
        }
    }

    /// Whether the answer to such a request has a body that can be cut off.
    pub fn has_answer_with_body(operation: Operation) -> bool {
        matches!(
            operation,
            Operation::Get
                | Operation::List
                | Operation::Copy
                | Operation::Delete
                | Operation::MultipartStart
                | Operation::MultipartComplete
        )
    }
}

/// What is done to the store's container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(extend("x-noun" = "thing to do to a container"))]
pub enum ContainerCall {
    /// Asks it to end, and kills it if it does not.
    Stop,
    /// Kills it (SIGKILL).
    Kill,
    /// Starts it again, and waits until it is ready.
    Start,
    /// Stops it and starts it again, and waits until it is ready.
    Restart,
    /// Freezes every process in it.
    Pause,
    /// Lets them go on.
    Unpause,
    /// Takes it off its network.
    Disconnect,
    /// Puts it back, and waits until it is ready.
    Connect,
}

impl ContainerCall {
    /// The word that it is written with.
    pub fn as_str(self) -> &'static str {
        match self {
            ContainerCall::Stop => "stop",
            ContainerCall::Kill => "kill",
            ContainerCall::Start => "start",
            ContainerCall::Restart => "restart",
            ContainerCall::Pause => "pause",
            ContainerCall::Unpause => "unpause",
            ContainerCall::Disconnect => "disconnect",
            ContainerCall::Connect => "connect",
        }
    }

    /// What takes it back; none where the container answers afterwards.
    pub fn undone_by(self) -> Option<ContainerCall> {
        match self {
            ContainerCall::Stop | ContainerCall::Kill => Some(ContainerCall::Start),
            ContainerCall::Pause => Some(ContainerCall::Unpause),
            ContainerCall::Disconnect => Some(ContainerCall::Connect),
            _ => None,
        }
    }
}
