//! The HTTP server around the embedded S3 service.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use omnigraph::storage::{S3Options, Secret, StorageOptions};
use s3s::auth::{S3Auth, SecretKey};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Result, s3_error};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use super::super::access::random_text;
use super::super::error::BackendError;
use super::NAME;
use super::bucket::Buckets;
use super::service::Service;

const REGION: &str = "us-east-1";
/// How long calls in flight may take to end when the endpoint stops; what is left is cut.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// What one client may ask of the endpoint.
#[derive(Clone, Copy, Debug)]
pub struct EndpointLimits {
    /// The largest object, in bytes, in one put or put together from parts.
    pub object_bytes: u64,
    /// Connections served at a time; more wait to be accepted.
    pub connections: usize,
    /// Buckets.
    pub buckets: usize,
    /// Unfinished multipart uploads in one bucket.
    pub uploads: usize,
}

impl Default for EndpointLimits {
    fn default() -> Self {
        Self { object_bytes: 1 << 30, connections: 1024, buckets: 100_000, uploads: 1_000 }
    }
}

/// A running S3 endpoint on a loopback port of its own, with credentials of its own. Dropping it cuts every connection.
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    access_key_id: String,
    secret_access_key: Secret,
    buckets: Arc<Buckets>,
    server: Mutex<Option<Server>>,
}

#[derive(Debug)]
struct Server {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Endpoint {
    /// Binds a free port of 127.0.0.1 and serves until [`Endpoint::stop`].
    pub async fn start(limits: EndpointLimits) -> Result<Self, BackendError> {
        Self::start_on(0, limits).await
    }

    /// The same on a port of 127.0.0.1; 0 is any free one.
    pub async fn start_on(port: u16, limits: EndpointLimits) -> Result<Self, BackendError> {
        let trouble = |error: std::io::Error| {
            let message = match port {
                0 => "cannot listen on 127.0.0.1".to_owned(),
                port => format!("cannot listen on port {port} of 127.0.0.1"),
            };
            BackendError::new(NAME, message).with_source(error)
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(trouble)?;
        let address = listener.local_addr().map_err(trouble)?;

        let access_key_id = random_text(20);
        let secret_access_key = Secret::new(random_text(40));
        let buckets = Arc::new(Buckets::new(limits));
        let mut builder = S3ServiceBuilder::new(Service::new(buckets.clone(), limits));
        builder
            .set_auth(OneUser { access_key_id: access_key_id.clone(), secret_access_key: secret_access_key.clone() });
        let service = builder.build();

        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(listener, service, limits.connections, stopped));
        let server = Mutex::new(Some(Server { stop, task }));
        Ok(Self { address, access_key_id, secret_access_key, buckets, server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a client needs to be let in.
    pub fn storage(&self) -> StorageOptions {
        let s3 = S3Options {
            endpoint: Some(format!("http://{}", self.address)),
            region: Some(REGION.into()),
            access_key_id: Some(self.access_key_id.clone()),
            secret_access_key: Some(self.secret_access_key.clone()),
            session_token: None,
            allow_http: true,
            virtual_hosted: false,
        };
        StorageOptions { s3, ..StorageOptions::default() }
    }

    /// Makes an empty bucket without going through HTTP. One that is there already is an error.
    pub fn create_bucket(&self, name: &str) -> Result<(), BackendError> {
        self.buckets.create(name).map_err(|error| {
            BackendError::new(
                NAME,
                format!("cannot create the bucket {name}: {}", error.message().unwrap_or("refused")),
            )
        })
    }

    /// Removes a bucket with all that is in it. A missing one is fine.
    pub fn remove_bucket(&self, name: &str) {
        self.buckets.remove(name);
    }

    /// Accepts nothing more, lets the calls in flight end for a few seconds, cuts the rest. Idempotent.
    pub async fn stop(&self) {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(server) = server {
            // The server may have ended already; then there is nothing to tell it.
            let _ = server.stop.send(());
            let _ = server.task.await;
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        if let Some(server) = self.server.lock().unwrap_or_else(PoisonError::into_inner).take() {
            server.task.abort();
        }
    }
}

async fn serve(listener: TcpListener, service: S3Service, connections_max: usize, mut stopped: oneshot::Receiver<()>) {
    let permits = Arc::new(Semaphore::new(connections_max));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = &mut stopped => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        while connections.try_join_next().is_some() {}
        let Some((stream, permit)) = accepted else {
            // Too many open files, most likely: go on as soon as one of ours is closed.
            tokio::select! {
                _ = &mut stopped => break,
                ended = connections.join_next() => if ended.is_none() { tokio::task::yield_now().await },
            }
            continue;
        };

        let mut http = auto::Builder::new(TokioExecutor::new());
        http.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
        let connection = http.serve_connection(TokioIo::new(stream), service.clone()).into_owned();
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            // A client that goes away in the middle of a call is everyday life here: workers are killed.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "an s3 connection ended early");
            }
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(STOP_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!("the s3 endpoint cut calls that did not end in {STOP_TIMEOUT:?}");
    }
    connections.shutdown().await;
}

/// The next connection, or `None` when accepting failed in a way that passes (a client gone again, too many open files).
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = permits.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // Without it every small answer waits for the client's delayed acknowledgement.
            let _ = stream.set_nodelay(true);
            Some((stream, permit))
        }
        Err(error) => {
            tracing::warn!(%error, "the s3 endpoint could not accept a connection");
            None
        }
    }
}

/// The one user of an endpoint.
struct OneUser {
    access_key_id: String,
    secret_access_key: Secret,
}

#[async_trait::async_trait]
impl S3Auth for OneUser {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        if access_key == self.access_key_id {
            Ok(SecretKey::from(self.secret_access_key.expose().to_owned()))
        } else {
            Err(s3_error!(InvalidAccessKeyId, "the access key id is not one of this endpoint"))
        }
    }
}
