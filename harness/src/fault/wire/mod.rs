//! Wire faults: a proxy on a loopback port between the clients of one cell and its S3 endpoint.
//!
//! It speaks HTTP/1.1 by hand, since what it has to do no HTTP server does: cut a body short, reset a connection in the
//! middle of an answer, say nothing. Heads go on byte for byte, because the client signs the host that it dials; bodies are
//! streamed.
//!
//! - this file: the proxy, which listens, and which ends everything with the cell;
//! - [`connection`]: one client's connection, request by request;
//! - [`exchange`]: one request and its answer, and what a fault may do with them;
//! - [`peer`], [`head`], [`body`]: one side of a connection, the heads of messages, and where their bodies end;
//! - [`call`]: what a request asks of the store, in the words of the store faults;
//! - then one file a fault, all behind [`Disturb`].

mod black_hole;
mod body;
mod call;
mod connection;
mod exchange;
mod half_closed;
mod head;
mod internal_error;
mod late;
mod latency;
mod peer;
mod reset_request;
mod reset_response;
mod response_lost;
mod slow_down;
mod truncated;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use object_store::path::Path;
use omnigraph::storage::Call;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use self::exchange::{After, Exchange};
pub use self::late::Arrived;
use self::late::LateRequests;
use super::board::Board;
use crate::scenario::model::WireEffect;

/// Connections that one proxy serves at a time; more wait to be accepted.
const CONNECTIONS_MAX: usize = 512;
/// How long to wait before accepting again when that failed: too many open files, most likely.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// A wire fault at work.
#[async_trait]
pub trait Disturb: fmt::Debug + Send + Sync {
    /// Whether the fault means anything for such a request. One that it meets and that it cannot strike counts as
    /// reached, not as fired.
    fn can_strike(&self, _: &Call) -> bool {
        true
    }

    /// Carries the request out, or does not, in the fault's own way.
    async fn disturb(&self, exchange: &mut Exchange<'_>) -> io::Result<After>;
}

/// The fault that a scenario's word stands for.
pub(super) fn disturbance_of(effect: &WireEffect) -> Arc<dyn Disturb> {
    match effect {
        WireEffect::SlowDown => Arc::new(slow_down::SlowDown),
        WireEffect::InternalErrorAfter => Arc::new(internal_error::InternalErrorAfter),
        WireEffect::ResetRequest(bytes) => Arc::new(reset_request::ResetRequest { bytes: *bytes }),
        WireEffect::ResetResponse(bytes) => Arc::new(reset_response::ResetResponse { bytes: *bytes }),
        WireEffect::Latency(milliseconds) => Arc::new(latency::Latency { milliseconds: *milliseconds }),
        WireEffect::Late(name) => Arc::new(late::Late { name: name.clone() }),
        WireEffect::BlackHole => Arc::new(black_hole::BlackHole),
        WireEffect::Truncated(bytes) => Arc::new(truncated::Truncated { bytes: *bytes }),
        WireEffect::HalfClosed => Arc::new(half_closed::HalfClosed),
        WireEffect::ResponseLost => Arc::new(response_lost::ResponseLost),
    }
}

/// A wire between clients and one S3 endpoint. Dropping it cuts every connection.
pub struct Proxy {
    address: SocketAddr,
    target: watch::Sender<String>,
    late: Arc<LateRequests>,
    task: JoinHandle<()>,
}

/// What every connection of a proxy has to know.
struct Shared {
    /// The faults; none where the wire is always sound.
    board: Option<Arc<Board>>,
    /// The graph's root: the bucket and the prefix in it.
    root: Path,
    /// Where the endpoint is.
    target: Target,
    /// What was sent and has not arrived yet.
    late: Arc<LateRequests>,
}

/// Host and port of the endpoint, as it is now.
type Target = watch::Receiver<String>;

impl Proxy {
    /// Listens on a free port of 127.0.0.1. `target` is the endpoint's host and port, `root` the graph's bucket and the
    /// prefix in it, `board` what may go wrong on the way.
    ///
    /// # Errors
    /// There is no port.
    pub async fn start(target: String, root: Path, board: Option<Arc<Board>>) -> io::Result<Proxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (target, receiver) = watch::channel(target);
        let late = Arc::new(LateRequests::default());
        let shared = Arc::new(Shared { board, root, target: receiver, late: Arc::clone(&late) });
        let task = tokio::spawn(accept(listener, shared));
        Ok(Proxy { address, target, late, task })
    }

    /// Where it listens, as an S3 client is told.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets late requests of this name arrive, in the order in which they were sent; all of them, if none is said.
    ///
    /// # Errors
    /// The endpoint cannot be reached, or does not answer.
    pub async fn arrive(&self, name: Option<&str>) -> io::Result<Vec<Arrived>> {
        self.late.arrive(name, self.target.subscribe()).await
    }

    /// The endpoint is here now. Where it has moved, connections that wait for their next request are closed.
    pub fn retarget(&self, target: String) {
        self.target.send_if_modified(|known| {
            let moved = *known != target;
            *known = target;
            moved
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("address", &self.address).field("target", &self.target.borrow()).finish()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // They end with this task, and it ends with the proxy.
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        let accepted: io::Result<(TcpStream, SocketAddr)> = listener.accept().await;
        while connections.try_join_next().is_some() {}
        let Ok((client, _)) = accepted else {
            tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
            continue;
        };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            connection::serve(client, &shared).await;
            drop(permit);
        });
    }
}
