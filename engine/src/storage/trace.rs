//! A layer that counts every call, and keeps a bounded trace of them where that was asked for.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};
use serde::{Deserialize, Serialize};

use super::classify::{Call, Operation, PathClass, Realm};
use super::error::StorageErrorKind;
use super::layer::{StoreLayer, get_operation, put_operation, ranges_bytes, requested_bytes};

/// What calls are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallKey {
    /// Which API made the calls.
    pub realm: Realm,
    /// What they do.
    pub operation: Operation,
    /// What kind of object they are about.
    pub class: PathClass,
}

/// How many calls there were, and how many bytes they moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCount {
    /// Calls that began. One listing is one call, however many pages it takes; one deletion is one call per object.
    pub calls: u64,
    /// Bytes that writes carried, and that reads which succeeded were answered with.
    pub bytes: u64,
}

/// Counts of calls, in a stable order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallCounts(BTreeMap<CallKey, CallCount>);

impl CallCounts {
    /// All counts, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (CallKey, CallCount)> + '_ {
        self.0.iter().map(|(key, count)| (*key, *count))
    }

    /// Calls in all.
    pub fn total(&self) -> u64 {
        self.0.values().map(|count| count.calls).sum()
    }

    /// Calls whose key fulfils `wanted`.
    pub fn calls(&self, wanted: impl Fn(&CallKey) -> bool) -> u64 {
        self.0.iter().filter(|(key, _)| wanted(key)).map(|(_, count)| count.calls).sum()
    }

    /// What was added since `earlier`, a snapshot of the same layer.
    pub fn since(&self, earlier: &CallCounts) -> CallCounts {
        let added = self.0.iter().filter_map(|(key, now)| {
            let then = earlier.0.get(key).copied().unwrap_or_default();
            let added =
                CallCount { calls: now.calls.saturating_sub(then.calls), bytes: now.bytes.saturating_sub(then.bytes) };
            (added != CallCount::default()).then_some((*key, added))
        });
        CallCounts(added.collect())
    }
}

impl fmt::Display for CallCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, count) in self.iter() {
            let CallKey { realm, operation, class } = key;
            writeln!(f, "{realm:<8}{operation:<19}{class:<18}{:>8}{:>14}", count.calls, count.bytes)?;
        }
        Ok(())
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallOutcome {
    /// It succeeded; a listing whose reader stopped early counts as such.
    Done,
    /// It failed.
    Failed(StorageErrorKind),
    /// Its caller went away before it ended.
    Abandoned,
}

/// One call that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The place in the order in which the calls began, from 0.
    pub seq: u64,
    /// The call; of a read that succeeded, `bytes` is what was answered.
    pub call: Call,
    /// How it ended.
    pub outcome: CallOutcome,
}

/// Told of every call as it happens. Must be quick, and must not call the store.
pub trait CallObserver: fmt::Debug + Send + Sync {
    /// A call begins.
    fn began(&self, seq: u64, call: &Call) {
        let _ = (seq, call);
    }

    /// A call has ended.
    fn ended(&self, record: &CallRecord) {
        let _ = record;
    }
}

/// Counts the calls of all stacks that it is part of. Clones share their counts.
#[derive(Clone, Debug, Default)]
pub struct TraceLayer {
    state: Arc<TraceState>,
}

#[derive(Debug, Default)]
struct TraceState {
    next: AtomicU64,
    counts: Mutex<CallCounts>,
    trace: Mutex<VecDeque<CallRecord>>,
    trace_max: usize,
    observer: Option<Arc<dyn CallObserver>>,
}

impl TraceLayer {
    /// A layer that only counts.
    pub fn new() -> Self {
        TraceLayer::default()
    }

    /// A layer that also keeps the last `records_max` calls.
    pub fn with_trace(records_max: usize) -> Self {
        TraceLayer { state: Arc::new(TraceState { trace_max: records_max, ..TraceState::default() }) }
    }

    /// A layer that also tells `observer` of every call.
    pub fn with_observer(records_max: usize, observer: Arc<dyn CallObserver>) -> Self {
        let state = TraceState { trace_max: records_max, observer: Some(observer), ..TraceState::default() };
        TraceLayer { state: Arc::new(state) }
    }

    /// The counts so far.
    pub fn snapshot(&self) -> CallCounts {
        lock(&self.state.counts).clone()
    }

    /// Takes the kept calls out, oldest first by when they ended.
    pub fn take_trace(&self) -> Vec<CallRecord> {
        lock(&self.state.trace).drain(..).collect()
    }
}

impl StoreLayer for TraceLayer {
    fn wrap(&self, realm: Realm, inner: Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
        Arc::new(TraceStore { inner, probe: Probe { realm, state: Arc::clone(&self.state) } })
    }
}

impl TraceState {
    fn add(&self, call: &Call, calls: u64, bytes: u64) {
        let key = CallKey { realm: call.realm, operation: call.operation, class: call.class };
        let mut counts = lock(&self.counts);
        let count = counts.0.entry(key).or_default();
        count.calls += calls;
        count.bytes += bytes;
    }

    fn ended(&self, record: CallRecord) {
        if let Some(observer) = &self.observer {
            observer.ended(&record);
        }
        if self.trace_max == 0 {
            return;
        }
        let mut trace = lock(&self.trace);
        if trace.len() == self.trace_max {
            trace.pop_front();
        }
        trace.push_back(record);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[derive(Clone, Debug)]
struct Probe {
    realm: Realm,
    state: Arc<TraceState>,
}

impl Probe {
    fn begin(&self, operation: Operation, path: &Path, bytes: u64) -> Span {
        let call = Call::new(self.realm, operation, path, bytes);
        let seq = self.state.next.fetch_add(1, Ordering::Relaxed);
        self.state.add(&call, 1, if operation.is_write() { bytes } else { 0 });
        if let Some(observer) = &self.state.observer {
            observer.began(seq, &call);
        }
        Span { state: Arc::clone(&self.state), unless_ended: CallOutcome::Abandoned, record: Some((seq, call)) }
    }
}

/// One call under way.
struct Span {
    state: Arc<TraceState>,
    unless_ended: CallOutcome,
    record: Option<(u64, Call)>,
}

impl Span {
    /// A call whose reader may stop early without giving it up.
    fn may_stop_early(mut self) -> Self {
        self.unless_ended = CallOutcome::Done;
        self
    }

    fn end<T>(mut self, outcome: Result<T>) -> Result<T> {
        self.finish(CallOutcome::of(&outcome), 0);
        outcome
    }

    fn end_read<T>(mut self, outcome: Result<T>, bytes: impl Fn(&T) -> u64) -> Result<T> {
        let answered = outcome.as_ref().map_or(0, bytes);
        self.finish(CallOutcome::of(&outcome), answered);
        outcome
    }

    fn finish(&mut self, outcome: CallOutcome, answered: u64) {
        let Some((seq, mut call)) = self.record.take() else { return };
        if answered > 0 {
            self.state.add(&call, 0, answered);
            call.bytes = answered;
        }
        self.state.ended(CallRecord { seq, call, outcome });
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        self.finish(self.unless_ended, 0);
    }
}

impl CallOutcome {
    fn of<T>(outcome: &Result<T>) -> CallOutcome {
        match outcome {
            Ok(_) => CallOutcome::Done,
            Err(cause) => CallOutcome::Failed(StorageErrorKind::of(cause).unwrap_or(StorageErrorKind::Other)),
        }
    }
}

#[derive(Debug)]
struct TraceStore {
    inner: Arc<dyn ObjectStore>,
    probe: Probe,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for TraceStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let span = self.probe.begin(put_operation(&options.mode), location, payload.content_length() as u64);
        span.end(self.inner.put_opts(location, payload, options).await)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let span = self.probe.begin(Operation::MultipartStart, location, 0);
        let inner = span.end(self.inner.put_multipart_opts(location, options).await)?;
        Ok(Box::new(TraceUpload { inner, probe: self.probe.clone(), location: location.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let (operation, head) = (get_operation(&options), options.head);
        let span = self.probe.begin(operation, location, requested_bytes(&options));
        let answered = |found: &GetResult| if head { 0 } else { found.range.end - found.range.start };
        span.end_read(self.inner.get_opts(location, options).await, answered)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let span = self.probe.begin(Operation::Get, location, ranges_bytes(ranges));
        let answered = |found: &Vec<Bytes>| found.iter().map(|bytes| bytes.len() as u64).sum();
        span.end_read(self.inner.get_ranges(location, ranges).await, answered)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        // A bulk delete answers in the order in which it was asked, one answer for each object.
        let open = Arc::new(Mutex::new(VecDeque::new()));
        let (probe, asked) = (self.probe.clone(), Arc::clone(&open));
        let locations = locations.inspect(move |location| {
            if let Ok(location) = location {
                lock(&asked).push_back(probe.begin(Operation::Delete, location, 0));
            }
        });
        let answers = self.inner.delete_stream(locations.boxed());
        answers
            .map(move |answer| match lock(&open).pop_front() {
                Some(span) => span.end(answer),
                None => answer,
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let span = self.probe.begin(Operation::List, prefix.unwrap_or(&Path::ROOT), 0);
        watched(self.inner.list(prefix), span)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        let span = self.probe.begin(Operation::List, prefix.unwrap_or(&Path::ROOT), 0);
        watched(self.inner.list_with_offset(prefix, offset), span)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let span = self.probe.begin(Operation::List, prefix.unwrap_or(&Path::ROOT), 0);
        span.end(self.inner.list_with_delimiter(prefix).await)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let span = self.probe.begin(Operation::Copy, to, 0);
        span.end(self.inner.copy_opts(from, to, options).await)
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let span = self.probe.begin(Operation::Rename, to, 0);
        span.end(self.inner.rename_opts(from, to, options).await)
    }
}

impl fmt::Display for TraceStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trace({})", self.inner)
    }
}

/// The entries of `inner`; the first failure, or else the end, ends the span.
fn watched(inner: BoxStream<'static, Result<ObjectMeta>>, span: Span) -> BoxStream<'static, Result<ObjectMeta>> {
    let mut span = span.may_stop_early();
    inner
        .inspect(move |entry| {
            if entry.is_err() {
                span.finish(CallOutcome::of(entry), 0);
            }
        })
        .boxed()
}

#[derive(Debug)]
struct TraceUpload {
    inner: Box<dyn MultipartUpload>,
    probe: Probe,
    location: Path,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MultipartUpload for TraceUpload {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        let span = self.probe.begin(Operation::MultipartPart, &self.location, part.content_length() as u64);
        self.inner.put_part(part).map(|outcome| span.end(outcome)).boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let span = self.probe.begin(Operation::MultipartComplete, &self.location, 0);
        span.end(self.inner.complete().await)
    }

    async fn abort(&mut self) -> Result<()> {
        let span = self.probe.begin(Operation::MultipartAbort, &self.location, 0);
        span.end(self.inner.abort().await)
    }
}

#[cfg(test)]
mod tests;
