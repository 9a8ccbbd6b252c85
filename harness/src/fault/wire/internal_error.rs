//! The request is done, and something breaks inside the service before it says so.

use std::io;

use async_trait::async_trait;

use super::Disturb;
use super::exchange::{After, Exchange};

/// Done, and answered with 500 `InternalError`.
#[derive(Debug)]
pub(super) struct InternalErrorAfter;

#[async_trait]
impl Disturb for InternalErrorAfter {
    async fn disturb(&self, exchange: &mut Exchange<'_>) -> io::Result<After> {
        let answer = exchange.ask().await?;
        exchange.discard_answer(answer).await?;
        exchange.refuse("500 Internal Server Error", "InternalError", "We encountered an internal error.").await
    }
}
