use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{RecordBatch, StringArray};
use ulid::Ulid;

use super::*;
use crate::clock::FixedClock;
use crate::history::CommitKind;
use crate::id::{CommitId, SystemIds};
use crate::manifest::publish::overwrite;
use crate::manifest::{Delta, GraphState, SchemaPointer, TableEntry};
use crate::storage::{Stack, StorageOptions, StorageUri, StoreLayer, TraceLayer};
use crate::table::Table;
use crate::writer::WriterKind;

/// A manifest without tables, whose versions are made by publishes alone.
struct World {
    uri: StorageUri,
    stack: Stack,
    ids: SystemIds,
    head: ManifestHead,
}

/// Ids in no order of time, as callers may choose them.
fn operation(number: u64) -> OperationId {
    let scattered = u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835) >> 1;
    OperationId::new(Ulid(scattered))
}

fn commit(number: u64, operation_id: Option<OperationId>) -> Commit {
    Commit {
        id: CommitId::new(Ulid(number.into())),
        kind: CommitKind::Written,
        writer: Some(WriterKind::Load),
        operation_id,
        ..Commit::example()
    }
}

impl World {
    async fn new(name: &str) -> World {
        let uri = StorageUri::Memory(format!("{name}-{}", uuid::Uuid::new_v4()));
        let stack = Stack::open(&uri, &StorageOptions::default(), &[]).await.unwrap();
        let first = Commit { graph_version: 1, ..Commit::example() };
        let incarnation = "01ARZ3NDEKTSV4RRFFQ69G5FAW".parse().unwrap();
        let state = GraphState::created(incarnation, SchemaPointer { hash: "abc".into() }, BTreeMap::new(), first);
        let head = ManifestHead::create(&stack, state).await.unwrap();
        let ids = SystemIds::new(Arc::new(FixedClock::at_millis(1_000)));
        World { uri, stack, ids, head }
    }

    async fn publish(&mut self, commits: Vec<Commit>) {
        let mut delta = Delta::of_pins(BTreeMap::new(), commits[0].clone());
        delta.commits = commits;
        self.head = self.head.publish(&self.stack, &delta, &self.ids).await.unwrap();
    }

    /// Publishes until there are `version` versions; each carries the operation of its number.
    async fn grow_to(&mut self, version: u64) {
        for number in self.head.state().version + 1..=version {
            self.publish(vec![commit(number, Some(operation(number)))]).await;
        }
    }

    /// Publishes as a former program did.
    async fn publish_as_before(&mut self, number: u64) {
        let former = Commit { graph_version: number, ..commit(number, Some(operation(number))) };
        let graph = r#"{"format_version": 1, "incarnation": "01ARZ3NDEKTSV4RRFFQ69G5FAW", "schema": {"hash": "abc"}}"#;
        let bodies = [graph.to_owned(), serde_json::to_string(&former).unwrap()];
        let columns = [["graph", "commit"].map(str::to_owned), ["main", "c"].map(str::to_owned), bodies];
        let [entries, keys, bodies] = columns.map(|column| Arc::new(StringArray::from_iter_values(column)) as _);
        let rows = RecordBatch::try_from_iter([("entry", entries), ("key", keys), ("body", bodies)]).unwrap();
        let dataset = overwrite(&self.head.table, &self.stack, rows, &self.ids).await.unwrap();
        self.head = ManifestHead::read(Table::from_dataset(crate::manifest::MANIFEST_PATH, dataset)).await.unwrap();
    }

    /// The newest version as a process sees it that has seen nothing yet, and what counts its calls from then on.
    async fn fresh(&self) -> (ManifestHead, Arc<TraceLayer>) {
        let trace = Arc::new(TraceLayer::new());
        let layers = [Arc::clone(&trace) as Arc<dyn StoreLayer>];
        let stack = Stack::open(&self.uri, &StorageOptions::default(), &layers).await.unwrap();
        (ManifestHead::open(&stack).await.unwrap(), trace)
    }

    /// What became of an operation, and how many calls it took a fresh process to find out.
    async fn search(&self, number: u64) -> (Option<u64>, u64) {
        let (head, trace) = self.fresh().await;
        let before = trace.snapshot();
        let found = find_operation(&head, operation(number), 0).await.unwrap();
        (found.map(|commit| commit.graph_version), trace.snapshot().since(&before).total())
    }
}

/// Calls that reading one version takes: finding its manifest, the manifest, its rows.
const CALLS_A_VERSION: u64 = 3;

#[tokio::test]
async fn a_search_reads_one_block_a_bit_however_old_the_operation_is() {
    let mut world = World::new("search").await;
    for versions in [10, 1_000] {
        world.grow_to(versions).await;
        let blocks = u64::from((versions / chunk::LENGTH).count_ones());
        let mut most = 0;
        for number in (2..=versions).step_by(versions as usize / 10).chain([versions]) {
            let (found, calls) = world.search(number).await;
            assert_eq!(found, Some(number));
            most = most.max(calls);
        }
        assert!(most <= (blocks + 1) * CALLS_A_VERSION, "{most} calls behind {versions} versions");
        let (found, calls) = world.search(versions + 1).await;
        assert!(found.is_none() && calls <= blocks * CALLS_A_VERSION, "{calls} calls for one that is not there");
    }
}

#[tokio::test]
async fn every_operation_is_found_where_it_was_published_and_not_before_since() {
    let mut world = World::new("every").await;
    world.grow_to(5 * chunk::LENGTH + 7).await;
    // An id that was published twice, and a version of two commits.
    world.publish(vec![commit(900, Some(operation(3)))]).await;
    world.publish(vec![commit(901, Some(operation(901))), commit(902, Some(operation(902)))]).await;
    world.grow_to(8 * chunk::LENGTH + 1).await;
    let (head, _) = world.fresh().await;
    let twice = 5 * chunk::LENGTH + 8;
    for number in (2..=head.state().version).filter(|number| !(twice..=twice + 1).contains(number)) {
        let version = if number == 3 { twice } else { number };
        for (since, found) in [(0, Some(version)), (version - 1, Some(version)), (version, None)] {
            let commit = find_operation(&head, operation(number), since).await.unwrap();
            assert_eq!(commit.map(|commit| commit.graph_version), found, "operation {number} since {since}");
        }
    }
    for number in [901, 902] {
        let commit = find_operation(&head, operation(number), 0).await.unwrap().unwrap();
        assert_eq!((commit.id, commit.graph_version), (CommitId::new(Ulid(number.into())), twice + 1));
    }
    let log: Vec<u64> = log(&head, 3 * chunk::LENGTH as usize).await.unwrap().iter().map(|c| c.graph_version).collect();
    let newest = head.state().version;
    let mut expected: Vec<u64> = (twice..=newest).rev().collect();
    expected.insert((newest - twice) as usize, twice + 1);
    assert_eq!(log[..expected.len()], expected);
    assert_eq!(log.len(), 3 * chunk::LENGTH as usize);
}

#[tokio::test]
async fn the_log_reads_a_version_for_each_chunk() {
    let mut world = World::new("log").await;
    world.grow_to(320).await;
    for limit in [1, 20, 32, 33, 100, 320, 1_000] {
        let (head, trace) = world.fresh().await;
        let before = trace.snapshot();
        let commits = log(&head, limit).await.unwrap();
        assert!(commits.iter().map(|commit| commit.graph_version).eq((1..=320).rev().take(limit)), "{limit}");
        let calls = trace.snapshot().since(&before).total();
        let chunks = (limit as u64).min(320).div_ceil(chunk::LENGTH) - 1;
        assert!(calls <= chunks * CALLS_A_VERSION, "{calls} calls for {limit} commits");
    }
}

#[tokio::test]
async fn a_publish_costs_three_puts_and_no_read_also_where_a_chunk_ends() {
    let mut world = World::new("publishes").await;
    world.grow_to(2).await;
    let trace = Arc::new(TraceLayer::new());
    let layers = [Arc::clone(&trace) as Arc<dyn StoreLayer>];
    world.stack = Stack::open(&world.uri, &StorageOptions::default(), &layers).await.unwrap();
    world.head = ManifestHead::open(&world.stack).await.unwrap();
    for number in 3..=20 * chunk::LENGTH {
        let before = trace.snapshot();
        world.grow_to(number).await;
        assert_eq!(trace.snapshot().since(&before).total(), 3, "version {number}");
    }
}

#[tokio::test]
async fn a_process_that_closes_a_chunk_it_has_not_seen_reads_the_blocks_that_it_covers() {
    let mut world = World::new("strangers").await;
    for number in 2..=9 * chunk::LENGTH {
        if chunk::ends(number) {
            world.head = world.fresh().await.0;
        }
        world.grow_to(number).await;
    }
    for number in [2, chunk::LENGTH, 4 * chunk::LENGTH + 1, 8 * chunk::LENGTH, 9 * chunk::LENGTH] {
        assert_eq!(world.search(number).await.0, Some(number));
    }
}

#[tokio::test]
async fn what_a_former_program_published_is_found_by_walking_and_what_follows_in_blocks() {
    let mut world = World::new("former").await;
    for number in 2..=45 {
        world.publish_as_before(number).await;
    }
    assert_eq!(world.search(45).await.0, Some(45));
    world.grow_to(46).await;
    assert_eq!((world.search(2).await.0, world.search(46).await), (Some(2), (Some(46), 0)));
    world.grow_to(4 * chunk::LENGTH + 3).await;
    for number in 2..=world.head.state().version {
        assert_eq!(world.search(number).await.0, Some(number));
    }
    let (head, trace) = world.fresh().await;
    let before = trace.snapshot();
    assert!(find_operation(&head, operation(1_000), 45).await.unwrap().is_none());
    let calls = trace.snapshot().since(&before).total();
    assert!(calls <= 2 * CALLS_A_VERSION, "{calls} calls: nothing before the first chunk is looked at");
    let commits = log(&head, 1_000).await.unwrap();
    assert!(commits.iter().map(|commit| commit.graph_version).eq((1..=head.state().version).rev()));
}

#[tokio::test]
async fn a_damaged_version_stands_in_the_way_of_no_publish_and_of_no_search_that_needs_it_not() {
    let mut world = World::new("damaged").await;
    world.grow_to(4 * chunk::LENGTH - 1).await;
    // The block of the second chunk goes into that of the fourth.
    let damaged = 2 * chunk::LENGTH;
    let path = format!("{}/_versions/{:020}.manifest", crate::manifest::MANIFEST_PATH, u64::MAX - damaged);
    world.stack.objects().delete(&path).await.unwrap();
    world.head = world.fresh().await.0;
    world.grow_to(9 * chunk::LENGTH).await;
    for number in
        [2 * chunk::LENGTH + 1, 3 * chunk::LENGTH, 4 * chunk::LENGTH - 1, 4 * chunk::LENGTH, 7 * chunk::LENGTH]
    {
        assert_eq!(world.search(number).await.0, Some(number));
    }
    let (head, _) = world.fresh().await;
    assert!(find_operation(&head, operation(2), 0).await.unwrap_err().is_damage(), "it may be what is not told");
    assert!(find_operation(&head, operation(2), damaged).await.unwrap().is_none());
}

#[test]
fn a_table_of_one_branch_is_not_that_of_another() {
    let entry = TableEntry::new("Person", "nodes/Person-1.lance", 3);
    let tables = BTreeMap::from([(entry.path.clone(), entry.clone())]);
    let incarnation = "01ARZ3NDEKTSV4RRFFQ69G5FAW".parse().unwrap();
    let state = GraphState::created(incarnation, SchemaPointer { hash: "abc".into() }, tables, Commit::example());
    assert_eq!(state.table_at(&entry.path, "main"), Some(&entry));
    assert_eq!(state.table_at(&entry.path, "other"), None);
}
