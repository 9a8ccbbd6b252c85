//! One client's connection, request by request.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;

use super::body::{Body, Framing};
use super::call::{calls_of, names_objects_in_its_body};
use super::exchange::{After, Exchange};
use super::head::RequestHead;
use super::peer::Peer;
use super::{Shared, Target};

/// How long one request may take with its answer: far longer than any client of ours waits.
const EXCHANGE_MAX: Duration = Duration::from_secs(60);
/// Largest body that is looked into.
const NAMES_BYTES_MAX: u64 = 1 << 20;

/// Serves until either side closes, or a fault ends it.
pub(super) async fn serve(client: TcpStream, shared: &Shared) {
    let mut client = Peer::new(client);
    let mut upstream = None;
    let mut target = shared.target.clone();
    let after = loop {
        let served = tokio::select! {
            head = client.head() => match head {
                Ok(None) => return,
                Ok(Some(raw)) => {
                    let exchange = one(&mut client, &mut upstream, &mut target, shared, raw);
                    tokio::time::timeout(EXCHANGE_MAX, exchange).await.unwrap_or(Ok(After::Close))
                }
                Err(error) => Err(error),
            },
            // As on a bare wire: what one side does while nothing is under way, the other one sees.
            () = idle(upstream.as_ref(), &mut target) => return,
        };
        match served {
            Ok(After::Next) => {}
            Ok(after) => break after,
            Err(error) => {
                tracing::debug!(%error, "a connection of the wire broke off");
                break After::Reset;
            }
        }
    };
    if after == After::Reset {
        upstream.into_iter().for_each(Peer::reset);
        client.reset();
    }
}

/// Ends when the endpoint closes its side or has moved.
async fn idle(upstream: Option<&Peer>, target: &mut Target) {
    let Some(upstream) = upstream else { return std::future::pending().await };
    tokio::select! {
        () = upstream.gone() => {}
        _ = target.changed() => {}
    }
}

/// One request with its answer.
async fn one(
    client: &mut Peer,
    upstream: &mut Option<Peer>,
    target: &mut Target,
    shared: &Shared,
    raw: bytes::BytesMut,
) -> io::Result<After> {
    let request = RequestHead::parse(raw)?;
    let mut begun = Vec::new();
    let mut body = Body::new(request.framing);
    if names_objects_in_its_body(&request) && matches!(request.framing, Framing::Length(..=NAMES_BYTES_MAX)) {
        while let Some(piece) = body.next(client).await? {
            begun.extend_from_slice(&piece);
        }
    }
    let calls = calls_of(&request, &shared.root, &begun);
    let disturbance = shared.board.as_ref().and_then(|board| board.disturbance(&calls));
    let late = &shared.late;
    let mut exchange = Exchange { client, upstream, target, request: &request, calls, begun, body, late };
    match disturbance {
        None => exchange.pass().await,
        Some(fault) => fault.disturb(&mut exchange).await,
    }
}
