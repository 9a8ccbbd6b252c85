//! The answer's body is cut short, and the connection closed as if that were all.

use std::io;

use async_trait::async_trait;
use omnigraph::storage::Call;

use super::Disturb;
use super::exchange::{After, Exchange};

/// Closed after this many bytes of the answer's body, and before its last one.
#[derive(Debug)]
pub(super) struct Truncated {
    pub(super) bytes: u64,
}

#[async_trait]
impl Disturb for Truncated {
    fn can_strike(&self, call: &Call) -> bool {
        crate::scenario::model::WireEffect::has_answer_with_body(call.operation)
    }

    async fn disturb(&self, exchange: &mut Exchange<'_>) -> io::Result<After> {
        let answer = exchange.ask().await?;
        exchange.answer(answer, Some(self.bytes)).await?;
        Ok(After::Close)
    }
}
