//! The layer's store: every method asks, then does what it was told.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

use super::answer::{bend_payload, bend_ranges, bend_result};
use super::history::{Before, History};
use super::late::{Change, LateCall, label};
use super::upload::FaultUpload;
use super::{FaultKind, FaultPolicy, Verdict, dead};
use crate::storage::classify::{Call, Operation, Realm};
use crate::storage::layer::{get_operation, put_operation, ranges_bytes, requested_bytes};

/// Deletes that one stream has under way.
const DELETES_PARALLELISM: usize = 16;

#[derive(Clone, Debug)]
pub(super) struct FaultStore {
    pub(super) realm: Realm,
    pub(super) inner: Arc<dyn ObjectStore>,
    pub(super) policy: Arc<dyn FaultPolicy>,
    pub(super) history: Arc<History>,
}

impl FaultStore {
    /// Asks for the verdict on a call.
    pub(super) fn ask(&self, operation: Operation, path: &Path, bytes: u64) -> Verdict {
        self.policy.verdict(&Call::new(self.realm, operation, path, bytes))
    }

    async fn enter(&self, operation: Operation, path: &Path, bytes: u64) -> Result<Verdict> {
        enter(self.ask(operation, path, bytes), path).await
    }

    /// Keeps a call back, and says what its caller hears.
    pub(super) fn keep_back(
        &self,
        label: &str,
        operation: Operation,
        path: &Path,
        change: Change,
    ) -> object_store::Error {
        match LateCall::new(self.realm, operation, path, change) {
            Ok(call) => {
                self.policy.late(label, call);
                FaultKind::Timeout.error(path)
            }
            Err(too_large) => too_large,
        }
    }

    /// A store that holds the object as it was before the last write to it.
    async fn past(&self, location: &Path) -> Result<Option<InMemory>> {
        let past = InMemory::new();
        match self.history.before(location) {
            Some(Before::Absent) => {}
            Some(Before::Content(content)) => drop(past.put(location, content.into()).await?),
            Some(Before::Unknown) | None => return Ok(None),
        }
        Ok(Some(past))
    }

    async fn delete_one(self, location: Path) -> Result<Path> {
        let verdict = self.enter(Operation::Delete, &location, 0).await?;
        if verdict == Verdict::LostWrite {
            return Ok(location);
        }
        if let Some(label) = label(&verdict) {
            return Err(self.keep_back(label, Operation::Delete, &location, Change::Delete));
        }
        let target = target_of(&location, &verdict);
        let outcome = self.inner.delete(target).await;
        if outcome.is_ok() {
            self.history.deleted(target);
        }
        acknowledge(&verdict, &location, outcome.map(|()| location.clone()))
    }

    /// A listing as it was before the last write below the prefix.
    async fn unwritten(&self, prefix: &Path, mut objects: Vec<ObjectMeta>, flat: bool) -> Result<Vec<ObjectMeta>> {
        let Some((path, before)) = self.history.last_below(prefix) else { return Ok(objects) };
        let direct = path.prefix_match(prefix).is_some_and(|rest| rest.count() == 1);
        match before {
            Before::Absent => objects.retain(|object| object.location != path),
            Before::Content(content) if flat || direct => {
                objects.retain(|object| object.location != path);
                let past = InMemory::new();
                past.put(&path, content.into()).await?;
                objects.push(past.head(&path).await?);
                objects.sort_by(|a, b| a.location.cmp(&b.location));
            }
            _ => {}
        }
        Ok(objects)
    }

    fn list_with(
        &self,
        prefix: Option<&Path>,
        offset: Option<&Path>,
        open: impl FnOnce(&Path) -> BoxStream<'static, Result<ObjectMeta>> + Send + 'static,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let prefix = prefix.cloned().unwrap_or_default();
        let offset = offset.cloned();
        let verdict = self.ask(Operation::List, &prefix, 0);
        if verdict == Verdict::Pass {
            // An untouched listing stays as lazy as it was.
            return open(&prefix);
        }
        let store = self.clone();
        let listing = async move {
            let verdict = enter(verdict, &prefix).await?;
            let target = target_of(&prefix, &verdict);
            let mut objects: Vec<ObjectMeta> = open(target).try_collect().await?;
            match &verdict {
                Verdict::Stale => {
                    objects = store.unwritten(target, objects, true).await?;
                    objects.retain(|object| offset.as_ref().is_none_or(|offset| object.location > *offset));
                }
                Verdict::Torn { bytes } => objects.truncate(usize::try_from(*bytes).unwrap_or(usize::MAX)),
                _ => {}
            }
            acknowledge(&verdict, &prefix, Ok(futures::stream::iter(objects.into_iter().map(Ok))))
        };
        futures::stream::once(listing).try_flatten().boxed()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for FaultStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let bytes = payload.content_length() as u64;
        let operation = put_operation(&options.mode);
        let verdict = self.enter(operation, location, bytes).await?;
        if verdict == Verdict::LostWrite {
            return Ok(lost());
        }
        if let Some(label) = label(&verdict) {
            return Err(self.keep_back(label, operation, location, Change::put(payload.into(), &options.mode)));
        }
        let target = target_of(location, &verdict);
        let payload = bend_payload(payload, &verdict);
        let created = options.mode == PutMode::Create;
        let outcome = self.inner.put_opts(target, payload.clone(), options).await;
        if outcome.is_ok() {
            self.history.wrote(target, Some(payload.into()), created);
        }
        acknowledge(&verdict, location, outcome)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let verdict = self.enter(Operation::MultipartStart, location, 0).await?;
        if verdict == Verdict::LostWrite {
            return Ok(Box::new(FaultUpload::lost(self.clone(), location.clone())));
        }
        let target = target_of(location, &verdict).clone();
        let outcome = self.inner.put_multipart_opts(&target, options).await;
        let inner = acknowledge(&verdict, location, outcome)?;
        Ok(Box::new(FaultUpload::new(self.clone(), location.clone(), target, inner)))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let verdict = self.enter(get_operation(&options), location, requested_bytes(&options)).await?;
        if verdict == Verdict::Stale
            && let Some(past) = self.past(location).await?
        {
            return past.get_opts(location, options).await;
        }
        let head = options.head;
        let mut found = self.inner.get_opts(target_of(location, &verdict), options).await?;
        found.meta.location = location.clone();
        let found = if head { found } else { bend_result(found, &verdict).await? };
        acknowledge(&verdict, location, Ok(found))
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let verdict = self.enter(Operation::Get, location, ranges_bytes(ranges)).await?;
        if verdict == Verdict::Stale
            && let Some(past) = self.past(location).await?
        {
            return past.get_ranges(location, ranges).await;
        }
        let found = self.inner.get_ranges(target_of(location, &verdict), ranges).await?;
        acknowledge(&verdict, location, Ok(bend_ranges(found, &verdict)))
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        locations
            .map(move |location| {
                let store = store.clone();
                async move { store.delete_one(location?).await }
            })
            .buffered(DELETES_PARALLELISM)
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let inner = Arc::clone(&self.inner);
        self.list_with(prefix, None, move |prefix| inner.list(Some(prefix)))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        let (inner, from) = (Arc::clone(&self.inner), offset.clone());
        self.list_with(prefix, Some(offset), move |prefix| inner.list_with_offset(Some(prefix), &from))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = prefix.cloned().unwrap_or_default();
        let verdict = self.enter(Operation::List, &prefix, 0).await?;
        let target = target_of(&prefix, &verdict);
        let mut found = self.inner.list_with_delimiter(Some(target)).await?;
        match &verdict {
            Verdict::Stale => found.objects = self.unwritten(target, found.objects, false).await?,
            Verdict::Torn { bytes } => found.objects.truncate(usize::try_from(*bytes).unwrap_or(usize::MAX)),
            _ => {}
        }
        acknowledge(&verdict, &prefix, Ok(found))
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let verdict = self.enter(Operation::Copy, to, 0).await?;
        if verdict == Verdict::LostWrite {
            return Ok(());
        }
        if let Some(label) = label(&verdict) {
            return Err(self.keep_back(label, Operation::Copy, to, Change::copy(from, &options)));
        }
        let target = target_of(to, &verdict);
        let outcome = self.inner.copy_opts(from, target, options).await;
        if outcome.is_ok() {
            self.history.wrote(target, self.history.content(from), false);
        }
        acknowledge(&verdict, to, outcome)
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let verdict = self.enter(Operation::Rename, to, 0).await?;
        if verdict == Verdict::LostWrite {
            return Ok(());
        }
        if let Some(label) = label(&verdict) {
            return Err(self.keep_back(label, Operation::Rename, to, Change::rename(from, &options)));
        }
        let target = target_of(to, &verdict);
        let outcome = self.inner.rename_opts(from, target, options).await;
        if outcome.is_ok() {
            self.history.wrote(target, self.history.content(from), false);
            self.history.deleted(from);
        }
        acknowledge(&verdict, to, outcome)
    }
}

impl fmt::Display for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fault({})", self.inner)
    }
}

/// Carries out what happens before a call; what comes back is left to the call itself.
pub(super) async fn enter(verdict: Verdict, path: &Path) -> Result<Verdict> {
    match verdict {
        Verdict::Fail(kind) => Err(kind.error(path)),
        Verdict::Dead => Err(dead()),
        Verdict::Hang => std::future::pending().await,
        Verdict::Delay(time) => {
            tokio::time::sleep(time).await;
            Ok(Verdict::Pass)
        }
        other => Ok(other),
    }
}

/// The answer that reaches the caller.
pub(super) fn acknowledge<T>(verdict: &Verdict, path: &Path, outcome: Result<T>) -> Result<T> {
    match (verdict, outcome) {
        (Verdict::AckLost(kind), Ok(_)) => Err(kind.error(path)),
        (_, outcome) => outcome,
    }
}

/// The answer to a write that never happened.
pub(super) fn lost() -> PutResult {
    PutResult { e_tag: Some("\"lost\"".to_owned()), version: None, extensions: Default::default() }
}

fn target_of<'a>(location: &'a Path, verdict: &'a Verdict) -> &'a Path {
    match verdict {
        Verdict::Misdirect(elsewhere) => elsewhere,
        _ => location,
    }
}
