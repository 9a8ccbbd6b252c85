//! Clients of an embedded endpoint: the one that the engine uses, and bare signed requests for what it cannot say.

use object_store::aws::{AmazonS3, AmazonS3Builder, AwsAuthorizer, AwsCredential};
use object_store::client::{HttpClient, HttpConnector, HttpRequest, HttpRequestBody, ReqwestConnector};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};
use omnigraph_harness::backend::s3::{Endpoint, EndpointLimits};

/// An endpoint with one bucket, `bucket`.
pub struct Wire {
    pub endpoint: Endpoint,
    http: HttpClient,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Wire {
    pub async fn start() -> Self {
        Self::with_limits(EndpointLimits::default()).await
    }

    pub async fn with_limits(limits: EndpointLimits) -> Self {
        let endpoint = Endpoint::start(limits).await.expect("a free loopback port");
        endpoint.create_bucket("bucket").expect("a first bucket");
        omnigraph::storage::provide_tls();
        let options = ClientOptions::new().with_allow_http(true);
        let http = ReqwestConnector::default().connect(&options).expect("an http client");
        Self { endpoint, http }
    }

    /// A client with the right credentials.
    pub fn store(&self) -> AmazonS3 {
        self.builder().build().expect("valid settings")
    }

    /// The same, to be spoiled.
    pub fn builder(&self) -> AmazonS3Builder {
        let s3 = self.endpoint.storage().s3;
        AmazonS3Builder::new()
            .with_endpoint(s3.endpoint.expect("an endpoint"))
            .with_region(s3.region.expect("a region"))
            .with_bucket_name("bucket")
            .with_access_key_id(s3.access_key_id.expect("a key id"))
            .with_secret_access_key(s3.secret_access_key.expect("a secret").expose())
            .with_allow_http(true)
            .with_retry(RetryConfig { max_retries: 0, backoff: BackoffConfig::default(), ..RetryConfig::default() })
    }

    /// One signed request; `target` is the path with its query.
    pub async fn ask(&self, method: &str, target: &str, headers: &[(&'static str, &str)], body: &str) -> Answer {
        let request = self.signed(method, target, headers, body);
        let response = self.http.execute(request).await.expect("the endpoint answers");
        let status = response.status().as_u16();
        let bytes = response.into_body().bytes().await.expect("a whole body");
        Answer { status, body: String::from_utf8_lossy(&bytes).into_owned() }
    }

    pub fn signed(&self, method: &str, target: &str, headers: &[(&'static str, &str)], body: &str) -> HttpRequest {
        let s3 = self.endpoint.storage().s3;
        let credential = AwsCredential {
            key_id: s3.access_key_id.expect("a key id"),
            secret_key: s3.secret_access_key.expect("a secret").expose().to_owned(),
            token: None,
        };
        let mut request = HttpRequest::new(HttpRequestBody::from(body.to_owned()));
        *request.method_mut() = method.parse().expect("a method");
        *request.uri_mut() = format!("http://{}{target}", self.endpoint.address()).parse().expect("an address");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header value"));
        }
        AwsAuthorizer::new(&credential, "s3", "us-east-1").try_authorize(&mut request, None).expect("signed");
        request
    }
}
