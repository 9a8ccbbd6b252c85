//! The service asks to slow down, and does nothing.

use std::io;

use async_trait::async_trait;

use super::Disturb;
use super::exchange::{After, Exchange};

/// Answered with 503 `SlowDown`.
#[derive(Debug)]
pub(super) struct SlowDown;

#[async_trait]
impl Disturb for SlowDown {
    async fn disturb(&self, exchange: &mut Exchange<'_>) -> io::Result<After> {
        exchange.discard_request().await?;
        exchange.refuse("503 Slow Down", "SlowDown", "Please reduce your request rate.").await
    }
}
