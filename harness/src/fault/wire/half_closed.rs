//! The store's side of the connection is closed under a request; the client may go on writing, and nobody answers.

use std::io;

use async_trait::async_trait;

use super::Disturb;
use super::exchange::{After, Exchange};

/// Not handed on; one half of the connection is closed.
#[derive(Debug)]
pub(super) struct HalfClosed;

#[async_trait]
impl Disturb for HalfClosed {
    async fn disturb(&self, exchange: &mut Exchange<'_>) -> io::Result<After> {
        exchange.client.close_writing().await?;
        exchange.discard_request().await?;
        while exchange.client.fill().await? {
            let said = exchange.client.buffered().len();
            exchange.client.skip(said);
        }
        Ok(After::Close)
    }
}
