//! A failure that can be looked at and run again from one folder.
//!
//! - [`manifest`]: what stands in a bundle, and how large it may get;
//! - [`bundle`]: writing one, whole or not at all;
//! - [`load`]: reading one back, strictly, because a bundle may come from anywhere;
//! - [`replay`]: running it again, and saying whether the same thing broke;
//! - [`judge`]: judging it again, without running it;
//! - [`shrink`]: making it small, until it is a scenario file that stands on its own.

pub mod bundle;
mod judge;
pub mod load;
pub mod manifest;
mod paths;
pub mod replay;
pub mod shrink;

pub use bundle::{Contents, StoredObject, write};
pub use judge::{JudgedAgain, judge_again};
pub use load::{Bundle, BundleError};
pub use manifest::Manifest;
pub use replay::{Comparison, Replay, ReplayError, compare};
