//! One store for both realms, with the same layers over it, rooted at the graph.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use super::classify::Realm;
use super::error::{StorageError, StorageErrorKind};
use super::http::TypedConnector;
use super::lance::LanceBridge;
use super::layer::{StoreLayer, wrap_all};
use super::local::LocalStore;
use super::objects::TextObjects;
use super::options::{self, RetryOptions, S3Options, StorageOptions};
use super::uri::StorageUri;
use crate::Result;

/// Reads that one call of Lance makes at once, where each costs a round trip.
const REMOTE_PARALLELISM: usize = 64;
/// The same where each costs a system call.
const NEAR_PARALLELISM: usize = 8;

/// The store of one graph. Every path in both realms is relative to the graph root. Cheap to clone.
#[derive(Clone)]
pub struct Stack {
    inner: Arc<Inner>,
}

struct Inner {
    identity: String,
    control: Arc<dyn ObjectStore>,
    table: Arc<dyn ObjectStore>,
    objects: TextObjects,
    lance: LanceBridge,
}

impl Stack {
    /// Opens the store at `uri`, creating a local directory where there is none, unless the options say that it must
    /// exist. Touches no remote store.
    ///
    /// The first layer is the outermost.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when the options do not fit the address,
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when a directory that must exist does not,
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) when the local directory cannot be used.
    pub async fn open(uri: &StorageUri, options: &StorageOptions, layers: &[Arc<dyn StoreLayer>]) -> Result<Stack> {
        let (base, identity, parallelism) = match uri {
            StorageUri::Local(directory) => {
                let store = LocalStore::open(directory, &options.local).await?;
                let identity = format!("file://{}", store.root().display());
                (Arc::new(store) as Arc<dyn ObjectStore>, identity, NEAR_PARALLELISM)
            }
            StorageUri::Memory(name) => (memory(name), uri.to_string(), NEAR_PARALLELISM),
            StorageUri::S3 { bucket, prefix } => {
                let store = s3(uri, bucket, prefix, &options.s3, &options.retry)?;
                let endpoint = options.s3.endpoint.as_deref().map_or("aws".to_owned(), options::address);
                (store, format!("{uri} at {endpoint}"), REMOTE_PARALLELISM)
            }
        };
        Ok(Stack::build(base, identity, layers, parallelism))
    }

    /// A stack over a store that the caller brings, whose root is the graph root and whose listings are in lexical
    /// order. Handles with the same `identity` are taken to see the same bytes.
    pub fn over(base: Arc<dyn ObjectStore>, identity: String, layers: &[Arc<dyn StoreLayer>]) -> Stack {
        Stack::build(base, identity, layers, NEAR_PARALLELISM)
    }

    fn build(
        base: Arc<dyn ObjectStore>,
        identity: String,
        layers: &[Arc<dyn StoreLayer>],
        parallelism: usize,
    ) -> Stack {
        let control = wrap_all(layers, Realm::Control, Arc::clone(&base));
        let table = wrap_all(layers, Realm::Table, base);
        let objects = TextObjects::new(Arc::clone(&control));
        let lance = LanceBridge::new(Arc::clone(&table), parallelism);
        Stack { inner: Arc::new(Inner { identity, control, table, objects, lance }) }
    }

    /// Names the graph's place: the same for two handles on the same graph, and free of secrets.
    pub fn identity(&self) -> &str {
        &self.inner.identity
    }

    /// The control realm: text objects.
    pub fn objects(&self) -> &TextObjects {
        &self.inner.objects
    }

    /// The table realm: what Lance needs to open a dataset in this store.
    pub fn lance(&self) -> &LanceBridge {
        &self.inner.lance
    }

    /// The store of one realm, layers included, without any adapter.
    pub fn raw(&self, realm: Realm) -> Arc<dyn ObjectStore> {
        match realm {
            Realm::Control => Arc::clone(&self.inner.control),
            Realm::Table => Arc::clone(&self.inner.table),
        }
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack").field("identity", &self.inner.identity).finish_non_exhaustive()
    }
}

/// The process-wide store of this name; it lives as long as the process.
fn memory(name: &str) -> Arc<dyn ObjectStore> {
    static STORES: OnceLock<Mutex<HashMap<String, Arc<InMemory>>>> = OnceLock::new();
    let mut stores = STORES.get_or_init(Mutex::default).lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    Arc::clone(stores.entry(name.to_owned()).or_default()) as Arc<dyn ObjectStore>
}

fn s3(
    uri: &StorageUri,
    bucket: &str,
    prefix: &Path,
    options: &S3Options,
    retry: &RetryOptions,
) -> Result<Arc<dyn ObjectStore>, StorageError> {
    options.check()?;
    // An attempt may take half of the whole, and none begins in the second half, so the whole is a true bound.
    let half = Duration::from_millis(retry.timeout_ms.max(2) / 2);
    let client = ClientOptions::new().with_allow_http(options.allow_http).with_timeout(half).with_connect_timeout(half);
    let mut builder = AmazonS3Builder::new()
        .with_http_connector(TypedConnector::default())
        .with_client_options(client)
        .with_bucket_name(bucket)
        .with_region(options.region.as_deref().unwrap_or("us-east-1"))
        .with_virtual_hosted_style_request(options.virtual_hosted)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_retry(RetryConfig {
            backoff: BackoffConfig { init_backoff: Duration::from_millis(50), max_backoff: half / 4, base: 2.0 },
            max_retries: retry.attempts_max.saturating_sub(1) as usize,
            retry_timeout: half,
        });
    if let Some(endpoint) = &options.endpoint {
        builder = builder.with_endpoint(super::options::masked(endpoint));
    }
    if let Some(id) = &options.access_key_id {
        builder = builder.with_access_key_id(id);
    }
    if let Some(secret) = &options.secret_access_key {
        builder = builder.with_secret_access_key(secret.expose());
    }
    if let Some(token) = &options.session_token {
        builder = builder.with_token(token.expose());
    }
    let store = builder.build().map_err(|cause| {
        StorageError::new(StorageErrorKind::Invalid, uri.to_string(), "open")
            .with_message(format!("cannot reach `{uri}` with these settings, check endpoint, region and credentials"))
            .with_source(cause)
    })?;
    if prefix.is_root() {
        return Ok(Arc::new(store));
    }
    Ok(Arc::new(PrefixStore::new(store, prefix.clone())))
}

#[cfg(test)]
mod tests;
