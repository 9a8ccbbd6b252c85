//! Keeps what an HTTP service answered as a type.
//!
//! `object_store` turns an unhappy response into an error whose status only its text shows. This connector stands between
//! its client and the wire and turns the responses that a caller must tell apart into typed errors. They are retried by
//! exactly the same rules as the responses would have been.

use std::fmt;

use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};

use super::error::StorageErrorKind;

/// Bytes of a service's explanation that are kept.
const BODY_MAX_BYTES: usize = 1_024;

/// A response that says: not now.
#[derive(Debug)]
pub struct UnhappyResponse {
    status: u16,
    body: String,
    injected: bool,
}

impl UnhappyResponse {
    /// A response with this status and this explanation.
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        UnhappyResponse { status, body: body.into(), injected: false }
    }

    /// A response that no service gave.
    pub(super) fn injected(status: u16, body: impl Into<String>) -> Self {
        UnhappyResponse { injected: true, ..UnhappyResponse::new(status, body) }
    }

    /// Whether no service gave it.
    pub(super) fn is_injected(&self) -> bool {
        self.injected
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// What the status means to a caller.
    pub fn kind(&self) -> StorageErrorKind {
        match self.status {
            429 | 503 => StorageErrorKind::Throttled,
            408 | 504 => StorageErrorKind::Timeout,
            401 | 403 => StorageErrorKind::Permission,
            507 => StorageErrorKind::NoSpace,
            _ => StorageErrorKind::Transport,
        }
    }

    /// Exactly the statuses that `object_store` retries.
    fn covers(status: u16) -> bool {
        status == 408 || status == 429 || (500..600).contains(&status)
    }

    /// A denied listing: the one denial that `object_store` does not type itself.
    fn is_denied_listing(status: u16, query: &str) -> bool {
        matches!(status, 401 | 403) && query.split('&').any(|part| part.starts_with("list-type="))
    }
}

impl fmt::Display for UnhappyResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the service answered with status {}: {}", self.status, self.body)
    }
}

impl std::error::Error for UnhappyResponse {}

/// A connector whose client reports [`UnhappyResponse`]s.
#[derive(Debug, Default)]
pub(super) struct TypedConnector(ReqwestConnector);

impl HttpConnector for TypedConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        provide_tls();
        Ok(HttpClient::new(TypedService(self.0.connect(options)?)))
    }
}

/// Gives HTTP clients of this process a provider of cryptography, which they are built without. One that the program has chosen
/// before stays. Every store that is opened does this; who builds a client of his own beside it calls this first.
pub fn provide_tls() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let _chosen_before = rustls::crypto::ring::default_provider().install_default();
    });
}

#[derive(Debug)]
struct TypedService(HttpClient);

#[async_trait]
impl HttpService for TypedService {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let response = self.0.execute(request).await?;
        let status = response.status().as_u16();
        let is_denial = UnhappyResponse::is_denied_listing(status, &query);
        if !UnhappyResponse::covers(status) && !is_denial {
            return Ok(response);
        }
        let bytes = response.into_body().bytes().await.unwrap_or_default();
        let body = String::from_utf8_lossy(&bytes[..bytes.len().min(BODY_MAX_BYTES)]).into_owned();
        // `Request` is retried as the response would have been; a denial is not, which `Unknown` stands for.
        let kind = if is_denial { HttpErrorKind::Unknown } else { HttpErrorKind::Request };
        Err(HttpError::new(kind, UnhappyResponse::new(status, body)))
    }
}
