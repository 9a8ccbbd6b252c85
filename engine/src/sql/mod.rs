//! SQL, as far as it is one for both verbs: what may be said, what it means, and what it may cost.
//!
//! - [`parse`]: text → statements; [`allow`] walks them and refuses what is not carried out. [`limit`]: the bounds.
//! - [`session`]: what a session knows. [`arithmetic`] is checked, [`membership`] is `IN` with missing values.
//! - [`comparison`]: of two types. [`conversion`]: CAST that changes no value. [`time`]: to the microsecond.
//! - [`memory`], [`stack`]: what a statement may take. [`table`]: a dataset as a table. [`run`]: statement → plan → rows.
//! - [`rewrite`]: other expressions in the place of those of a plan. [`result`]: one type of text. [`refusal`]: DataFusion's errors → ours.

pub(crate) mod allow;
mod arithmetic;
mod comparison;
mod constant;
mod conversion;
mod limit;
mod membership;
mod memory;
mod parse;
mod refusal;
mod result;
mod rewrite;
mod run;
mod session;
mod stack;
mod table;
#[cfg(test)]
mod tests;
mod time;

pub(crate) use limit::TIMEOUT;
pub(crate) use memory::Memory;
pub(crate) use parse::{parse, tables_of, unknown_type};
pub(crate) use refusal::{outer_reference, refused};
pub(crate) use result::{texts_in, texts_of, views_in};
pub(crate) use run::Plan;
#[cfg(test)]
pub(crate) use session::session;
pub(crate) use session::session_within;
pub(crate) use stack::{deep, deeply};
pub(crate) use table::table_provider;
