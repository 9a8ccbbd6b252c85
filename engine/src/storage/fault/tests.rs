use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::{ObjectStoreExt, PutMode, UpdateVersion};

use super::*;
use crate::storage::{Operation, StorageErrorKind};

/// Gives a verdict on the calls of one operation, and counts how often it did.
#[derive(Debug)]
struct On(Operation, Verdict, Mutex<usize>);

impl FaultPolicy for On {
    fn verdict(&self, call: &Call) -> Verdict {
        if call.operation != self.0 {
            return Verdict::Pass;
        }
        *self.2.lock().unwrap() += 1;
        self.1.clone()
    }
}

/// A store under one verdict, and the bare store below it, which holds `object`.
struct Bench {
    base: Arc<InMemory>,
    store: Arc<dyn ObjectStore>,
    policy: Arc<On>,
}

const OLD: &str = "old content";
const NEW: &str = "new content!";

impl Bench {
    async fn new(operation: Operation, verdict: Verdict) -> Bench {
        let base = Arc::new(InMemory::new());
        base.put(&Path::from("dir/object"), OLD.into()).await.unwrap();
        let policy = Arc::new(On(operation, verdict, Mutex::new(0)));
        let layer = FaultLayer::new(Arc::clone(&policy) as Arc<dyn FaultPolicy>);
        let store = layer.wrap(Realm::Table, Arc::clone(&base) as Arc<dyn ObjectStore>);
        Bench { base, store, policy }
    }

    /// Performs the operation, with whatever must go before it.
    async fn perform(&self, operation: Operation) -> object_store::Result<()> {
        let (object, fresh) = (Path::from("dir/object"), Path::from("dir/fresh"));
        let store = &self.store;
        let upload = || async { store.put_multipart(&fresh).await };
        match operation {
            Operation::Put => store.put(&object, NEW.into()).await.map(drop),
            Operation::PutIfAbsent => store.put_opts(&fresh, NEW.into(), PutMode::Create.into()).await.map(drop),
            Operation::PutIfMatch => {
                let version = UpdateVersion { e_tag: self.base.head(&object).await?.e_tag, version: None };
                store.put_opts(&object, NEW.into(), PutMode::Update(version).into()).await.map(drop)
            }
            Operation::MultipartStart => upload().await.map(drop),
            Operation::MultipartPart => upload().await?.put_part(NEW.into()).await,
            Operation::MultipartComplete => {
                let mut upload = upload().await?;
                upload.put_part(NEW.into()).await?;
                upload.complete().await.map(drop)
            }
            Operation::MultipartAbort => upload().await?.abort().await,
            Operation::Get => store.get(&object).await.map(drop),
            Operation::Head => store.head(&object).await.map(drop),
            Operation::List => store.list(Some(&Path::from("dir"))).try_collect::<Vec<_>>().await.map(drop),
            Operation::Delete => store.delete(&object).await,
            Operation::Copy => store.copy(&object, &fresh).await,
            Operation::Rename => store.rename(&object, &fresh).await,
        }
    }

    async fn state(&self) -> BTreeMap<String, Bytes> {
        let mut state = BTreeMap::new();
        for meta in self.base.list(None).try_collect::<Vec<_>>().await.unwrap() {
            let content = self.base.get(&meta.location).await.unwrap().bytes().await.unwrap();
            state.insert(meta.location.to_string(), content);
        }
        state
    }

    fn asked(&self) -> usize {
        *self.policy.2.lock().unwrap()
    }
}

/// What the operation leaves when nothing goes wrong.
async fn done(operation: Operation) -> BTreeMap<String, Bytes> {
    let bench = Bench::new(operation, Verdict::Pass).await;
    bench.perform(operation).await.unwrap();
    assert_eq!(bench.asked(), 1, "{operation} is one call");
    bench.state().await
}

async fn untouched() -> BTreeMap<String, Bytes> {
    Bench::new(Operation::Get, Verdict::Pass).await.state().await
}

fn kind_of(kind: FaultKind) -> StorageErrorKind {
    match kind {
        FaultKind::Throttled => StorageErrorKind::Throttled,
        FaultKind::Timeout => StorageErrorKind::Timeout,
        FaultKind::PermissionDenied => StorageErrorKind::Permission,
        FaultKind::ConnectionLost => StorageErrorKind::Transport,
        FaultKind::NotFound => StorageErrorKind::NotFound,
    }
}

#[tokio::test]
async fn a_failed_call_does_nothing_and_its_error_has_the_type_of_a_real_one() {
    for &operation in Operation::ALL {
        for &kind in FaultKind::ALL {
            let bench = Bench::new(operation, Verdict::Fail(kind)).await;
            let error = bench.perform(operation).await.unwrap_err();
            assert_eq!(StorageErrorKind::of(&error), Some(kind_of(kind)), "{operation} {kind}");
            assert!(!InjectedFault::cause_of(&error).unwrap().is_dead());
            assert_eq!(bench.state().await, untouched().await, "{operation} {kind}");
            assert_eq!(bench.asked(), 1, "{operation} is asked for once");
        }
    }
}

#[tokio::test]
async fn a_call_whose_acknowledgement_is_lost_is_done_and_reported_as_failed() {
    for &operation in Operation::ALL {
        let bench = Bench::new(operation, Verdict::AckLost(FaultKind::Timeout)).await;
        let error = bench.perform(operation).await.unwrap_err();
        assert_eq!(StorageErrorKind::of(&error), Some(StorageErrorKind::Timeout), "{operation}");
        assert_eq!(bench.state().await, done(operation).await, "{operation}");
    }
}

#[tokio::test]
async fn what_fails_by_itself_fails_as_it_did() {
    let bench = Bench::new(Operation::PutIfAbsent, Verdict::AckLost(FaultKind::Timeout)).await;
    let object = Path::from("dir/object");
    let error = bench.store.put_opts(&object, NEW.into(), PutMode::Create.into()).await.unwrap_err();
    assert_eq!(StorageErrorKind::of(&error), Some(StorageErrorKind::AlreadyExists));
}

#[tokio::test]
async fn a_lost_write_is_reported_as_done_and_is_not() {
    for &operation in Operation::ALL.iter().filter(|operation| operation.is_write()) {
        let bench = Bench::new(operation, Verdict::LostWrite).await;
        bench.perform(operation).await.unwrap();
        assert_eq!(bench.state().await, untouched().await, "{operation}");
        assert_eq!(bench.asked(), 1);
    }
    // A lost part leaves a hole, a lost start loses all that follows.
    let bench = Bench::new(Operation::MultipartPart, Verdict::LostWrite).await;
    bench.perform(Operation::MultipartComplete).await.unwrap();
    assert_eq!(bench.state().await["dir/fresh"], "");
    let bench = Bench::new(Operation::MultipartStart, Verdict::LostWrite).await;
    bench.perform(Operation::MultipartComplete).await.unwrap();
    assert_eq!(bench.state().await, untouched().await);
}

#[tokio::test]
async fn a_hanging_call_never_answers_and_does_nothing() {
    for &operation in Operation::ALL {
        let bench = Bench::new(operation, Verdict::Hang).await;
        assert!(bench.perform(operation).now_or_never().is_none(), "{operation}");
        assert_eq!(bench.asked(), 1);
        assert_eq!(bench.state().await, untouched().await, "{operation}");
    }
}

#[tokio::test]
async fn a_dead_process_is_refused_and_can_be_told_apart() {
    for &operation in Operation::ALL {
        let bench = Bench::new(operation, Verdict::Dead).await;
        let error = bench.perform(operation).await.unwrap_err();
        assert!(InjectedFault::cause_of(&error).unwrap().is_dead(), "{operation}");
        assert_eq!(bench.state().await, untouched().await, "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_delayed_call_happens_later() {
    for &operation in Operation::ALL {
        let bench = Bench::new(operation, Verdict::Delay(Duration::from_secs(7))).await;
        let start = tokio::time::Instant::now();
        bench.perform(operation).await.unwrap();
        assert!(start.elapsed() >= Duration::from_secs(7), "{operation}");
        assert_eq!(bench.state().await, done(operation).await, "{operation}");
    }
}

#[tokio::test]
async fn a_torn_write_stores_the_beginning() {
    for operation in [Operation::Put, Operation::PutIfAbsent, Operation::PutIfMatch, Operation::MultipartPart] {
        let bench = Bench::new(operation, Verdict::Torn { bytes: 3 }).await;
        let whole = if operation == Operation::MultipartPart { Operation::MultipartComplete } else { operation };
        bench.perform(whole).await.unwrap();
        let state = bench.state().await;
        let written = state.get("dir/fresh").unwrap_or(&state["dir/object"]);
        assert_eq!(written, "new", "{operation}");
    }
}

#[tokio::test]
async fn a_torn_read_answers_with_the_beginning_and_says_nothing() {
    let object = Path::from("dir/object");
    let bench = Bench::new(Operation::Get, Verdict::Torn { bytes: 5 }).await;
    let found = bench.store.get(&object).await.unwrap();
    assert_eq!(found.meta.size, OLD.len() as u64);
    assert_eq!(found.bytes().await.unwrap(), "old c");
    assert_eq!(bench.store.get_range(&object, 4..11).await.unwrap(), "conte");
    assert_eq!(bench.store.get_ranges(&object, &[0..3, 4..11]).await.unwrap(), ["old", "co"]);

    let bench = Bench::new(Operation::List, Verdict::Torn { bytes: 0 }).await;
    assert!(bench.store.list(None).next().await.is_none());
    let found = bench.store.list_with_delimiter(Some(&Path::from("dir"))).await.unwrap();
    assert!(found.objects.is_empty());
}

#[tokio::test]
async fn a_corrupt_call_carries_one_wrong_byte() {
    let object = Path::from("dir/object");
    let wrong = |at: usize, content: &str| {
        let mut bytes = content.as_bytes().to_vec();
        bytes[at] ^= 0xff;
        Bytes::from(bytes)
    };
    let bench = Bench::new(Operation::Get, Verdict::Corrupt { offset: 2 }).await;
    assert_eq!(bench.store.get(&object).await.unwrap().bytes().await.unwrap(), wrong(2, OLD));
    assert_eq!(bench.store.get_ranges(&object, &[0..1, 4..11]).await.unwrap(), [Bytes::from("o"), wrong(1, "content")]);
    // Past the end it goes round, so that the fault is never without effect.
    let bench = Bench::new(Operation::Get, Verdict::Corrupt { offset: 11 * 5 + 3 }).await;
    assert_eq!(bench.store.get(&object).await.unwrap().bytes().await.unwrap(), wrong(3, OLD));

    let bench = Bench::new(Operation::Put, Verdict::Corrupt { offset: 0 }).await;
    bench.perform(Operation::Put).await.unwrap();
    assert_eq!(bench.state().await["dir/object"], wrong(0, NEW));
    let bench = Bench::new(Operation::MultipartPart, Verdict::Corrupt { offset: 1 }).await;
    bench.perform(Operation::MultipartComplete).await.unwrap();
    assert_eq!(bench.state().await["dir/fresh"], wrong(1, NEW));
}

/// A policy that is switched on when what goes before has happened.
#[derive(Debug, Default)]
struct Switch(Mutex<bool>);

impl FaultPolicy for Switch {
    fn verdict(&self, call: &Call) -> Verdict {
        if *self.0.lock().unwrap() && !call.operation.is_write() { Verdict::Stale } else { Verdict::Pass }
    }
}

#[tokio::test]
async fn a_stale_answer_is_that_of_before_the_last_write() {
    let switch = Arc::new(Switch::default());
    let layer = FaultLayer::new(Arc::clone(&switch) as Arc<dyn FaultPolicy>);
    let store = layer.wrap(Realm::Table, Arc::new(InMemory::new()));
    let other = layer.wrap(Realm::Control, Arc::new(InMemory::new()));
    let (a, b, dir) = (Path::from("dir/a"), Path::from("dir/b"), Path::from("dir"));
    let stale = |on: bool| *switch.0.lock().unwrap() = on;
    let names =
        |found: Vec<object_store::ObjectMeta>| found.iter().map(|meta| meta.location.to_string()).collect::<Vec<_>>();

    store.put_opts(&a, "1".into(), PutMode::Create.into()).await.unwrap();
    stale(true);
    assert!(matches!(store.get(&a).await, Err(object_store::Error::NotFound { .. })));
    assert!(matches!(store.head(&a).await, Err(object_store::Error::NotFound { .. })));
    assert!(store.list(Some(&dir)).next().await.is_none());
    assert!(store.list_with_delimiter(Some(&dir)).await.unwrap().objects.is_empty());

    store.put(&a, "22".into()).await.unwrap();
    assert_eq!(store.get(&a).await.unwrap().bytes().await.unwrap(), "1");
    assert_eq!(store.get_range(&a, 0..1).await.unwrap(), "1");
    assert_eq!(store.head(&a).await.unwrap().size, 1);
    assert_eq!(store.list_with_delimiter(Some(&dir)).await.unwrap().objects[0].size, 1);

    store.put(&b, "b".into()).await.unwrap();
    store.delete(&a).await.unwrap();
    assert_eq!(store.get(&a).await.unwrap().bytes().await.unwrap(), "22");
    assert_eq!(names(store.list(None).try_collect().await.unwrap()), ["dir/a", "dir/b"]);
    assert_eq!(names(store.list_with_offset(None, &a).try_collect().await.unwrap()), ["dir/b"]);

    stale(false);
    assert!(matches!(store.get(&a).await, Err(object_store::Error::NotFound { .. })));
    assert_eq!(names(store.list(None).try_collect().await.unwrap()), ["dir/b"]);
    // What a layer remembers, it remembers for both realms.
    stale(true);
    assert_eq!(other.get(&a).await.unwrap().bytes().await.unwrap(), "22");
}

#[tokio::test]
async fn a_misdirected_call_goes_to_another_object() {
    let elsewhere = Path::from("else/where");
    for operation in [Operation::Put, Operation::PutIfAbsent, Operation::Copy, Operation::MultipartStart] {
        let bench = Bench::new(operation, Verdict::Misdirect(elsewhere.clone())).await;
        let whole = if operation == Operation::MultipartStart { Operation::MultipartComplete } else { operation };
        bench.perform(whole).await.unwrap();
        let state = bench.state().await;
        assert_eq!(state.keys().collect::<Vec<_>>(), ["dir/object", "else/where"], "{operation}");
        assert_eq!(state["dir/object"], OLD);
    }
    let bench = Bench::new(Operation::Rename, Verdict::Misdirect(elsewhere.clone())).await;
    bench.perform(Operation::Rename).await.unwrap();
    assert_eq!(bench.state().await.keys().collect::<Vec<_>>(), ["else/where"]);

    let bench = Bench::new(Operation::Delete, Verdict::Misdirect(elsewhere.clone())).await;
    bench.base.put(&elsewhere, "x".into()).await.unwrap();
    bench.perform(Operation::Delete).await.unwrap();
    assert_eq!(bench.state().await, untouched().await);

    let bench = Bench::new(Operation::Get, Verdict::Misdirect(elsewhere.clone())).await;
    bench.base.put(&elsewhere, "other".into()).await.unwrap();
    let found = bench.store.get(&Path::from("dir/object")).await.unwrap();
    assert_eq!(found.meta.location, Path::from("dir/object"));
    assert_eq!(found.bytes().await.unwrap(), "other");
    let bench = Bench::new(Operation::List, Verdict::Misdirect(Path::from("dir"))).await;
    assert!(bench.store.list(Some(&Path::from("else"))).next().await.is_some());
}

#[tokio::test]
async fn the_call_that_the_policy_sees_says_what_it_is_about() {
    #[derive(Debug, Default)]
    struct Notes(Mutex<Vec<Call>>);
    impl FaultPolicy for Notes {
        fn verdict(&self, call: &Call) -> Verdict {
            self.0.lock().unwrap().push(call.clone());
            Verdict::Pass
        }
    }
    let notes = Arc::new(Notes::default());
    let layer = FaultLayer::new(Arc::clone(&notes) as Arc<dyn FaultPolicy>);
    let store = layer.wrap(Realm::Control, Arc::new(InMemory::new()));
    let path = Path::from("__recovery/a.json");
    store.put(&path, "12345".into()).await.unwrap();
    store.get_range(&path, 1..3).await.unwrap();
    let gone = futures::stream::iter([Ok(path.clone()), Ok(Path::from("b"))]).boxed();
    store.delete_stream(gone).try_collect::<Vec<_>>().await.unwrap();
    let call = |operation, path: &Path, bytes| Call::new(Realm::Control, operation, path, bytes);
    assert_eq!(
        *notes.0.lock().unwrap(),
        [
            call(Operation::Put, &path, 5),
            call(Operation::Get, &path, 2),
            call(Operation::Delete, &path, 0),
            call(Operation::Delete, &Path::from("b"), 0),
        ]
    );
}
