//! The bridge through which Lance uses the very same store as everything else.
//!
//! Lance finds stores by URL scheme in a registry. Each bridge has a registry of its own with one scheme, `omnigraph`,
//! that leads to the table realm of one stack. So every call of Lance passes the layers, listings included, and no call
//! can reach another store by mistake.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use lance::dataset::WriteParams;
use lance::dataset::builder::DatasetBuilder;
use lance::session::Session;
use lance_file::version::LanceFileVersion;
use lance_io::object_store::{ObjectStore as LanceStore, ObjectStoreParams, ObjectStoreProvider, ObjectStoreRegistry};
use lance_table::io::commit::{CommitHandler, ConditionalPutCommitHandler};
use object_store::ObjectStore;
use object_store::path::Path;
use url::Url;

const SCHEME: &str = "omnigraph";
const ROOT: &str = "omnigraph://graph";
/// Reads closer together than this are one read. The same on every backend, so that calls can be counted anywhere.
const BLOCK_BYTES: usize = 64 * 1024;
/// How often Lance asks again for a body that broke off. The client below has its own retries.
const DOWNLOAD_RETRIES_COUNT: usize = 1;
const INDEX_CACHE_BYTES: usize = 64 << 20;
const METADATA_CACHE_BYTES: usize = 128 << 20;

/// What Lance needs to open, create and commit datasets in one stack.
#[derive(Clone, Debug)]
pub struct LanceBridge {
    session: Arc<Session>,
    store: Arc<LanceStore>,
}

impl LanceBridge {
    pub(super) fn new(table_realm: Arc<dyn ObjectStore>, io_parallelism: usize) -> Self {
        let registry = Arc::new(ObjectStoreRegistry::empty());
        let root = Url::parse(ROOT).expect("the constant is a url");
        let store = LanceStore::new(
            table_realm,
            root.clone(),
            Some(BLOCK_BYTES),
            None,
            false,
            true,
            io_parallelism,
            DOWNLOAD_RETRIES_COUNT,
            None,
        );
        registry.insert(SCHEME, Arc::new(Provider { store }));
        // The registry's cache is weak; as long as this one is held, every lookup finds it.
        let store = registry
            .get_store(root, &Self::params())
            .now_or_never()
            .and_then(Result::ok)
            .expect("the provider only clones the store that it holds");
        let session = Arc::new(Session::new(INDEX_CACHE_BYTES, METADATA_CACHE_BYTES, registry));
        LanceBridge { session, store }
    }

    /// The URI of the dataset at `path` below the graph root. It means something to this bridge's session only.
    pub fn uri(&self, path: &str) -> String {
        let mut url = Url::parse(ROOT).expect("the constant is a url");
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(path.split('/').filter(|segment| !segment.is_empty()));
        }
        url.into()
    }

    /// A builder that opens the dataset at `path` below the graph root.
    pub fn dataset(&self, path: &str) -> DatasetBuilder {
        DatasetBuilder::from_uri(self.uri(path))
            .with_session(self.session())
            .with_store_params(self.store_params())
            .with_commit_handler(self.commit_handler())
    }

    /// Parameters for creating, appending to or staging a write on a dataset; the caller sets the mode.
    pub fn write_params(&self) -> WriteParams {
        WriteParams {
            session: Some(self.session()),
            store_params: Some(self.store_params()),
            commit_handler: Some(self.commit_handler()),
            data_storage_version: Some(LanceFileVersion::Stable),
            enable_v2_manifest_paths: true,
            auto_cleanup: None,
            skip_auto_cleanup: true,
            ..WriteParams::default()
        }
    }

    /// The session, whose caches all datasets of this bridge share.
    pub fn session(&self) -> Arc<Session> {
        Arc::clone(&self.session)
    }

    /// The store parameters that lead to this stack.
    pub fn store_params(&self) -> ObjectStoreParams {
        Self::params()
    }

    /// The handler by which a commit is one create-only put. It must be named everywhere: for a scheme that Lance does
    /// not know, its default would let two writers overwrite each other.
    pub fn commit_handler(&self) -> Arc<dyn CommitHandler> {
        Arc::new(ConditionalPutCommitHandler)
    }

    /// The store as Lance sees it.
    pub fn store(&self) -> &Arc<LanceStore> {
        &self.store
    }

    fn params() -> ObjectStoreParams {
        ObjectStoreParams {
            block_size: Some(BLOCK_BYTES),
            list_is_lexically_ordered: Some(true),
            ..ObjectStoreParams::default()
        }
    }
}

/// Hands out the one store of the bridge.
#[derive(Debug)]
struct Provider {
    store: LanceStore,
}

#[async_trait]
impl ObjectStoreProvider for Provider {
    async fn new_store(&self, _base: Url, _params: &ObjectStoreParams) -> lance_core::Result<LanceStore> {
        Ok(self.store.clone())
    }

    fn extract_path(&self, url: &Url) -> lance_core::Result<Path> {
        Path::from_url_path(url.path())
            .map_err(|cause| lance_core::Error::invalid_input(format!("`{url}` names no object of a graph: {cause}")))
    }

    fn calculate_object_store_prefix(
        &self,
        _url: &Url,
        _options: Option<&HashMap<String, String>>,
    ) -> lance_core::Result<String> {
        Ok(ROOT.to_owned())
    }
}

#[cfg(test)]
mod tests;
