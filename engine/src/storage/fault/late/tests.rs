use std::collections::BTreeMap;
use std::sync::Mutex;

use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::{Error, MultipartUpload, ObjectStore};

use super::*;
use crate::storage::{FaultLayer, FaultPolicy, StorageErrorKind, StoreLayer};

/// Keeps back every call of one operation.
#[derive(Debug)]
struct KeepsBack(Operation, Mutex<Vec<LateCall>>);

impl FaultPolicy for KeepsBack {
    fn verdict(&self, call: &Call) -> Verdict {
        if call.operation == self.0 { Verdict::Late("later".to_owned()) } else { Verdict::Pass }
    }

    fn late(&self, label: &str, call: LateCall) {
        assert_eq!(label, "later");
        self.1.lock().unwrap().push(call);
    }
}

struct Bench {
    base: Arc<dyn ObjectStore>,
    store: Arc<dyn ObjectStore>,
    policy: Arc<KeepsBack>,
}

impl Bench {
    /// A store that holds `a`.
    async fn new(operation: Operation, realm: Realm) -> Bench {
        let base: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        base.put(&at("a"), "old".into()).await.unwrap();
        let policy = Arc::new(KeepsBack(operation, Mutex::default()));
        let store = FaultLayer::new(Arc::clone(&policy) as _).wrap(realm, Arc::clone(&base));
        Bench { base, store, policy }
    }

    async fn upload(&self) -> Box<dyn MultipartUpload> {
        let mut upload = self.store.put_multipart(&at("b")).await.unwrap();
        upload.put_part("ne".into()).await.unwrap();
        upload.put_part("w".into()).await.unwrap();
        upload
    }

    async fn perform(&self, operation: Operation) -> Result<()> {
        match operation {
            Operation::Put => self.store.put(&at("a"), "new".into()).await.map(drop),
            Operation::PutIfAbsent => {
                self.store.put_opts(&at("b"), "new".into(), PutMode::Create.into()).await.map(drop)
            }
            Operation::PutIfMatch => {
                let version = UpdateVersion { e_tag: self.base.head(&at("a")).await?.e_tag, version: None };
                self.store.put_opts(&at("a"), "new".into(), PutMode::Update(version).into()).await.map(drop)
            }
            Operation::MultipartComplete => self.upload().await.complete().await.map(drop),
            Operation::Delete => self.store.delete(&at("a")).await,
            Operation::Copy => self.store.copy(&at("a"), &at("b")).await,
            Operation::Rename => self.store.rename(&at("a"), &at("b")).await,
            other => panic!("{other} cannot be late"),
        }
    }

    async fn state(&self) -> BTreeMap<String, String> {
        let mut state = BTreeMap::new();
        for meta in self.base.list(None).try_collect::<Vec<_>>().await.unwrap() {
            let content = self.base.get(&meta.location).await.unwrap().bytes().await.unwrap();
            state.insert(meta.location.to_string(), String::from_utf8(content.to_vec()).unwrap());
        }
        state
    }

    /// The call that was kept back, as whoever keeps it hands it on.
    fn kept(&self) -> LateCall {
        let mut kept = self.policy.1.lock().unwrap();
        assert_eq!(kept.len(), 1, "one call is one late call");
        let text = serde_json::to_string(&kept.remove(0)).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

fn at(path: &str) -> Path {
    Path::from(path)
}

fn state(objects: &[(&str, &str)]) -> BTreeMap<String, String> {
    objects.iter().map(|(path, content)| ((*path).to_owned(), (*content).to_owned())).collect()
}

#[tokio::test]
async fn a_late_call_fails_as_one_without_an_answer_and_is_done_when_it_arrives() {
    let whole = [("a", "old"), ("b", "new")];
    for realm in [Realm::Control, Realm::Table] {
        for (operation, after) in [
            (Operation::Put, state(&[("a", "new")])),
            (Operation::PutIfAbsent, state(&whole)),
            (Operation::PutIfMatch, state(&[("a", "new")])),
            (Operation::MultipartComplete, state(&whole)),
            (Operation::Delete, state(&[])),
            (Operation::Copy, state(&[("a", "old"), ("b", "old")])),
            (Operation::Rename, state(&[("b", "old")])),
        ] {
            let bench = Bench::new(operation, realm).await;
            let error = bench.perform(operation).await.unwrap_err();
            assert_eq!(StorageErrorKind::of(&error), Some(StorageErrorKind::Timeout), "{operation}");
            assert_eq!(bench.state().await, state(&[("a", "old")]), "{operation} of {realm} has not arrived");
            let late = bench.kept();
            assert_eq!((late.call.operation, late.call.realm), (operation, realm));
            late.arrive(&bench.base).await.unwrap();
            assert_eq!(bench.state().await, after, "{operation} of {realm} has arrived");
        }
    }
}

#[tokio::test]
async fn what_a_late_call_asks_for_is_asked_when_it_arrives() {
    for operation in [Operation::PutIfAbsent, Operation::PutIfMatch, Operation::Copy, Operation::Rename] {
        let bench = Bench::new(operation, Realm::Table).await;
        bench.perform(operation).await.unwrap_err();
        match operation {
            Operation::PutIfAbsent => drop(bench.base.put(&at("b"), "theirs".into()).await.unwrap()),
            Operation::PutIfMatch => drop(bench.base.put(&at("a"), "theirs".into()).await.unwrap()),
            _ => bench.base.delete(&at("a")).await.unwrap(),
        }
        let before = bench.state().await;
        let error = bench.kept().arrive(&bench.base).await.unwrap_err();
        assert!(LateCall::is_quiet(&error), "{operation}: {error}");
        assert_eq!(bench.state().await, before, "{operation} came too late");
    }
    let lost = Error::Generic { store: "x", source: "gone".into() };
    assert!(!LateCall::is_quiet(&lost));
}

#[tokio::test]
async fn an_upload_that_was_aborted_meanwhile_arrives_all_the_same() {
    let bench = Bench::new(Operation::MultipartComplete, Realm::Table).await;
    let mut upload = bench.upload().await;
    upload.complete().await.unwrap_err();
    let _ = upload.abort().await;
    bench.kept().arrive(&bench.base).await.unwrap();
    assert_eq!(bench.state().await, state(&[("a", "old"), ("b", "new")]));
}

#[tokio::test]
async fn a_call_that_is_too_large_to_be_kept_fails_and_never_arrives() {
    let bench = Bench::new(Operation::Put, Realm::Table).await;
    let largest = vec![0; LATE_BYTES_MAX];
    bench.store.put(&at("a"), largest.into()).await.unwrap_err();
    assert_eq!(bench.kept().call.bytes, LATE_BYTES_MAX as u64);
    let error = bench.store.put(&at("a"), vec![0; LATE_BYTES_MAX + 1].into()).await.unwrap_err();
    assert!(error.to_string().contains("at most"), "{error}");

    let bench = Bench::new(Operation::MultipartComplete, Realm::Table).await;
    let mut upload = bench.store.put_multipart(&at("b")).await.unwrap();
    for _ in 0..2 {
        upload.put_part(vec![0; LATE_BYTES_MAX / 2 + 1].into()).await.unwrap();
    }
    let error = upload.complete().await.unwrap_err();
    assert!(error.to_string().contains("at most"), "{error}");
    assert!(bench.policy.1.lock().unwrap().is_empty());
    assert_eq!(bench.state().await, state(&[("a", "old")]));
}

#[tokio::test]
async fn what_cannot_be_late_passes() {
    let bench = Bench::new(Operation::MultipartPart, Realm::Table).await;
    bench.upload().await.complete().await.unwrap();
    assert_eq!(bench.state().await, state(&[("a", "old"), ("b", "new")]));
    let possible: Vec<Operation> = Operation::ALL.iter().copied().filter(|it| LateCall::is_possible(*it)).collect();
    use Operation::*;
    assert_eq!(possible, [Put, PutIfAbsent, PutIfMatch, MultipartComplete, Delete, Copy, Rename]);
}
