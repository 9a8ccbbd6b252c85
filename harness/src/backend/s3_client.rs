//! The supervisor's own hands on an S3 service: making and removing buckets, which no storage stack does.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsAuthorizer, AwsCredential};
use object_store::client::{HttpClient, HttpConnector, HttpRequest, HttpRequestBody, ReqwestConnector};
use object_store::{ClientOptions, ObjectStore};
use omnigraph::storage::{S3Options, Secret, provide_tls};

use super::error::BackendError;

/// How long one call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// How long one readiness probe may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long to wait between two readiness probes.
const PROBE_INTERVAL: Duration = Duration::from_millis(100);

/// A client for one service.
#[derive(Debug)]
pub(super) struct S3Client {
    backend: &'static str,
    options: S3Options,
    http: HttpClient,
}

impl S3Client {
    /// No call is made yet; `backend` is named in errors.
    pub(super) fn new(backend: &'static str, options: S3Options) -> Result<Self, BackendError> {
        provide_tls();
        let client = ClientOptions::new().with_allow_http(options.allow_http).with_timeout(CALL_TIMEOUT);
        let http = ReqwestConnector::default()
            .connect(&client)
            .map_err(|error| BackendError::new(backend, "cannot make an http client").with_source(error))?;
        Ok(Self { backend, options, http })
    }

    /// Waits until `path` is answered with success, for `bound` at most.
    pub(super) async fn ready(&self, path: &str, bound: Duration) -> Result<(), BackendError> {
        let endpoint = self.options.endpoint.as_deref().unwrap_or_default().trim_end_matches('/').to_owned();
        let url = format!("{endpoint}{path}");
        let last = Mutex::new(String::from("nothing was asked yet"));
        let asking = async {
            while let Err(why) = self.probe(&url).await {
                *last.lock().unwrap_or_else(PoisonError::into_inner) = why;
                // A probe has nothing to wait on but time.
                tokio::time::sleep(PROBE_INTERVAL).await;
            }
        };
        tokio::time::timeout(bound, asking).await.map_err(|_| {
            let last = last.lock().unwrap_or_else(PoisonError::into_inner);
            BackendError::new(self.backend, format!("{url} is not ready after {} s: {last}", bound.as_secs()))
        })
    }

    /// Whether `url` is answered with success; if not, what came instead.
    async fn probe(&self, url: &str) -> Result<(), String> {
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.uri_mut() = url.parse().map_err(|error| format!("not an address: {error}"))?;
        let asked = tokio::time::timeout(PROBE_TIMEOUT, self.http.execute(request)).await;
        let status = asked.map_err(|_| "no answer".to_owned())?.map_err(|error| error.to_string())?.status();
        if status.is_success() { Ok(()) } else { Err(format!("answered {status}")) }
    }

    /// Makes an empty bucket. One that is there already is an error.
    pub(super) async fn create_bucket(&self, bucket: &str) -> Result<(), BackendError> {
        self.bucket_call("PUT", "create", bucket).await
    }

    /// Removes an empty bucket.
    pub(super) async fn delete_bucket(&self, bucket: &str) -> Result<(), BackendError> {
        self.bucket_call("DELETE", "delete", bucket).await
    }

    /// Removes every object below `prefix`, which must end in a slash or be empty.
    pub(super) async fn remove_objects(&self, bucket: &str, prefix: &str) -> Result<(), BackendError> {
        let store: Arc<dyn ObjectStore> = Arc::new(self.store(bucket)?);
        let prefix = object_store::path::Path::from(prefix);
        let names = store.list(Some(&prefix)).map_ok(|meta| meta.location).boxed();
        let removed: Result<Vec<_>, object_store::Error> = store.delete_stream(names).try_collect().await;
        removed.map(drop).map_err(|error| {
            BackendError::new(
                self.backend,
                format!("cannot remove the objects below {prefix:?} of the bucket {bucket}"),
            )
            .with_source(error)
        })
    }

    fn store(&self, bucket: &str) -> Result<AmazonS3, BackendError> {
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(self.region())
            .with_allow_http(self.options.allow_http)
            .with_virtual_hosted_style_request(self.options.virtual_hosted);
        if let (Some(key), Some(secret)) = (&self.options.access_key_id, &self.options.secret_access_key) {
            builder = builder.with_access_key_id(key).with_secret_access_key(secret.expose());
        }
        if let Some(endpoint) = &self.options.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(token) = &self.options.session_token {
            builder = builder.with_token(token.expose());
        }
        builder
            .build()
            .map_err(|error| BackendError::new(self.backend, "the s3 settings are not usable").with_source(error))
    }

    fn region(&self) -> &str {
        self.options.region.as_deref().unwrap_or("us-east-1")
    }

    async fn bucket_call(&self, method: &str, verb: &str, bucket: &str) -> Result<(), BackendError> {
        let failed = || BackendError::new(self.backend, format!("cannot {verb} the bucket {bucket}"));
        let endpoint =
            self.options.endpoint.as_deref().ok_or_else(|| failed().with_advice("name the endpoint of the service"))?;
        let secret = |text: &Option<Secret>| text.as_ref().map(|secret| secret.expose().to_owned());
        let credential = AwsCredential {
            key_id: self.options.access_key_id.clone().unwrap_or_default(),
            secret_key: secret(&self.options.secret_access_key).unwrap_or_default(),
            token: secret(&self.options.session_token),
        };
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.method_mut() = method.parse().map_err(|error| failed().with_source(error))?;
        *request.uri_mut() = format!("{}/{bucket}", endpoint.trim_end_matches('/'))
            .parse()
            .map_err(|error| failed().with_source(error))?;
        AwsAuthorizer::new(&credential, "s3", self.region())
            .try_authorize(&mut request, None)
            .map_err(|error| failed().with_source(error))?;

        let response = self.http.execute(request).await.map_err(|error| failed().with_source(error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let body = response.into_body().bytes().await.unwrap_or_default();
        let excerpt: String = String::from_utf8_lossy(&body).chars().take(300).collect();
        Err(BackendError::new(self.backend, format!("cannot {verb} the bucket {bucket}: answered {status}: {excerpt}")))
    }
}
