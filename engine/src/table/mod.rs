//! One Lance dataset: open, look up, stage, commit, inspect, restore.
//!
//! "Table" means a Lance dataset and nothing else; "HEAD" is the newest version of its dataset. Nothing in this module
//! knows of pins, sidecars or recovery: it moves one dataset and says exactly what happened to it.
//!
//! - [`open`]: a [`Table`] at one version, and the creation of an empty dataset.
//! - [`lookup`]: which rows match, and where they are.
//! - [`stage`]: files written, nothing visible: a [`StagedTable`] holds one Lance transaction.
//! - [`commit`]: lands a staged transaction on exactly the next version, or says why it did not.
//! - [`discard`]: takes back what was staged for nothing.
//! - [`inspect`]: HEAD, and which transactions stand after a version.
//! - [`restore`]: a new version with the content of an old one.

mod commit;
mod discard;
mod inspect;
mod lookup;
mod open;
mod restore;
mod stage;

pub use commit::{CommitFailure, Landing};
pub use inspect::{LandedVersion, OPERATION_PROPERTY};
pub use lookup::Addresses;
pub use open::Table;
pub use stage::{Appended, Deleted, StagedTable, TableChange};
