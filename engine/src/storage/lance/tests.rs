use std::sync::Arc;

use arrow_array::{Int32Array, RecordBatch, RecordBatchIterator};
use arrow_schema::{DataType, Field, Schema};
use futures::TryStreamExt;
use lance::Dataset;
use lance::dataset::{CommitBuilder, InsertBuilder, WriteMode};
use object_store::memory::InMemory;

use super::*;
use crate::storage::{
    CallCounts, CallKey, Operation, PathClass, Realm, Stack, StorageOptions, StorageUri, StoreLayer, TraceLayer,
};

#[test]
fn a_uri_leads_back_to_its_path_byte_for_byte() {
    let bridge = LanceBridge::new(Arc::new(InMemory::new()), 8);
    for path in ["__manifest", "nodes/Person-01J.lance", "nodes/with space % and é.lance"] {
        let url = Url::parse(&bridge.uri(path)).unwrap();
        let provider = bridge.session.store_registry().get_provider(SCHEME).unwrap();
        assert_eq!(provider.extract_path(&url).unwrap().as_ref(), path);
    }
}

#[tokio::test]
async fn every_lookup_finds_the_one_store() {
    let bridge = LanceBridge::new(Arc::new(InMemory::new()), 8);
    let url = Url::parse(&bridge.uri("a")).unwrap();
    let found = bridge.session.store_registry().get_store(url, &bridge.store_params()).await.unwrap();
    assert!(Arc::ptr_eq(&found, bridge.store()));
}

const TABLE: &str = "nodes/Person-01J.lance";

fn batch(values: std::ops::Range<i32>) -> RecordBatch {
    let schema = Arc::new(Schema::new(vec![Field::new("age", DataType::Int32, false)]));
    RecordBatch::try_new(schema, vec![Arc::new(Int32Array::from_iter_values(values))]).unwrap()
}

async fn rows(dataset: &Dataset) -> usize {
    let batches: Vec<RecordBatch> = dataset.scan().try_into_stream().await.unwrap().try_collect().await.unwrap();
    batches.iter().map(RecordBatch::num_rows).sum()
}

fn calls(counts: &CallCounts) -> Vec<(&'static str, &'static str, u64)> {
    counts.iter().map(|(key, count)| (key.operation.as_str(), key.class.as_str(), count.calls)).collect()
}

/// What a table lives through, and the calls of each step.
async fn live(stack: &Stack, trace: &TraceLayer) -> Vec<(&'static str, CallCounts)> {
    let lance = stack.lance();
    let mut steps = Vec::new();
    let mut before = trace.snapshot();
    let mut step = |name: &'static str| {
        let now = trace.snapshot();
        steps.push((name, now.since(&before)));
        before = now;
    };

    let params = WriteParams { mode: WriteMode::Create, ..lance.write_params() };
    let first = batch(0..10);
    let reader = RecordBatchIterator::new([Ok(first.clone())], first.schema());
    let dataset = Dataset::write(reader, &lance.uri(TABLE), Some(params)).await.unwrap();
    step("create");

    let dataset = Arc::new(dataset);
    let params = WriteParams { mode: WriteMode::Append, ..lance.write_params() };
    let staged = InsertBuilder::new(Arc::clone(&dataset))
        .with_params(&params)
        .execute_uncommitted(vec![batch(10..15)])
        .await
        .unwrap();
    step("stage");
    let dataset = CommitBuilder::new(dataset)
        .with_commit_handler(lance.commit_handler())
        .with_skip_auto_cleanup(true)
        .execute(staged)
        .await
        .unwrap();
    assert_eq!(dataset.manifest().version, 2);
    step("commit");
    assert_eq!(rows(&dataset).await, 15);
    step("scan");

    assert_eq!(dataset.versions().await.unwrap().len(), 2);
    step("versions");
    let old = lance.dataset(TABLE).with_version(1).load().await.unwrap();
    assert_eq!(rows(&old).await, 10);
    steps
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lance_lives_on_the_stack_and_a_layer_sees_every_call_also_on_local_files() {
    let directory = tempfile::tempdir().unwrap();
    let uris = [StorageUri::Memory("lance round trip".into()), StorageUri::Local(directory.path().join("a graph"))];
    let mut seen = Vec::new();
    for uri in uris {
        let trace = TraceLayer::new();
        let layers: Vec<Arc<dyn StoreLayer>> = vec![Arc::new(trace.clone())];
        let stack = Stack::open(&uri, &StorageOptions::default(), &layers).await.unwrap();
        let steps = live(&stack, &trace).await;
        let of = |name| calls(&steps.iter().find(|(step, _)| *step == name).unwrap().1);
        assert_eq!(of("stage"), [("put", "table-data", 1)], "{uri}");
        assert_eq!(
            of("commit"),
            [("put", "table-transaction", 1), ("put-if-absent", "table-version", 1), ("list", "table-version", 1)],
            "{uri}"
        );
        assert!(trace.snapshot().calls(|key| key.realm == Realm::Control) == 0);

        // Nothing got past the layer: whatever is in the store was put through it.
        let objects = stack.objects().list_recursive("").await.unwrap();
        let puts = trace.snapshot().calls(|key| key.operation.is_visible_write() && key.realm == Realm::Table);
        assert_eq!(objects.len() as u64, puts, "{uri}: {objects:?}");

        // A second handle, with caches of its own, opens what the first one wrote.
        let other = Stack::open(&uri, &StorageOptions::default(), &[]).await.unwrap();
        assert_eq!(other.identity(), stack.identity());
        assert_eq!(rows(&other.lance().dataset(TABLE).load().await.unwrap()).await, 15);
        seen.push(steps);
    }
    for ((name, memory), (_, local)) in seen[0].iter().zip(&seen[1]) {
        assert_eq!(calls(memory), calls(local), "{name} costs the same everywhere");
    }
}

/// The commit handler is the conditional one: of two commits on one version the second has to rebase.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_never_overwrites_another() {
    let trace = TraceLayer::new();
    let layers: Vec<Arc<dyn StoreLayer>> = vec![Arc::new(trace.clone())];
    let stack = Stack::over(Arc::new(InMemory::new()), "test".into(), &layers);
    let lance = stack.lance();
    let params = WriteParams { mode: WriteMode::Create, ..lance.write_params() };
    let first = batch(0..1);
    let reader = RecordBatchIterator::new([Ok(first.clone())], first.schema());
    let dataset = Arc::new(Dataset::write(reader, &lance.uri(TABLE), Some(params)).await.unwrap());
    let append = |value: i32| {
        let dataset = Arc::clone(&dataset);
        let params = WriteParams { mode: WriteMode::Append, ..lance.write_params() };
        async move {
            let staged = InsertBuilder::new(Arc::clone(&dataset))
                .with_params(&params)
                .execute_uncommitted(vec![batch(value..value + 1)])
                .await;
            CommitBuilder::new(dataset).execute(staged.unwrap()).await.unwrap().manifest().version
        }
    };
    let mut versions = futures::future::join_all((1..5).map(append)).await;
    versions.sort();
    assert_eq!(versions, [2, 3, 4, 5]);
    assert_eq!(rows(&lance.dataset(TABLE).load().await.unwrap()).await, 5);
    let versions = |key: &CallKey| key.class == PathClass::TableVersion;
    assert_eq!(trace.snapshot().calls(|key| versions(key) && key.operation == Operation::Put), 0);
}
