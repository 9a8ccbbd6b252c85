//! The request takes its time, and is then done as it would have been.

use std::io;
use std::time::Duration;

use async_trait::async_trait;

use super::Disturb;
use super::exchange::{After, Exchange};

/// Handed on after this time.
#[derive(Debug)]
pub(super) struct Latency {
    pub(super) milliseconds: u64,
}

#[async_trait]
impl Disturb for Latency {
    async fn disturb(&self, exchange: &mut Exchange<'_>) -> io::Result<After> {
        tokio::time::sleep(Duration::from_millis(self.milliseconds)).await;
        exchange.pass().await
    }
}
