//! Buckets: the bytes, and the lock that makes conditional writes true.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use bytes::Bytes;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    Attributes, GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, UpdateVersion,
};
use s3s::dto::ETag;
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};
use tokio::sync::Mutex;

use super::condition::WriteCondition;
use super::endpoint::EndpointLimits;
use super::multipart::Uploads;

/// Every bucket of one endpoint.
#[derive(Debug)]
pub(super) struct Buckets {
    limits: EndpointLimits,
    by_name: RwLock<BTreeMap<String, Arc<Bucket>>>,
}

impl Buckets {
    pub(super) fn new(limits: EndpointLimits) -> Self {
        Self { limits, by_name: RwLock::new(BTreeMap::new()) }
    }

    pub(super) fn create(&self, name: &str) -> S3Result<()> {
        let mut by_name = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        if by_name.contains_key(name) {
            return Err(s3_error!(BucketAlreadyOwnedByYou, "the bucket {name} is there already"));
        }
        if by_name.len() >= self.limits.buckets {
            return Err(s3_error!(TooManyBuckets, "there are {} buckets already", self.limits.buckets));
        }
        by_name.insert(name.to_owned(), Arc::new(Bucket::new(self.limits.uploads)));
        Ok(())
    }

    /// Forgets a bucket and all that is in it.
    pub(super) fn remove(&self, name: &str) {
        self.by_name.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    pub(super) fn get(&self, name: &str) -> S3Result<Arc<Bucket>> {
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        by_name.get(name).cloned().ok_or_else(|| s3_error!(NoSuchBucket, "there is no bucket {name}"))
    }

    /// Names with their birth, sorted.
    pub(super) fn list(&self) -> Vec<(String, SystemTime)> {
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        by_name.iter().map(|(name, bucket)| (name.clone(), bucket.created)).collect()
    }
}

/// One bucket. Reads go straight to the store; every write holds `writing`, so that what a condition looked at is still
/// true when the write lands.
#[derive(Debug)]
pub(super) struct Bucket {
    created: SystemTime,
    objects: InMemory,
    writing: Mutex<()>,
    pub(super) uploads: Uploads,
}

impl Bucket {
    fn new(uploads_max: usize) -> Self {
        Self {
            created: SystemTime::now(),
            objects: InMemory::new(),
            writing: Mutex::new(()),
            uploads: Uploads::new(uploads_max),
        }
    }

    /// The object's facts, attributes and bytes.
    pub(super) async fn read(&self, key: &str) -> S3Result<(ObjectMeta, Attributes, Bytes)> {
        let path = parse_key(key)?;
        let found = self.objects.get_opts(&path, GetOptions::default()).await.map_err(|error| translate(key, error))?;
        let (meta, attributes) = (found.meta.clone(), found.attributes.clone());
        let bytes = found.bytes().await.map_err(|error| translate(key, error))?;
        Ok((meta, attributes, bytes))
    }

    /// Writes the whole object if `condition` holds at that instant, and answers with its new tag.
    pub(super) async fn write(
        &self,
        key: &str,
        bytes: Bytes,
        attributes: Attributes,
        condition: &WriteCondition,
    ) -> S3Result<ETag> {
        let path = parse_key(key)?;
        let _writing = self.writing.lock().await;
        let mode = match condition {
            WriteCondition::Always => PutMode::Overwrite,
            WriteCondition::Absent => PutMode::Create,
            WriteCondition::Tag(tag) => {
                // S3 answers 404 and not 412 when there is nothing that could match.
                self.objects.head(&path).await.map_err(|error| translate(key, error))?;
                PutMode::Update(UpdateVersion { e_tag: Some(format!("\"{tag}\"")), version: None })
            }
        };
        let options = PutOptions { mode, attributes, ..PutOptions::default() };
        let written =
            self.objects.put_opts(&path, bytes.into(), options).await.map_err(|error| translate(key, error))?;
        tag_of(written.e_tag.as_deref())
    }

    /// Removes the object if `condition` holds. A missing object is fine, except where a tag has to match.
    pub(super) async fn delete(&self, key: &str, condition: &WriteCondition) -> S3Result<()> {
        let path = parse_key(key)?;
        let _writing = self.writing.lock().await;
        if let WriteCondition::Tag(tag) = condition {
            let meta = self.objects.head(&path).await.map_err(|error| translate(key, error))?;
            if tag_of(meta.e_tag.as_deref())?.value() != tag {
                return Err(s3_error!(PreconditionFailed, "the object {key} has another tag"));
            }
        }
        self.objects.delete(&path).await.map_err(|error| translate(key, error))
    }

    /// Everything whose key starts with `prefix`, in the byte order of keys.
    pub(super) async fn list(&self, prefix: &str) -> S3Result<Vec<ObjectMeta>> {
        use futures::TryStreamExt;
        // The store lists by whole path segments, S3 by any text.
        let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        let Ok(folder) = Path::parse(folder) else { return Ok(Vec::new()) };
        let all: Vec<ObjectMeta> =
            self.objects.list(Some(&folder)).try_collect().await.map_err(|error| translate(prefix, error))?;
        Ok(all.into_iter().filter(|meta| meta.location.as_ref().starts_with(prefix)).collect())
    }

    pub(super) async fn is_empty(&self) -> S3Result<bool> {
        Ok(self.list("").await?.is_empty())
    }
}

/// Keys are taken byte for byte. The few that the store would fold into another key (empty or dot segments, a slash at
/// either end) are refused, because folding would make two objects one.
fn parse_key(key: &str) -> S3Result<Path> {
    match Path::parse(key) {
        Ok(path) if path.as_ref() == key && !key.is_empty() => Ok(path),
        _ => Err(s3_error!(
            InvalidArgument,
            "the key {key:?} has an empty or a dot segment, which this endpoint does not store"
        )),
    }
}

pub(super) fn tag_of(tag: Option<&str>) -> S3Result<ETag> {
    let text = tag.ok_or_else(|| s3_error!(InternalError, "the store gave no tag"))?;
    ETag::parse_http_header(text.as_bytes())
        .map_err(|error| S3Error::with_source(S3ErrorCode::InternalError, Box::new(error)))
}

fn translate(key: &str, error: object_store::Error) -> S3Error {
    match error {
        object_store::Error::NotFound { .. } => s3_error!(NoSuchKey, "there is no object {key}"),
        object_store::Error::AlreadyExists { .. } => s3_error!(PreconditionFailed, "the object {key} is there already"),
        object_store::Error::Precondition { .. } => s3_error!(PreconditionFailed, "the object {key} has another tag"),
        other => S3Error::with_source(S3ErrorCode::InternalError, Box::new(other)),
    }
}
