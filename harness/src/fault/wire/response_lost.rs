//! The request is done, and its answer never leaves: the acknowledgement is lost on the wire.

use std::io;

use async_trait::async_trait;

use super::Disturb;
use super::exchange::{After, Exchange};

/// Done; the connection is closed in good order instead of an answer.
#[derive(Debug)]
pub(super) struct ResponseLost;

#[async_trait]
impl Disturb for ResponseLost {
    async fn disturb(&self, exchange: &mut Exchange<'_>) -> io::Result<After> {
        let answer = exchange.ask().await?;
        exchange.discard_answer(answer).await?;
        Ok(After::Close)
    }
}
