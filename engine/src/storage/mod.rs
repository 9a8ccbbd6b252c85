//! Objects, addresses, layers, and the bridge into Lance: one store for both realms.
//!
//! A [`Stack`] is the store of one graph: `LocalFileSystem`, `InMemory` or `AmazonS3` at the bottom, the same
//! [`StoreLayer`]s over it, rooted at the graph. Control objects go through [`TextObjects`], Lance datasets through
//! [`LanceBridge`]; a layer sees every call of both.
//!
//! In reading order: [`StorageUri`] and [`StorageOptions`], then [`Stack`], [`TextObjects`] and [`LanceBridge`], then
//! [`Call`] and the layers [`TraceLayer`] and [`FaultLayer`], and [`conformance`], the suite that says what all of this
//! promises.

mod classify;
pub mod conformance;
mod error;
mod fault;
mod http;
mod lance;
mod layer;
mod local;
mod objects;
mod options;
mod stack;
mod trace;
mod uri;

pub use classify::{Call, Operation, PathClass, Realm};
pub use error::{StorageError, StorageErrorKind};
pub use fault::{FaultKind, FaultLayer, FaultPolicy, InjectedFault, LateCall, Verdict};
pub use http::{UnhappyResponse, provide_tls};
pub use lance::LanceBridge;
pub use layer::StoreLayer;
pub use objects::{Bounded, ObjectName, ObjectVersion, TextObjects};
pub use options::{LocalOptions, RetryOptions, S3Options, Secret, StorageOptions};
pub use stack::Stack;
pub use trace::{CallCount, CallCounts, CallKey, CallObserver, CallOutcome, CallRecord, TraceLayer};
pub use uri::StorageUri;
