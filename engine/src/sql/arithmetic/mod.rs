//! Arithmetic that never wraps round: what does not fit is an error.
//!
//! DataFusion adds, subtracts and multiplies with wrapping kernels, and its `execution.enable_ansi_mode` is read by its Spark
//! functions alone, of which there is none here. So:
//!
//! - [`integer`]: `+ - * / %` of whole numbers, with types of its own. They are planned so from the start.
//! - [`checked`]: what is left after types are known, decimals, days, instants, intervals and the minus sign.
//! - [`sum`]: sums and averages in 128 or 256 bits. [`bounded`], [`joined`]: what makes much of little.

mod bounded;
mod checked;
mod integer;
mod joined;
mod sum;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;

use crate::error::Error;

pub(super) fn install(state: &mut SessionState) {
    state.add_analyzer_rule(Arc::new(checked::Rule));
    integer::install(state);
    sum::install(state);
    bounded::install(state);
    joined::install(state);
}

/// An error in the midst of a plan.
fn invalid(message: String) -> DataFusionError {
    DataFusionError::External(Box::new(Error::invalid(message)))
}
