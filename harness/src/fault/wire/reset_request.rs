//! The connection is reset while the request is on its way, so that the store never has all of it.

use std::io;

use async_trait::async_trait;

use super::Disturb;
use super::exchange::{After, Exchange};

/// Reset after this many bytes of the request's body have gone on, and before its last one.
#[derive(Debug)]
pub(super) struct ResetRequest {
    pub(super) bytes: u64,
}

#[async_trait]
impl Disturb for ResetRequest {
    async fn disturb(&self, exchange: &mut Exchange<'_>) -> io::Result<After> {
        // A request without a body is whole with its head, so that must not go on either.
        if exchange.request.framing != super::body::Framing::Length(0) {
            exchange.send(Some(self.bytes)).await?;
        }
        Ok(After::Reset)
    }
}
