//! A request that leaves its client, loses its connection, and reaches the store later: whatever it asks for is asked then.

use std::io;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use omnigraph::storage::{Call, LateCall};

use super::exchange::{After, Exchange, connect};
use super::head::AnswerHead;
use super::{Disturb, Target};

/// Requests of one cell that may be on their way at a time.
const REQUESTS_MAX_COUNT: usize = 64;
/// Bytes of the bodies of one cell's requests that are on their way.
const BODIES_MAX_BYTES: usize = 16 << 20;
/// How long a late request may take with its answer.
const ARRIVAL_MAX: Duration = Duration::from_secs(60);

/// Taken whole, the connection reset under it; handed on when the scenario says so.
#[derive(Debug)]
pub(super) struct Late {
    pub(super) name: String,
}

#[async_trait]
impl Disturb for Late {
    fn can_strike(&self, call: &Call) -> bool {
        LateCall::is_possible(call.operation)
    }

    async fn disturb(&self, exchange: &mut Exchange<'_>) -> io::Result<After> {
        let body = exchange.take_body(BODIES_MAX_BYTES).await?;
        let (head, method) = (exchange.request.raw.to_vec(), exchange.request.method.clone());
        exchange.late.keep(Request { name: self.name.clone(), calls: exchange.calls.clone(), method, head, body })?;
        Ok(After::Reset)
    }
}

/// The requests of one cell that have not arrived yet, in the order in which they were sent.
#[derive(Debug, Default)]
pub(super) struct LateRequests(Mutex<Vec<Request>>);

#[derive(Debug)]
struct Request {
    name: String,
    calls: Vec<Call>,
    method: String,
    head: Vec<u8>,
    body: Vec<u8>,
}

/// A request that has arrived.
#[derive(Debug)]
pub struct Arrived {
    /// What it asked for.
    pub calls: Vec<Call>,
    /// The status of the answer that nobody waited for.
    pub status: u16,
}

impl Arrived {
    /// Whether it was done, or came too late for what it asked for: there is something already, something else, or nothing any
    /// more.
    pub fn is_quiet(&self) -> bool {
        matches!(self.status, 200..300 | 404 | 409 | 412)
    }
}

impl LateRequests {
    fn keep(&self, request: Request) -> io::Result<()> {
        let mut kept = self.lock();
        let bytes: usize = kept.iter().map(|request| request.body.len()).sum();
        if kept.len() >= REQUESTS_MAX_COUNT || bytes + request.body.len() > BODIES_MAX_BYTES {
            return Err(io::Error::other("too much is late already"));
        }
        kept.push(request);
        Ok(())
    }

    fn take(&self, name: Option<&str>) -> Vec<Request> {
        let mut kept = self.lock();
        let (due, later) = kept.drain(..).partition(|request| name.is_none_or(|name| request.name == name));
        *kept = later;
        due
    }

    /// Hands the requests of this name on, one after the other; all of them, if none is said.
    ///
    /// # Errors
    /// The endpoint cannot be reached, or does not answer; whatever was still to be handed on is lost.
    pub(super) async fn arrive(&self, name: Option<&str>, mut target: Target) -> io::Result<Vec<Arrived>> {
        let mut arrived = Vec::new();
        for request in self.take(name) {
            let asked = tokio::time::timeout(ARRIVAL_MAX, ask(&request, &mut target)).await;
            let status = asked.map_err(|_| io::Error::from(io::ErrorKind::TimedOut)).flatten()?;
            arrived.push(Arrived { calls: request.calls, status });
        }
        Ok(arrived)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Request>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Sends the request over a connection of its own, and takes the status of the answer.
async fn ask(request: &Request, target: &mut Target) -> io::Result<u16> {
    let mut upstream = connect(target).await?;
    upstream.write(&request.head).await?;
    upstream.write(&request.body).await?;
    loop {
        let raw = upstream.head().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let answer = AnswerHead::parse(raw, &request.method)?;
        if !answer.is_interim {
            return Ok(answer.status);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: &str, bytes: usize) -> Request {
        let (calls, method, head) = (Vec::new(), "PUT".to_owned(), Vec::new());
        Request { name: name.to_owned(), calls, method, head, body: vec![0; bytes] }
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let late = LateRequests::default();
        late.keep(request("a", BODIES_MAX_BYTES)).expect("there is room");
        assert!(late.keep(request("a", 1)).is_err());
        for _ in 1..REQUESTS_MAX_COUNT {
            late.keep(request("b", 0)).expect("there is room");
        }
        assert!(late.keep(request("b", 0)).is_err());
        assert_eq!((late.take(Some("a")).len(), late.take(None).len()), (1, REQUESTS_MAX_COUNT - 1));
        late.keep(request("a", 1)).expect("there is room again");
    }
}
