//! Wire faults as a real S3 client sees them, between it and the embedded endpoint.

use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig, UpdateVersion,
};
use omnigraph::storage::{LateCall, StorageErrorKind};
use omnigraph_harness::event::{FaultId, FaultTally, Firing};
use omnigraph_harness::fault::wire::Proxy;
use omnigraph_harness::fault::{Board, FaultOrder, FaultWatch, Life, Rule};
use omnigraph_harness::scenario::model::WireFault;
use omnigraph_harness::seed::Seed;

use super::wire::Wire;

/// How long a client of these tests waits for an answer.
const CLIENT_WAITS: Duration = Duration::from_millis(400);
const SIDECAR: &str = "graph/__recovery/01J.json";

struct Deaf;

impl FaultWatch for Deaf {
    fn reached(&self, _: &FaultId) {}
    fn fired(&self, _: &FaultId, _: &Firing) {}
    fn held(&self, _: &FaultId) {}
    fn late(&self, _: &str, _: LateCall) {}
}

/// An endpoint, a proxy before it, and a client on each side of the proxy.
struct Line {
    board: Arc<Board>,
    proxy: Proxy,
    wire: Wire,
    direct: AmazonS3,
}

impl Line {
    async fn new() -> Line {
        let wire = Wire::start().await;
        let life = Arc::new(Life::simulated(Box::new(|_| {})));
        let board = Board::new(life, Arc::new(Deaf), Seed(1), Duration::ZERO);
        let target = wire.endpoint.address().to_string();
        let proxy =
            Proxy::start(target, Path::from("bucket/graph"), Some(Arc::clone(&board))).await.expect("a free port");
        let direct = wire.store();
        Line { board, proxy, wire, direct }
    }

    /// A client that reaches the endpoint through the proxy, and that tries again so often.
    fn client(&self, retries: usize) -> AmazonS3 {
        let builder: AmazonS3Builder = self.wire.builder().with_endpoint(self.proxy.endpoint());
        let backoff = BackoffConfig { init_backoff: Duration::from_millis(1), ..BackoffConfig::default() };
        builder
            .with_retry(RetryConfig { max_retries: retries, backoff, retry_timeout: Duration::from_secs(20) })
            .with_client_options(ClientOptions::new().with_allow_http(true).with_timeout(CLIENT_WAITS))
            .build()
            .expect("valid settings")
    }

    /// Arms one fault and counts what becomes of it once `work` is done.
    async fn under<T>(&self, fault: &str, work: impl Future<Output = T>) -> (T, FaultTally) {
        let fault: WireFault = serde_json::from_str(fault).unwrap_or_else(|error| panic!("{fault}: {error}"));
        let order = FaultOrder::new(1, self.board.tallies().len() as u64 + 1, Rule::Wire(fault));
        let guard = self.board.arm(&[order]).expect("a sound rule");
        let done = work.await;
        drop(guard);
        (done, self.board.tallies().pop().expect("one was armed"))
    }

    async fn is_there(&self, path: &str) -> bool {
        self.direct.head(&Path::from(path)).await.is_ok()
    }
}

async fn create(client: &AmazonS3, path: &str) -> object_store::Result<()> {
    let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    client.put_opts(&Path::from(path), vec![b'x'; 1000].into(), options).await.map(drop)
}

fn kind(error: &Error) -> Option<StorageErrorKind> {
    StorageErrorKind::of(error)
}

fn fault(effect: &str, when: &str) -> String {
    format!(r#"{{"on": {{"operation": "put-if-absent", "class": "sidecar"}}, "do": {effect}, "when": {when}}}"#)
}

#[tokio::test]
async fn a_wire_without_faults_is_not_noticed() {
    let line = Line::new().await;
    let client = line.client(0);
    let path = Path::from("graph/nodes/P+q.lance/data/a b.lance");
    let content: Vec<u8> = (0..3_000_000u32).map(|at| at as u8).collect();
    client.put(&path, content.clone().into()).await.expect("a put");
    assert_eq!(client.get(&path).await.expect("a get").bytes().await.expect("whole"), content);
    assert_eq!(client.get_range(&path, 5..9).await.expect("a range"), &content[5..9]);
    assert_eq!(client.head(&path).await.expect("a head").size, content.len() as u64);
    let listed: Vec<_> = futures::TryStreamExt::try_collect(client.list(None)).await.expect("a list");
    assert_eq!(listed.len(), 1);
    create(&client, SIDECAR).await.expect("the first");
    assert!(matches!(create(&client, SIDECAR).await, Err(Error::AlreadyExists { .. })));
    client.delete(&path).await.expect("a delete");
    assert!(matches!(client.get(&path).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn a_service_that_asks_to_slow_down_has_done_nothing_and_says_so_in_its_own_words() {
    let line = Line::new().await;
    let (put, tally) = line.under(&fault(r#""slow-down""#, r#""every""#), create(&line.client(0), SIDECAR)).await;
    let error = put.expect_err("it was told to slow down");
    assert!(format!("{error:?}").contains("<Code>SlowDown</Code>"), "{error:?}");
    assert!(!line.is_there(SIDECAR).await);
    assert_eq!((tally.reached, tally.fired), (1, 1));
    assert_eq!(tally.fault.to_string(), "step 1: wire put-if-absent of sidecar → slow down");
}

#[tokio::test]
async fn a_client_that_tries_again_gets_through_and_its_attempts_are_counted() {
    let line = Line::new().await;
    let (put, tally) = line.under(&fault(r#""slow-down""#, r#"{"first": 2}"#), create(&line.client(2), SIDECAR)).await;
    put.expect("the third attempt");
    assert_eq!((tally.reached, tally.fired), (3, 2));
}

#[tokio::test]
async fn a_request_that_is_done_and_answered_with_an_error_meets_its_own_work_when_it_is_repeated() {
    let line = Line::new().await;
    let (put, _) =
        line.under(&fault(r#""internal-error-after""#, r#"{"nth": 1}"#), create(&line.client(1), SIDECAR)).await;
    assert!(matches!(put, Err(Error::AlreadyExists { .. })), "{put:?}");
    assert!(line.is_there(SIDECAR).await);
}

#[tokio::test]
async fn a_request_that_is_reset_never_arrives() {
    let line = Line::new().await;
    for bytes in [0, 500, 100_000] {
        let effect = format!(r#"{{"reset-request": {bytes}}}"#);
        let (put, tally) = line.under(&fault(&effect, r#""every""#), create(&line.client(0), SIDECAR)).await;
        let error = put.expect_err("it was reset");
        assert_eq!(kind(&error), Some(StorageErrorKind::Transport), "{error:?}");
        assert_eq!(tally.fired, 1, "after {bytes} bytes");
        assert!(!line.is_there(SIDECAR).await, "after {bytes} bytes");
    }
}

#[tokio::test]
async fn a_request_whose_answer_is_reset_or_lost_is_done() {
    let line = Line::new().await;
    for (path, effect) in [
        ("graph/__recovery/1.json", r#"{"reset-response": 0}"#),
        ("graph/__recovery/2.json", r#"{"reset-response": 20}"#),
        ("graph/__recovery/3.json", r#""response-lost""#),
    ] {
        let (put, tally) = line.under(&fault(effect, r#""every""#), create(&line.client(0), path)).await;
        let error = put.expect_err("its answer was lost");
        assert_eq!(kind(&error), Some(StorageErrorKind::Transport), "{effect}: {error:?}");
        assert_eq!(tally.fired, 1, "{effect}");
        assert!(line.is_there(path).await, "{effect}");
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_under_a_request_leaves_it_undone() {
    let line = Line::new().await;
    let (put, tally) = line.under(&fault(r#""half-closed""#, r#""every""#), create(&line.client(0), SIDECAR)).await;
    assert_eq!(kind(&put.expect_err("closed")), Some(StorageErrorKind::Transport));
    assert_eq!(tally.fired, 1);
    assert!(!line.is_there(SIDECAR).await);
}

#[tokio::test]
async fn a_black_hole_takes_a_request_until_the_client_gives_up() {
    let line = Line::new().await;
    let started = Instant::now();
    let (put, tally) = line.under(&fault(r#""black-hole""#, r#""every""#), create(&line.client(0), SIDECAR)).await;
    assert_eq!(kind(&put.expect_err("no answer")), Some(StorageErrorKind::Timeout));
    assert!(started.elapsed() >= CLIENT_WAITS);
    assert_eq!(tally.fired, 1);
    assert!(!line.is_there(SIDECAR).await);
}

#[tokio::test]
async fn latency_delays_a_request_and_changes_nothing_else() {
    let line = Line::new().await;
    let started = Instant::now();
    let (put, _) = line.under(&fault(r#"{"latency": 100}"#, r#""every""#), create(&line.client(0), SIDECAR)).await;
    put.expect("late, but done");
    assert!(started.elapsed() >= Duration::from_millis(100));
    assert!(line.is_there(SIDECAR).await);
}

#[tokio::test]
async fn a_late_request_breaks_off_and_is_done_when_it_arrives() {
    let line = Line::new().await;
    let late = fault(r#"{"late": "later"}"#, r#""every""#);
    let (put, tally) = line.under(&late, create(&line.client(2), SIDECAR)).await;
    assert_eq!(kind(&put.expect_err("broken off")), Some(StorageErrorKind::Transport));
    assert_eq!(tally.fired, 1, "a request that broke off is not repeated");
    assert!(line.proxy.arrive(Some("another")).await.expect("nothing is to be done").is_empty());
    assert!(!line.is_there(SIDECAR).await);
    let arrived = line.proxy.arrive(Some("later")).await.expect("the endpoint is there");
    assert_eq!(arrived.iter().map(|request| request.status).collect::<Vec<_>>(), [200]);
    assert!(arrived[0].is_quiet() && line.is_there(SIDECAR).await);
    assert!(line.proxy.arrive(None).await.expect("nothing is left").is_empty());
}

#[tokio::test]
async fn a_late_request_that_must_create_something_loses_quietly_to_whoever_was_first() {
    let line = Line::new().await;
    let late = fault(r#"{"late": "later"}"#, r#""every""#);
    line.under(&late, create(&line.client(0), SIDECAR)).await.0.expect_err("broken off");
    line.direct.put(&Path::from(SIDECAR), "theirs".into()).await.expect("a put");
    let arrived = line.proxy.arrive(None).await.expect("the endpoint is there");
    assert!(arrived[0].is_quiet() && arrived[0].status == 412, "{arrived:?}");
    let found = line.direct.get(&Path::from(SIDECAR)).await.expect("a get").bytes().await.expect("whole");
    assert_eq!(found, "theirs");
}

#[tokio::test]
async fn a_late_delete_and_a_late_conditional_put_do_what_is_still_to_be_done() {
    let line = Line::new().await;
    create(&line.direct, SIDECAR).await.expect("a put");
    let client = line.client(0);
    let of = |operation: &str| format!(r#"{{"on": {{"operation": "{operation}"}}, "do": {{"late": "{operation}"}}}}"#);
    let e_tag = line.direct.head(&Path::from(SIDECAR)).await.expect("a head").e_tag;
    let mode = PutMode::Update(UpdateVersion { e_tag, version: None });
    let path = Path::from(SIDECAR);
    let put = client.put_opts(&path, "new".into(), PutOptions { mode, ..PutOptions::default() });
    line.under(&of("put-if-match"), put).await.0.expect_err("broken off");
    line.under(&of("delete"), client.delete(&Path::from(SIDECAR))).await.0.expect_err("broken off");
    assert!(line.is_there(SIDECAR).await);
    let arrived = line.proxy.arrive(Some("delete")).await.expect("the endpoint is there");
    assert!(arrived[0].is_quiet(), "{arrived:?}");
    assert!(!line.is_there(SIDECAR).await, "the delete arrived first");
    let arrived = line.proxy.arrive(Some("put-if-match")).await.expect("the endpoint is there");
    assert!(arrived[0].is_quiet() && !(200..300).contains(&arrived[0].status), "{arrived:?}");
    assert!(!line.is_there(SIDECAR).await, "what it was to replace is gone");
}

#[tokio::test]
async fn a_truncated_answer_is_noticed_wherever_it_has_a_body() {
    let line = Line::new().await;
    create(&line.direct, SIDECAR).await.expect("a put");
    let client = line.client(0);
    let all = |effect: &str| format!(r#"{{"on": {{"class": "sidecar"}}, "do": {effect}}}"#);
    for bytes in [0, 10, 100_000] {
        let effect = format!(r#"{{"truncated": {bytes}}}"#);
        let read = async { client.get(&Path::from(SIDECAR)).await?.bytes().await };
        let (read, tally) = line.under(&all(&effect), read).await;
        assert!(read.is_err(), "{bytes} bytes passed for the whole");
        assert_eq!(tally.fired, 1);
        let prefix = Path::from("graph/__recovery");
        let list = async { futures::TryStreamExt::try_collect::<Vec<_>>(client.list(Some(&prefix))).await };
        assert!(line.under(&all(&effect), list).await.0.is_err(), "a list of {bytes} bytes passed for the whole");
    }
    // The answer to a put has no body, so it cannot be struck; it is met all the same.
    let (put, tally) = line.under(&all(r#"{"truncated": 0}"#), create(&client, "graph/__recovery/2.json")).await;
    put.expect("nothing to cut off");
    assert_eq!((tally.reached, tally.fired), (1, 0));
}

#[tokio::test]
async fn an_object_that_is_named_in_a_body_is_met_by_its_name() {
    let line = Line::new().await;
    create(&line.direct, SIDECAR).await.expect("a put");
    let client = line.client(0);
    let spares = r#"{"on": {"operation": "delete", "class": "manifest"}, "do": "slow-down"}"#;
    let strikes = r#"{"on": {"operation": "delete", "path": "__recovery/*.json"}, "do": "response-lost"}"#;
    let (deleted, tally) = line.under(strikes, client.delete(&Path::from(SIDECAR))).await;
    assert!(deleted.is_err());
    assert_eq!(tally.fired, 1);
    assert!(!line.is_there(SIDECAR).await, "its answer was lost, and it was done");
    let (deleted, tally) = line.under(spares, client.delete(&Path::from(SIDECAR))).await;
    deleted.expect("nothing is wrong with a sidecar");
    assert_eq!(tally.reached, 0);
}

#[tokio::test]
async fn an_endpoint_that_has_moved_is_found_and_one_that_is_gone_is_a_broken_connection() {
    let line = Line::new().await;
    let client = line.client(0);
    create(&client, SIDECAR).await.expect("a put");
    line.wire.endpoint.stop().await;
    let error = create(&client, "graph/a").await.expect_err("nobody is there");
    assert_eq!(kind(&error), Some(StorageErrorKind::Transport), "{error:?}");
    let other = Wire::start().await;
    line.proxy.retarget(other.endpoint.address().to_string());
    // Another endpoint has other credentials; that it says so shows that it was reached.
    let error = create(&client, "graph/a").await.expect_err("the credentials are those of the first");
    assert_eq!(kind(&error), Some(StorageErrorKind::Permission), "{error:?}");
}

#[tokio::test]
async fn a_proxy_that_is_dropped_ends_its_connections() {
    let line = Line::new().await;
    let client = line.client(0);
    let hole = r#"{"on": {}, "do": "black-hole"}"#;
    let order = FaultOrder::new(1, 1, Rule::Wire(serde_json::from_str(hole).expect("a fault")));
    let _guard = line.board.arm(&[order]).expect("a sound rule");
    let asking = tokio::spawn(async move { create(&client, SIDECAR).await });
    while line.board.tallies()[0].fired == 0 {
        tokio::task::yield_now().await;
    }
    drop(line.proxy);
    let error = asking.await.expect("no panic").expect_err("the connection is gone");
    assert_eq!(kind(&error), Some(StorageErrorKind::Transport), "cut, and not waited for: {error:?}");
}
