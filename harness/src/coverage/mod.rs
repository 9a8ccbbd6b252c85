//! Which windows of the engine were struck, by whom they were crossed, on which backend, as an error and as a crash: and
//! for each that was not, why.
//!
//! - [`ledger`]: what fired in cells that were judged and held, from the events of a run.
//! - [`dark`]: the argued list of what stays dark.
//! - [`page`]: both against the engine's catalogue, as a page that is committed and compared.
//!
//! Only facts stand there, no counts: a page that changes from run to run would be compared with nothing.

pub mod dark;
pub mod ledger;
pub mod page;

pub use dark::Reasons;
pub use ledger::{Ledger, Strike};
pub use page::{Page, compare, judge};
