use std::sync::Arc;

use super::*;
use crate::storage::{
    Call, FaultKind, FaultLayer, FaultPolicy, Operation, PathClass, StorageOptions, StorageUri, StoreLayer, TraceLayer,
    Verdict,
};

type Layers = Vec<Arc<dyn StoreLayer>>;

/// Every stack of layers that the suite must pass on.
fn layerings() -> Vec<(&'static str, Layers)> {
    vec![
        ("bare", vec![]),
        ("trace", vec![Arc::new(TraceLayer::with_trace(16))]),
        ("fault", vec![Arc::new(FaultLayer::passing())]),
        ("trace over fault", vec![Arc::new(TraceLayer::new()), Arc::new(FaultLayer::passing())]),
        ("fault over trace", vec![Arc::new(FaultLayer::passing()), Arc::new(TraceLayer::new())]),
    ]
}

async fn open(uri: &StorageUri, layers: &Layers) -> Stack {
    Stack::open(uri, &StorageOptions::default(), layers).await.unwrap()
}

async fn conform(uri: &StorageUri, name: &str, layers: Layers) {
    let denied =
        open(uri, &vec![Arc::new(FaultLayer::new(Arc::new(Always(Verdict::Fail(FaultKind::PermissionDenied)))))]).await;
    let suite = Conformance::new(open(uri, &layers).await).with_other(open(uri, &layers).await).with_denied(denied);
    let results = suite.run(Scope::Everything).await;
    assert_eq!(results.len(), CHECKS.len());
    let bad: Vec<_> =
        results.iter().filter(|result| result.outcome != CheckOutcome::Held).map(ToString::to_string).collect();
    assert!(bad.is_empty(), "{uri} under {name}:\n{}", bad.join("\n"));
    let left = open(uri, &Vec::new()).await.objects().list_recursive("").await.unwrap();
    assert!(left.is_empty(), "the suite left {left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_conforms_bare_and_under_every_layer() {
    for (name, layers) in layerings() {
        let uri = StorageUri::Memory(format!("conformance {name}"));
        conform(&uri, name, layers).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_local_directory_conforms_bare_and_under_every_layer() {
    for (name, layers) in layerings() {
        let parent = tempfile::tempdir().unwrap();
        // The root itself has a name that would not survive a careless trip through a url.
        let uri = StorageUri::Local(parent.path().join("a graph/100%/..x"));
        conform(&uri, name, layers).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_synced_local_directory_passes_the_preflight() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = StorageOptions::default();
    options.local.sync = true;
    let uri = StorageUri::Local(directory.path().join("deep/er"));
    let stack = Stack::open(&uri, &options, &[]).await.unwrap();
    let results = Conformance::new(stack).run(Scope::Preflight).await;
    assert!(results.iter().all(|result| result.outcome == CheckOutcome::Held), "{results:?}");
}

#[derive(Debug)]
struct Always(Verdict);

impl FaultPolicy for Always {
    fn verdict(&self, _: &Call) -> Verdict {
        self.0.clone()
    }
}

/// Does one thing to the calls of one operation.
#[derive(Debug)]
struct On(&'static [Operation], Verdict);

impl FaultPolicy for On {
    fn verdict(&self, call: &Call) -> Verdict {
        if call.class == PathClass::Other && self.0.contains(&call.operation) { self.1.clone() } else { Verdict::Pass }
    }
}

/// The suite can go red: a store with one defect breaks the checks that are about it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_with_a_defect_is_found_out() {
    const PUTS: &[Operation] = &[Operation::Put, Operation::PutIfAbsent, Operation::PutIfMatch];
    let defects: Vec<(&str, On, &[&str])> = vec![
        (
            "acknowledges what it does not write",
            On(PUTS, Verdict::LostWrite),
            &[
                "put-is-readable-when-acknowledged",
                "create-if-absent-has-one-winner",
                "racing-updates-have-one-winner",
                "list-shows-every-finished-write",
                "rename-replaces-and-creates-parents",
            ],
        ),
        (
            "stores a part",
            On(PUTS, Verdict::Torn { bytes: 700 }),
            &["put-is-visible-whole-or-not-at-all", "created-content-is-complete-when-visible", "ranges-are-exact"],
        ),
        (
            "answers with a part",
            On(&[Operation::Get], Verdict::Torn { bytes: 2 }),
            &["put-is-readable-when-acknowledged"],
        ),
        (
            "flips a byte",
            On(&[Operation::Get], Verdict::Corrupt { offset: 3 }),
            &["ranges-are-exact", "create-over-an-object-fails"],
        ),
        ("lists the past", On(&[Operation::List], Verdict::Stale), &["list-shows-every-finished-write"]),
        ("reads the past", On(&[Operation::Get], Verdict::Stale), &["put-is-readable-when-acknowledged"]),
        (
            "lists too little",
            On(&[Operation::List], Verdict::Torn { bytes: 1 }),
            &["list-is-flat", "list-is-in-lexical-order"],
        ),
        (
            "forgets deletes",
            On(&[Operation::Delete], Verdict::LostWrite),
            &["delete-is-idempotent", "delete-prefix-is-idempotent-and-exact"],
        ),
        ("forgets renames", On(&[Operation::Rename], Verdict::LostWrite), &["rename-replaces-and-creates-parents"]),
        ("drops parts", On(&[Operation::MultipartPart], Verdict::LostWrite), &["multipart-is-visible-when-complete"]),
        (
            "drops completions",
            On(&[Operation::MultipartComplete], Verdict::LostWrite),
            &["multipart-is-visible-when-complete"],
        ),
        (
            "says absent for denied",
            On(&[Operation::Head], Verdict::Fail(FaultKind::NotFound)),
            &["put-is-readable-when-acknowledged"],
        ),
        ("fails deletes", On(&[Operation::Delete], Verdict::Fail(FaultKind::Timeout)), &["delete-is-idempotent"]),
    ];
    for (number, (defect, policy, wanted)) in defects.into_iter().enumerate() {
        let uri = StorageUri::Memory(format!("defect {number}"));
        let stack = open(&uri, &vec![Arc::new(FaultLayer::new(Arc::new(policy)))]).await;
        for name in wanted {
            let check = CHECKS.iter().find(|check| check.name == *name).unwrap();
            let outcome = Conformance::new(stack.clone()).run_one(check).await;
            assert!(
                matches!(outcome, CheckOutcome::Broken { .. }),
                "a store that {defect} passes `{name}`: {outcome:?}"
            );
        }
    }
}

/// Every check that a plain store passes fails on a store whose every call fails, so none of them is empty.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_check_passes_on_a_store_that_does_nothing() {
    let uri = StorageUri::Memory("nothing works".into());
    let stack =
        open(&uri, &vec![Arc::new(FaultLayer::new(Arc::new(Always(Verdict::Fail(FaultKind::Throttled)))))]).await;
    for result in Conformance::new(stack.clone()).with_denied(stack).run(Scope::Everything).await {
        assert!(result.is_broken(), "{result}");
    }
}

#[test]
fn names_are_unique_and_in_kebab_case_and_the_preflight_covers_what_it_must() {
    let names: std::collections::BTreeSet<_> = CHECKS.iter().map(|check| check.name).collect();
    assert_eq!(names.len(), CHECKS.len());
    assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')));
    let preflight: Vec<_> = CHECKS.iter().filter(|check| check.is_preflight).map(|check| check.name).collect();
    assert_eq!(
        preflight,
        [
            "create-if-absent-has-one-winner",
            "update-at-an-old-version-fails",
            "racing-updates-have-one-winner",
            "list-shows-every-finished-write",
            "delete-is-idempotent",
            "multipart-is-visible-when-complete",
        ]
    );
}
