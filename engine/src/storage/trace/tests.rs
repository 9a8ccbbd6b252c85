use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::{ObjectStoreExt, PutMode};

use super::*;
use crate::storage::{FaultKind, FaultLayer, FaultPolicy, Verdict};

fn store(layer: &TraceLayer, realm: Realm) -> Arc<dyn ObjectStore> {
    layer.wrap(realm, Arc::new(InMemory::new()))
}

fn sidecar() -> Path {
    Path::from("__recovery/a.json")
}

#[tokio::test]
async fn every_call_is_counted_once_under_its_own_name() {
    let layer = TraceLayer::new();
    let store = store(&layer, Realm::Table);
    let path = sidecar();
    let created = store.put_opts(&path, "12345".into(), PutMode::Create.into()).await.unwrap();
    store.put(&path, "123".into()).await.unwrap();
    let stale = object_store::UpdateVersion { e_tag: created.e_tag, version: None };
    store.put_opts(&path, "1".into(), PutMode::Update(stale).into()).await.unwrap_err();
    store.get(&path).await.unwrap();
    store.get_ranges(&path, &[0..1, 2..3]).await.unwrap();
    store.head(&path).await.unwrap();
    drop(store.list(None).try_collect::<Vec<_>>().await.unwrap());
    drop(store.list_with_offset(None, &path).try_collect::<Vec<_>>().await.unwrap());
    store.list_with_delimiter(Some(&Path::from("__recovery"))).await.unwrap();
    store.copy(&path, &Path::from("b")).await.unwrap();
    store.rename(&Path::from("b"), &Path::from("c")).await.unwrap();
    let mut upload = store.put_multipart(&Path::from("d")).await.unwrap();
    upload.put_part("12".into()).await.unwrap();
    upload.put_part("3".into()).await.unwrap();
    upload.complete().await.unwrap();
    store.put_multipart(&Path::from("e")).await.unwrap().abort().await.unwrap();
    let gone = futures::stream::iter([Ok(path.clone()), Ok(Path::from("c"))]).boxed();
    store.delete_stream(gone).try_collect::<Vec<_>>().await.unwrap();

    use {Operation as O, PathClass as C};
    let counts: Vec<_> =
        layer.snapshot().iter().map(|(key, count)| (key.operation, key.class, count.calls, count.bytes)).collect();
    assert_eq!(
        counts,
        [
            (O::Put, C::Sidecar, 1, 3),
            (O::PutIfAbsent, C::Sidecar, 1, 5),
            (O::PutIfMatch, C::Sidecar, 1, 1),
            (O::MultipartStart, C::Other, 2, 0),
            (O::MultipartPart, C::Other, 2, 3),
            (O::MultipartComplete, C::Other, 1, 0),
            (O::MultipartAbort, C::Other, 1, 0),
            (O::Get, C::Sidecar, 2, 5),
            (O::Head, C::Sidecar, 1, 0),
            (O::List, C::Sidecar, 1, 0),
            (O::List, C::Other, 2, 0),
            (O::Delete, C::Sidecar, 1, 0),
            (O::Delete, C::Other, 1, 0),
            (O::Copy, C::Other, 1, 0),
            (O::Rename, C::Other, 1, 0),
        ]
    );
}

#[tokio::test]
async fn both_realms_share_the_counts_and_a_difference_can_be_taken() {
    let layer = TraceLayer::new();
    let (control, table) = (store(&layer, Realm::Control), store(&layer, Realm::Table));
    control.put(&sidecar(), "1".into()).await.unwrap();
    let before = layer.snapshot();
    table.put(&sidecar(), "12".into()).await.unwrap();
    assert_eq!(layer.snapshot().total(), 2);
    let added = layer.clone().snapshot().since(&before);
    assert_eq!(added.total(), 1);
    assert_eq!(added.calls(|key| key.realm == Realm::Table), 1);
    assert_eq!(added.since(&added), CallCounts::default());
}

#[derive(Debug)]
struct Do(Verdict);

impl FaultPolicy for Do {
    fn verdict(&self, _: &Call) -> Verdict {
        self.0.clone()
    }
}

#[tokio::test]
async fn the_trace_says_how_each_call_ended_in_the_order_of_their_ends() {
    let layer = TraceLayer::with_trace(2);
    let over = |verdict| {
        let inner = FaultLayer::new(Arc::new(Do(verdict))).wrap(Realm::Control, Arc::new(InMemory::new()));
        layer.wrap(Realm::Control, inner)
    };
    let path = sidecar();
    over(Verdict::Pass).put(&path, "1".into()).await.unwrap();
    over(Verdict::Fail(FaultKind::Throttled)).get(&path).await.unwrap_err();
    let hanging = over(Verdict::Hang);
    assert!(hanging.list_with_delimiter(None).now_or_never().is_none());
    let trace = layer.take_trace();
    let seen: Vec<_> = trace.iter().map(|record| (record.seq, record.call.operation, record.outcome)).collect();
    // The first call was pushed out: a trace is bounded.
    assert_eq!(
        seen,
        [
            (1, Operation::Get, CallOutcome::Failed(StorageErrorKind::Throttled)),
            (2, Operation::List, CallOutcome::Abandoned),
        ]
    );
    assert!(layer.take_trace().is_empty());
    assert_eq!(layer.snapshot().total(), 3);
}

#[tokio::test]
async fn a_listing_that_is_read_in_part_is_done_and_one_that_fails_is_not() {
    let layer = TraceLayer::with_trace(8);
    let good = store(&layer, Realm::Control);
    good.put(&sidecar(), "1".into()).await.unwrap();
    drop(good.list(None).next().await.unwrap().unwrap());
    let inner = FaultLayer::new(Arc::new(Do(Verdict::Fail(FaultKind::Timeout))))
        .wrap(Realm::Control, Arc::new(InMemory::new()));
    layer.wrap(Realm::Control, inner).list(None).next().await.unwrap().unwrap_err();
    let outcomes: Vec<_> = layer.take_trace().iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes, [CallOutcome::Done, CallOutcome::Done, CallOutcome::Failed(StorageErrorKind::Timeout)]);
}

#[derive(Debug, Default)]
struct Notes(Mutex<Vec<String>>);

impl CallObserver for Notes {
    fn began(&self, seq: u64, call: &Call) {
        lock(&self.0).push(format!("{seq} began {call}"));
    }

    fn ended(&self, record: &CallRecord) {
        lock(&self.0).push(format!("{} ended {} {:?}", record.seq, record.call, record.outcome));
    }
}

#[tokio::test]
async fn an_observer_hears_of_every_call_as_it_begins_and_ends() {
    let notes = Arc::new(Notes::default());
    let layer = TraceLayer::with_observer(0, Arc::clone(&notes) as Arc<dyn CallObserver>);
    let store = store(&layer, Realm::Control);
    store.put(&sidecar(), "123".into()).await.unwrap();
    store.get(&sidecar()).await.unwrap();
    assert_eq!(
        *lock(&notes.0),
        [
            "0 began control put __recovery/a.json (3 bytes)",
            "0 ended control put __recovery/a.json (3 bytes) Done",
            "1 began control get __recovery/a.json (0 bytes)",
            "1 ended control get __recovery/a.json (3 bytes) Done",
        ]
    );
}
