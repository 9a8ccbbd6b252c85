//! A request is taken and never answered: a firewall that drops, a host that hangs.

use std::io;

use async_trait::async_trait;

use super::Disturb;
use super::exchange::{After, Exchange};

/// Never answered.
#[derive(Debug)]
pub(super) struct BlackHole;

#[async_trait]
impl Disturb for BlackHole {
    async fn disturb(&self, exchange: &mut Exchange<'_>) -> io::Result<After> {
        exchange.discard_request().await?;
        // Until the client gives up, or the bound of every exchange ends it.
        exchange.client.gone().await;
        Ok(After::Close)
    }
}
