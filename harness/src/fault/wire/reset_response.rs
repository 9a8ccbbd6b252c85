//! The request is done, and the connection is reset while the answer is on its way.

use std::io;

use async_trait::async_trait;

use super::Disturb;
use super::exchange::{After, Exchange};

/// Reset after this many bytes of the answer, its head included, and before its last one.
#[derive(Debug)]
pub(super) struct ResetResponse {
    pub(super) bytes: u64,
}

#[async_trait]
impl Disturb for ResetResponse {
    async fn disturb(&self, exchange: &mut Exchange<'_>) -> io::Result<After> {
        let answer = exchange.ask().await?;
        let head = answer.raw.len() as u64;
        if self.bytes < head || exchange.method() == "HEAD" {
            let some = self.bytes.min(head - 1) as usize;
            exchange.client.write(&answer.raw[..some]).await?;
        } else {
            exchange.answer(answer, Some(self.bytes - head)).await?;
        }
        Ok(After::Reset)
    }
}
