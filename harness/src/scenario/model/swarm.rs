//! A swarm: not steps, but how steps are drawn from a seed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A seeded stream of operations under seeded weather. `chaos swarm` draws universes from it, each of them an ordinary
/// scenario with steps, and runs those.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Swarm {
    /// Operations of a universe; `--operations` says otherwise.
    #[schemars(range(min = 1, max = 200))]
    pub operations: u32,
    /// Processes that take part.
    #[schemars(range(min = 1, max = 4))]
    pub processes: u32,
    /// Handles of each process.
    #[schemars(range(min = 1, max = 3))]
    pub handles: u32,
    /// How often each operation is drawn, against the others.
    pub weights: Weights,
    /// The chance, from 0 to 1, that a stranger has moved the HEAD of a table before a repair that is confirmed, so that it has
    /// something to publish. Not over a store that lies.
    #[schemars(range(min = 0, max = 1))]
    pub drift: f64,
    /// The chance, from 0 to 1, that a handle that is opened is first opened read-only, and read through.
    #[schemars(range(min = 0, max = 1))]
    pub read_only: f64,
    /// The chance, from 0 to 1, that a universe has the readers that the file asks for. They read all there is, time and
    /// again, so that it takes about ten times as long.
    #[schemars(range(min = 0, max = 1))]
    pub read_beside: f64,
    /// What goes on at the same time.
    pub concurrency: Concurrency,
    /// What breaks.
    pub weather: Weather,
}

impl Default for Swarm {
    fn default() -> Self {
        Swarm {
            operations: 30,
            processes: 2,
            handles: 2,
            weights: Weights::default(),
            drift: 0.5,
            read_only: 0.2,
            read_beside: 0.1,
            concurrency: Concurrency::default(),
            weather: Weather::default(),
        }
    }
}

macro_rules! deeds {
    ($($(#[doc = $meaning:literal])+ $variant:ident = $field:ident, $weight:literal;)+) => {
        /// What an operation of a swarm does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Deed {
            $($(#[doc = $meaning])+ $variant,)+
        }

        impl Deed {
            /// Every deed.
            pub const ALL: &'static [Deed] = &[$(Deed::$variant,)+];

            /// What it is, as one sentence.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Deed::$variant => concat!($($meaning),+),)+
                }
            }
        }

        /// How often each operation is drawn, against the others; 0 leaves it out.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
        pub struct Weights {
            $($(#[doc = $meaning])+ #[schemars(range(min = 0, max = 1000))] pub $field: u32,)+
        }

        impl Default for Weights {
            fn default() -> Self {
                Weights { $($field: $weight,)+ }
            }
        }

        impl Weights {
            /// How often this one is drawn.
            pub fn of(&self, deed: Deed) -> u32 {
                match deed {
                    $(Deed::$variant => self.$field,)+
                }
            }
        }
    };
}

deeds! {
    /// Loads rows that ought to be new.
    LoadAppend = load_append, 6;
    /// Loads rows over others.
    LoadMerge = load_merge, 5;
    /// Loads a type anew.
    LoadOverwrite = load_overwrite, 2;
    /// Inserts rows.
    Insert = insert, 5;
    /// Updates rows.
    Update = update, 5;
    /// Deletes rows, and with nodes their edges.
    Delete = delete, 4;
    /// Several statements as one write.
    Mixed = mixed, 4;
    /// Loads rows with values of every type, those at the ends of their ranges above all.
    LoadValues = load_values, 0;
    /// Inserts rows with literals of every type.
    InsertValues = insert_values, 0;
    /// Updates rows by literals of every type and by expressions over their columns.
    UpdateValues = update_values, 0;
    /// Deletes rows by conditions on values of every type.
    DeleteValues = delete_values, 0;
    /// Inserts what a query selects, in an order and within a limit.
    Copy = copy, 0;
    /// Writes a value that its column cannot hold, or leaves out one that has to be there: must be refused.
    Misfit = misfit, 0;
    /// Gives a node another key, so that its edges have to follow.
    Rename = rename, 0;
    /// The operator looks for drift.
    RepairPreview = repair_preview, 1;
    /// The operator publishes drift.
    RepairConfirm = repair_confirm, 1;
    /// Reads a whole type.
    Query = query, 4;
    /// Refreshes a handle.
    Refresh = refresh, 2;
    /// Opens a handle read-write, in place of the one that is there.
    Open = open, 2;
    /// Kills a process and starts it anew.
    Restart = restart, 1;
    /// Kills a process; it is started anew when it is needed.
    Kill = kill, 1;
}

/// What goes on at the same time: chances, from 0 to 1, that a write is not alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Concurrency {
    /// It is held in one of its windows while others go on.
    #[schemars(range(min = 0, max = 1))]
    pub held: f64,
    /// It runs beside the next operation.
    #[schemars(range(min = 0, max = 1))]
    pub beside: f64,
    /// The process of a write that is held is killed instead of released.
    #[schemars(range(min = 0, max = 1))]
    pub killed: f64,
    /// While it is in the background another process opens the graph read-write, time and again, and takes it for a dead one's.
    #[schemars(range(min = 0, max = 1))]
    pub opened: f64,
    /// A write that goes on beside it runs in the background as well.
    #[schemars(range(min = 0, max = 1))]
    pub crowded: f64,
    /// Every handle of a universe gives the writers of other processes a long grace, so that it leaves alone what they have left.
    #[schemars(range(min = 0, max = 1))]
    pub grace: f64,
    /// A write that ran alone is called again under its name, from anywhere, however it ended.
    #[schemars(range(min = 0, max = 1))]
    pub again: f64,
}

impl Default for Concurrency {
    fn default() -> Self {
        Concurrency { held: 0.08, beside: 0.08, killed: 0.2, opened: 0.0, crowded: 0.0, grace: 0.0, again: 0.0 }
    }
}

/// What breaks: chances, from 0 to 1, that a fault is armed for an operation. An armed fault need not fire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Weather {
    /// One of its windows fails.
    #[schemars(range(min = 0, max = 1))]
    pub failpoint_error: f64,
    /// One of its windows takes some milliseconds.
    #[schemars(range(min = 0, max = 1))]
    pub failpoint_delay: f64,
    /// Its process dies in one of its windows.
    #[schemars(range(min = 0, max = 1))]
    pub failpoint_crash: f64,
    /// Store faults, by kind.
    pub store: StoreWeather,
    /// Wire faults, by kind, for operations of a file whose `backends` have a wire.
    pub wire: WireWeather,
    /// After an operation under weather a handle is opened read-write without any, so that what is certain is certain again.
    #[schemars(range(min = 0, max = 1))]
    pub calm: f64,
}

impl Default for Weather {
    fn default() -> Self {
        Weather {
            failpoint_error: 0.06,
            failpoint_delay: 0.0,
            failpoint_crash: 0.06,
            store: StoreWeather::default(),
            wire: WireWeather::default(),
            calm: 0.3,
        }
    }
}

macro_rules! troubles {
    (
        $(#[doc = $of_kind:literal])+ $Kind:ident;
        $(#[doc = $of_chances:literal])+ $Chances:ident;
        $($(#[doc = $meaning:literal])+ $variant:ident = $field:ident, $chance:literal;)+
    ) => {
        $(#[doc = $of_kind])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $Kind {
            $($(#[doc = $meaning])+ $variant,)+
        }

        impl $Kind {
            /// Every kind.
            pub const ALL: &'static [$Kind] = &[$($Kind::$variant,)+];

            /// What it is, as one sentence.
            pub fn meaning(self) -> &'static str {
                match self {
                    $($Kind::$variant => concat!($($meaning),+),)+
                }
            }
        }

        $(#[doc = $of_chances])+
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
        pub struct $Chances {
            $($(#[doc = $meaning])+ #[schemars(range(min = 0, max = 1))] pub $field: f64,)+
        }

        impl Default for $Chances {
            fn default() -> Self {
                $Chances { $($field: $chance,)+ }
            }
        }

        impl $Chances {
            /// How likely this one is.
            pub fn of(&self, trouble: $Kind) -> f64 {
                match trouble {
                    $($Kind::$variant => self.$field,)+
                }
            }
        }
    };
}

troubles! {
    /// A kind of store fault that weather brings.
    StoreTrouble;
    /// Chances of store faults, by kind. Those of a store that lies are 0 unless they are said: no engine can promise
    /// everything over such a store.
    StoreWeather;
    /// Not done; too many calls.
    Throttled = throttled, 0.02;
    /// Not done; no answer in time.
    Timeout = timeout, 0.02;
    /// Not done; not allowed.
    PermissionDenied = permission_denied, 0.02;
    /// Not done; the connection is gone.
    ConnectionLost = connection_lost, 0.02;
    /// Done, but reported as a lost connection.
    AckLost = ack_lost, 0.04;
    /// Done, but late.
    Latency = latency, 0.01;
    /// The process dies before the call is done.
    CrashBefore = crash_before, 0.02;
    /// The process dies when the call is done.
    CrashAfter = crash_after, 0.02;
    /// A lie: an object that is there is not found.
    NotFound = not_found, 0.0;
    /// A lie: reported as done, and not done.
    LostWrite = lost_write, 0.0;
    /// A lie: cut off, and reported as whole.
    Torn = torn, 0.0;
    /// A lie: a byte is changed on its way.
    Corrupt = corrupt, 0.0;
    /// A lie: answered as it was before the last write.
    Stale = stale, 0.0;
    /// No answer in time; done after some of the next operations, or when every step is over.
    Late = late, 0.02;
}

troubles! {
    /// A kind of wire fault that weather brings.
    WireTrouble;
    /// Chances of wire faults, by kind; 0 unless they are said. The client may repeat what was struck, and nobody notice.
    WireWeather;
    /// Not done; told to slow down.
    SlowDown = slow_down, 0.0;
    /// Done; told that the server failed inside.
    InternalErrorAfter = internal_error_after, 0.0;
    /// Not done; the connection is reset in the middle of the request.
    ResetRequest = reset_request, 0.0;
    /// Done; the connection is reset in the middle of the answer.
    ResetResponse = reset_response, 0.0;
    /// Done, but late.
    Latency = latency, 0.0;
    /// Not done and never answered, so that a client waits as long as it waits for anything.
    BlackHole = black_hole, 0.0;
    /// Done; the answer breaks off.
    Truncated = truncated, 0.0;
    /// Not done; the store's side of the connection is closed.
    HalfClosed = half_closed, 0.0;
    /// Done; the connection is closed instead of an answer.
    ResponseLost = response_lost, 0.0;
    /// The connection is reset; done after some of the next operations, or when every step is over.
    Late = late, 0.0;
}

impl StoreTrouble {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        use StoreTrouble::*;
        match self {
            Throttled => "throttling",
            Timeout => "timeouts",
            PermissionDenied => "refusals",
            ConnectionLost => "lost connections",
            AckLost => "lost acknowledgements",
            Latency => "latency",
            CrashBefore => "crashes before a call",
            CrashAfter => "crashes after a call",
            NotFound => "objects not found that are there",
            LostWrite => "lost writes",
            Torn => "torn objects",
            Corrupt => "corrupt bytes",
            Stale => "stale reads",
            Late => "late calls",
        }
    }

    /// Whether the store says what is not so.
    pub fn is_a_lie(self) -> bool {
        use StoreTrouble::*;
        matches!(self, NotFound | LostWrite | Torn | Corrupt | Stale)
    }
}

impl Weather {
    /// Whether the store may say what is not so, so that nothing is certain.
    pub fn lies(&self) -> bool {
        StoreTrouble::ALL.iter().any(|trouble| trouble.is_a_lie() && self.store.of(*trouble) > 0.0)
    }
}
