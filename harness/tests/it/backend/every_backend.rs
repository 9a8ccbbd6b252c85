//! What holds for each backend alike: a place for each cell, answers before the first scenario, nothing left behind.

use std::sync::Arc;

use omnigraph::storage::conformance::{Conformance, Scope};
use omnigraph::storage::{FaultLayer, Secret, Stack, StorageUri, StoreLayer, TraceLayer};
use omnigraph_harness::backend::docker::{Engine, LABEL, LABEL_OWNER, LABEL_RUN};
use omnigraph_harness::backend::reap::{Owner, reap};
use omnigraph_harness::backend::s3::{Endpoint, EndpointLimits};
use omnigraph_harness::backend::{
    Availability, Backend, BackendConfig, BackendKind, Capability, CellStore, RunContext, RustfsConfig, ServiceConfig,
    available,
};
use omnigraph_harness::scenario::model::ContainerCall;
use tempfile::TempDir;
use testcontainers::runners::AsyncRunner;
use testcontainers::{GenericImage, ImageExt};

/// A started backend with the folder of its run.
pub struct Run {
    pub backend: Box<dyn Backend>,
    pub run_id: String,
    pub scratch: TempDir,
}

/// A backend that is absent fails the test: whoever selects tests leaves out those whose backend is not there (the test
/// runner's profiles do), so that they are counted as skipped and never as passed.
pub async fn start(kind: BackendKind, keep: bool) -> Run {
    let backend = match available(kind, &BackendConfig::default()).await {
        Availability::Ready(backend) => backend,
        Availability::Absent { reason } => panic!("{reason}"),
    };
    let scratch = TempDir::new().expect("a temporary folder");
    let run_id = format!("test-{}-{kind}-{:08x}", std::process::id(), rand_suffix());
    let run = RunContext { run_id: run_id.clone(), scratch: scratch.path().to_owned(), keep };
    backend.start(&run).await.unwrap_or_else(|error| panic!("{error}"));
    Run { backend, run_id, scratch }
}

/// Keeps the runs of one test program apart.
fn rand_suffix() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

async fn open(cell: &CellStore) -> Stack {
    open_under(cell, &[]).await
}

async fn open_under(cell: &CellStore, layers: &[Arc<dyn StoreLayer>]) -> Stack {
    let uri: StorageUri = cell.uri.parse().expect("an address that the engine takes");
    Stack::open(&uri, &cell.storage, layers).await.expect("the cell opens")
}

/// No layer, each layer by itself, and both: a layer that is not asked for anything must not be noticed.
fn layer_stacks() -> [(&'static str, Vec<Arc<dyn StoreLayer>>); 4] {
    let trace = || Arc::new(TraceLayer::new()) as Arc<dyn StoreLayer>;
    let fault = || Arc::new(FaultLayer::passing()) as Arc<dyn StoreLayer>;
    [("bare", vec![]), ("traced", vec![trace()]), ("faulty", vec![fault()]), ("both", vec![trace(), fault()])]
}

/// The whole conformance suite on one cell, with a second handle, and with a third that may do nothing where there are
/// credentials to spoil.
async fn conforms(cell: &CellStore, name: &str, layers: &[Arc<dyn StoreLayer>]) {
    let (stack, other) = (open_under(cell, layers).await, open_under(cell, layers).await);
    let mut conformance = Conformance::new(stack).with_other(other);
    if cell.storage.s3.endpoint.is_some() {
        let mut storage = cell.storage.clone();
        storage.s3.secret_access_key = Some(Secret::new("spoiled"));
        let uri: StorageUri = cell.uri.parse().expect("an address");
        conformance = conformance.with_denied(Stack::open(&uri, &storage, &[]).await.expect("a handle"));
    }
    for result in conformance.run(Scope::Everything).await {
        assert!(!result.is_broken(), "{} ({name}): {result}", cell.uri);
    }
}

async fn keeps_its_promises_and_its_cells_apart(kind: BackendKind) {
    let Run { backend, scratch: _scratch, .. } = start(kind, false).await;
    let answers = backend.preflight().await.unwrap_or_else(|error| panic!("{error}"));
    assert!(!answers.is_empty(), "a preflight that asks nothing proves nothing");
    for answer in &answers {
        assert!(answer.is_kept(), "{answer:?}");
    }

    let suite = backend.cell("conformance").await.expect("a cell");
    for (name, layers) in layer_stacks() {
        conforms(&suite, name, &layers).await;
    }
    suite.cleanup().await.unwrap_or_else(|error| panic!("{error}"));

    // Two cells of one name, as a scenario that runs twice has them.
    let (one, two) =
        (backend.cell("area/a name").await.expect("a cell"), backend.cell("area/a name").await.expect("another"));
    let (first, second) = (open(&one).await, open(&two).await);
    first.objects().put("object", "content").await.expect("put");
    assert!(second.objects().list("").await.expect("a listing").is_empty());

    // A second opening through the address alone sees what the first one wrote.
    assert_eq!(open(&one).await.objects().get("object").await.expect("get").as_ref(), b"content");
    assert_eq!(one.address().uri, one.uri);

    if backend.capabilities().contains(&Capability::SharedBytesAcrossProcesses) {
        let uri: StorageUri = one.uri.parse().expect("an address");
        let storage = one.storage.clone();
        one.cleanup().await.unwrap_or_else(|error| panic!("{error}"));
        // A removed bucket may refuse the listing; what must not be is that the object is still there.
        let after = Stack::open(&uri, &storage, &[]).await.expect("a handle").objects().get("object").await;
        assert!(after.is_err(), "cleaned up cells are empty");
    }
    second.objects().put("object", "the other cell is untouched").await.expect("put");

    backend.stop().await.unwrap_or_else(|error| panic!("{error}"));
    backend.stop().await.expect("a second stop is fine");
    assert!(backend.cell("late").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn local_keeps_its_promises_and_its_cells_apart() {
    keeps_its_promises_and_its_cells_apart(BackendKind::Local).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_keeps_its_promises_and_its_cells_apart() {
    keeps_its_promises_and_its_cells_apart(BackendKind::Memory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_endpoint_keeps_its_promises_and_its_cells_apart() {
    keeps_its_promises_and_its_cells_apart(BackendKind::S3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn promises_are_kept_and_cells_apart_on_rustfs() {
    keeps_its_promises_and_its_cells_apart(BackendKind::Rustfs).await;
}

#[tokio::test]
async fn local_removes_its_folder_unless_the_run_keeps_it() {
    for keep in [false, true] {
        let run = start(BackendKind::Local, keep).await;
        let cell = run.backend.cell("kept").await.expect("a cell");
        open(&cell).await.objects().put("object", "x").await.expect("put");
        run.backend.stop().await.expect("stopped");
        assert_eq!(std::path::Path::new(&cell.uri).join("object").exists(), keep, "{}", run.scratch.path().display());
    }
}

#[tokio::test]
async fn a_cell_that_is_kept_outlives_its_backend_and_no_other_does() {
    let endpoint = Endpoint::start(EndpointLimits::default()).await.expect("somebody's service");
    endpoint.create_bucket("theirs").expect("their bucket");
    let service = ServiceConfig { bucket: "theirs".into(), prefix: "ours".into(), storage: endpoint.storage() };
    let config = BackendConfig { service: Some(service), ..BackendConfig::default() };
    for kind in [BackendKind::Local, BackendKind::Service] {
        let Availability::Ready(backend) = available(kind, &config).await else { panic!("{kind} is absent") };
        let scratch = TempDir::new().expect("a temporary folder");
        let run = RunContext { run_id: "run".into(), scratch: scratch.path().to_owned(), keep: false };
        backend.start(&run).await.unwrap_or_else(|error| panic!("{error}"));
        let mut stores = Vec::new();
        for name in ["failed", "green", "dropped"] {
            let cell = backend.cell(name).await.unwrap_or_else(|error| panic!("{error}"));
            let store = open(&cell).await;
            store.objects().put("object", "x").await.expect("put");
            stores.push((name, store));
            match name {
                "failed" => cell.keep(),
                "green" => cell.cleanup().await.unwrap_or_else(|error| panic!("{error}")),
                _ => drop(cell),
            }
        }
        backend.stop().await.unwrap_or_else(|error| panic!("{error}"));
        for (name, store) in stores {
            let is_there = store.objects().exists("object").await.unwrap_or(false);
            assert_eq!(is_there, name == "failed", "{name} on {kind}");
        }
    }
}

#[tokio::test]
async fn a_backend_is_started_once_and_used_in_between_only() {
    for kind in [BackendKind::Local, BackendKind::Memory, BackendKind::S3] {
        let Availability::Ready(fresh) = available(kind, &BackendConfig::default()).await else {
            panic!("{kind} is absent")
        };
        assert!(fresh.cell("early").await.is_err(), "{kind}");
        let run = start(kind, false).await;
        let context = RunContext { run_id: run.run_id, scratch: run.scratch.path().to_owned(), keep: false };
        assert!(run.backend.start(&context).await.is_err(), "{kind}");
    }
}

#[tokio::test]
async fn an_image_that_is_not_here_is_a_reason_and_not_a_download() {
    let rustfs = RustfsConfig { tag: "no-such-tag".into(), ..RustfsConfig::default() };
    let config = BackendConfig { rustfs, ..BackendConfig::default() };
    let Availability::Absent { reason } = available(BackendKind::Rustfs, &config).await else {
        panic!("found an image")
    };
    // With a Docker engine the image is what is missing, without one the engine is.
    assert!(
        reason.contains("rustfs/rustfs:no-such-tag is not on this machine") || reason.contains("no docker engine"),
        "{reason}"
    );
    assert!(reason.contains("; "), "the reason comes with a way out: {reason}");
}

#[tokio::test]
async fn a_service_that_nobody_named_is_absent_with_the_way_out() {
    let Availability::Absent { reason } = available(BackendKind::Service, &BackendConfig::default()).await else {
        panic!("found a service");
    };
    assert!(reason.contains("AWS_ENDPOINT_URL"), "{reason}");
}

#[tokio::test]
async fn a_link_that_leads_out_of_a_local_cell_is_removed_with_it_and_not_followed() {
    let run = start(BackendKind::Local, false).await;
    let outside = TempDir::new().expect("a temporary folder");
    std::fs::write(outside.path().join("theirs"), "x").expect("a disk");
    let cell = run.backend.cell("linked").await.expect("a cell");
    for (place, target) in [("folder", outside.path().to_owned()), ("file", outside.path().join("theirs"))] {
        std::os::unix::fs::symlink(target, std::path::Path::new(&cell.uri).join(place)).expect("a disk");
    }
    let graph = std::path::PathBuf::from(&cell.uri);
    cell.cleanup().await.unwrap_or_else(|error| panic!("{error}"));
    assert!(!graph.exists(), "the cell is gone");
    assert_eq!(std::fs::read_to_string(outside.path().join("theirs")).expect("it is still there"), "x");
    run.backend.stop().await.unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_is_on_loopback_alone_labelled_logged_and_removed_on_rustfs() {
    let run = start(BackendKind::Rustfs, false).await;
    let cell = run.backend.cell("labelled").await.expect("a cell");
    let endpoint = cell.storage.s3.endpoint.clone().expect("an endpoint");
    assert!(endpoint.starts_with("http://127.0.0.1:"), "{endpoint}");

    let engine = Engine::connect("test").await.expect("the engine that started it");
    let of_this_run =
        |found: &omnigraph_harness::backend::docker::Labelled| found.labels.get(LABEL_RUN) == Some(&run.run_id);
    assert_eq!(engine.containers().await.expect("a list").iter().filter(|found| of_this_run(found)).count(), 1);

    let logs = run.backend.logs().await.expect("a container has a log");
    let secret = cell.storage.s3.secret_access_key.clone().expect("a secret");
    assert!(!logs.contains(secret.expose()) && !format!("{:?}", run.backend).contains(secret.expose()));

    run.backend.stop().await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(engine.containers().await.expect("a list").iter().filter(|found| of_this_run(found)).count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_of_a_cells_own_keeps_its_bytes_through_everything_and_is_removed_on_rustfs() {
    let Run { backend, run_id, scratch: _scratch } = start(BackendKind::Rustfs, true).await;
    let engine = Engine::connect("test").await.expect("the engine that started it");
    let count = async || {
        let found = engine.containers().await.expect("a list");
        found.iter().filter(|found| found.labels.get(LABEL_RUN) == Some(&run_id)).count()
    };
    let (mut cell, container) = backend.own_cell("own").await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(count().await, 2, "one for the run, and one for the cell");
    // A reaper finds it, and leaves it alone as long as the run lives.
    let reaped = reap(false).await.expect("a pass");
    assert_eq!(reaped.kept.iter().filter(|leftover| leftover.run == run_id).count(), 2, "{reaped:?}");

    open(&cell).await.objects().put("object", "acknowledged").await.expect("put");
    let first = cell.storage.s3.endpoint.clone();
    use ContainerCall::{Connect, Disconnect, Kill, Pause, Restart, Start, Stop, Unpause};
    for call in [Stop, Start, Kill, Start, Restart, Pause, Unpause, Disconnect, Connect] {
        let endpoint = container.act(call).await.unwrap_or_else(|error| panic!("{call:?}: {error}"));
        assert_eq!(endpoint.is_some(), call.undone_by().is_none(), "{call:?}");
        if endpoint.is_some() {
            cell.storage.s3.endpoint = endpoint;
            let read = open(&cell).await.objects().get("object").await;
            assert_eq!(read.unwrap_or_else(|error| panic!("{call:?}: {error}")).as_ref(), b"acknowledged");
        } else if call != Pause {
            let read = open(&cell).await.objects().get("object").await;
            assert!(read.is_err(), "{call:?}, and it still answers");
        }
    }
    assert_ne!(first, cell.storage.s3.endpoint, "a container that is started again is published elsewhere");
    cell.cleanup().await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(count().await, 1);

    let (_cell, _container) = backend.own_cell("left behind").await.unwrap_or_else(|error| panic!("{error}"));
    backend.stop().await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(count().await, 0, "the run removes what its cells left, also where it keeps its bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_run_left_is_reaped_on_rustfs() {
    // Only to see whether there is an engine with the image; this run itself stays alive.
    let alive = start(BackendKind::Rustfs, false).await;
    let mut ended = std::process::Command::new("true").spawn().expect("`true` starts");
    ended.wait().expect("`true` ends");
    let me = Owner::of_this_process().to_string();
    let world = me.splitn(3, ':').nth(2).expect("an owner has three parts");
    let dead_run = format!("dead-{}", alive.run_id);
    let config = RustfsConfig::default();
    let _left = GenericImage::new(config.image, config.tag)
        .with_label(LABEL, "1")
        .with_label(LABEL_RUN, &dead_run)
        .with_label(LABEL_OWNER, format!("{}:0:{world}", ended.id()))
        .start()
        .await
        .expect("a container of a dead run");

    let reaped = reap(false).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(reaped.removed.iter().any(|leftover| leftover.run == dead_run), "{reaped:?}");
    assert!(reaped.kept.iter().any(|leftover| leftover.run == alive.run_id), "{reaped:?}");
    // Even a reaper that takes what it cannot judge leaves a living run alone.
    assert!(!reap(true).await.expect("again").removed.iter().any(|leftover| leftover.run == dead_run));
    assert!(alive.backend.cell("after the reaper").await.is_ok());
    alive.backend.stop().await.unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_keeps_its_promises_below_a_prefix_of_the_run_and_is_left_as_it_was() {
    let endpoint = Endpoint::start(EndpointLimits::default()).await.expect("somebody's service");
    endpoint.create_bucket("theirs").expect("their bucket");
    let everything = CellStore::new("s3://theirs".into(), endpoint.storage(), None);
    open(&everything).await.objects().put("their/object", "x").await.expect("put");

    for keep in [true, false] {
        let service = ServiceConfig { bucket: "theirs".into(), prefix: "/ours/".into(), storage: endpoint.storage() };
        let config = BackendConfig { service: Some(service), ..BackendConfig::default() };
        let Availability::Ready(backend) = available(BackendKind::Service, &config).await else { panic!("absent") };
        let scratch = TempDir::new().expect("a temporary folder");
        let run = RunContext { run_id: format!("run-{keep}"), scratch: scratch.path().to_owned(), keep };
        backend.start(&run).await.unwrap_or_else(|error| panic!("{error}"));
        assert!(backend.preflight().await.expect("answers").iter().all(|answer| answer.is_kept()));
        let cell = backend.cell("one").await.expect("a cell");
        assert!(cell.uri.starts_with(&format!("s3://theirs/ours/run-{keep}/")), "{}", cell.uri);
        open(&cell).await.objects().put("object", "x").await.expect("put");
        backend.stop().await.unwrap_or_else(|error| panic!("{error}"));
    }
    let left = open(&everything).await.objects().list_recursive("").await.expect("a listing");
    let left: Vec<&str> = left.iter().map(|name| name.path()).collect();
    assert_eq!(left, ["ours/run-true/cell-1-one/graph/object", "their/object"]);
}
