use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::storage::{Call, FaultKind, FaultLayer, FaultPolicy, LocalOptions, Secret, TraceLayer, Verdict};

fn remote(endpoint: String, retry: RetryOptions) -> StorageOptions {
    let s3 = S3Options {
        endpoint: Some(endpoint),
        access_key_id: Some("key".into()),
        secret_access_key: Some(Secret::new("secret")),
        allow_http: true,
        ..S3Options::default()
    };
    StorageOptions { s3, retry, ..StorageOptions::default() }
}

async fn open(uri: &str, options: &StorageOptions) -> Stack {
    Stack::open(&uri.parse().unwrap(), options, &[]).await.unwrap()
}

/// An endpoint that answers every request with one status.
async fn endpoint(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 16 << 10];
                let _ = stream.read(&mut request).await;
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbody");
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn what_a_service_answers_is_told_by_type() {
    use StorageErrorKind as K;
    let once = RetryOptions { attempts_max: 1, timeout_ms: 4_000 };
    for (status, get, create, update) in [
        ("404 Not Found", K::NotFound, K::NotFound, K::Precondition),
        ("412 Precondition Failed", K::Precondition, K::AlreadyExists, K::Precondition),
        ("409 Conflict", K::AlreadyExists, K::AlreadyExists, K::Precondition),
        ("403 Forbidden", K::Permission, K::Permission, K::Permission),
        ("401 Unauthorized", K::Permission, K::Permission, K::Permission),
        ("503 Slow Down", K::Throttled, K::Throttled, K::Throttled),
        ("429 Too Many Requests", K::Throttled, K::Throttled, K::Throttled),
        ("500 Internal Server Error", K::Transport, K::Transport, K::Transport),
        ("504 Gateway Timeout", K::Timeout, K::Timeout, K::Timeout),
    ] {
        let stack = open("s3://bucket/some/prefix", &remote(endpoint(status).await, once.clone())).await;
        let objects = stack.objects();
        assert_eq!(objects.get("a").await.unwrap_err().kind(), get, "get {status}");
        assert_eq!(objects.put_if_absent("a", "x").await.unwrap_err().kind(), create, "create {status}");
        let memory = open("memory://versions", &StorageOptions::default()).await;
        let version = memory.objects().put("a", "x").await.unwrap();
        assert_eq!(objects.update("a", &version, "x").await.unwrap_err().kind(), update, "update {status}");
        assert_eq!(objects.exists("a").await.is_ok(), get == K::NotFound, "{status} is no word on existence");
    }
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_fails_within_the_bound() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let black_hole = format!("http://{}", silent.local_addr().unwrap());
    let retry = RetryOptions { attempts_max: 3, timeout_ms: 1_000 };
    for (endpoint, kind) in [(nobody, StorageErrorKind::Transport), (black_hole, StorageErrorKind::Timeout)] {
        let stack = open("s3://bucket", &remote(endpoint, retry.clone())).await;
        let start = Instant::now();
        let error = stack.objects().get("a").await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.is_retryable() && error.is_ambiguous());
        // The bound itself, and as much again for a machine that is busy with other tests.
        assert!(start.elapsed() < Duration::from_millis(2 * retry.timeout_ms), "{:?}", start.elapsed());
    }
}

#[tokio::test]
async fn handles_by_one_name_see_the_same_bytes_and_others_do_not() {
    let options = StorageOptions::default();
    let (a, b) = (open("memory://shared", &options).await, open("memory://shared/", &options).await);
    let c = open("memory://other", &options).await;
    a.objects().put("object", "content").await.unwrap();
    assert_eq!(b.objects().get("object").await.unwrap(), "content");
    assert!(!c.objects().exists("object").await.unwrap());
    assert_eq!(a.identity(), b.identity());
    assert_ne!(a.identity(), c.identity());
}

#[tokio::test]
async fn an_identity_has_no_password_of_an_endpoint() {
    let options = remote("http://bob:hunter2@127.0.0.1:1".into(), RetryOptions::default());
    let stack = open("s3://bucket/graph", &options).await;
    assert_eq!(stack.identity(), "s3://bucket/graph at http://127.0.0.1:1/");
    assert!(!format!("{stack:?} {options:?}").contains("hunter2"));
    let builder = crate::Graph::builder("s3://bob:hunter2@bucket/graph").storage_options(options);
    assert!(!format!("{builder:?}").contains("hunter2"), "{builder:?}");
}

#[tokio::test]
async fn settings_that_a_client_would_panic_over_are_refused_by_name() {
    let mut options = remote("http://127.0.0.1:1".into(), RetryOptions::default());
    options.s3.session_token = Some(Secret::new("token\n"));
    let error = Stack::open(&"s3://bucket".parse().unwrap(), &options, &[]).await.unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Invalid);
    assert!(error.message().contains("AWS_SESSION_TOKEN"), "{error}");
}

#[tokio::test]
async fn one_directory_has_one_identity_however_it_is_spelled() {
    let parent = tempfile::tempdir().unwrap();
    let plain = parent.path().join("graph");
    let roundabout = parent.path().join("graph/../graph/.");
    let options = StorageOptions::default();
    let a = Stack::open(&StorageUri::Local(plain.clone()), &options, &[]).await.unwrap();
    let b = Stack::open(&StorageUri::Local(roundabout), &options, &[]).await.unwrap();
    assert_eq!(a.identity(), b.identity());
    let link = parent.path().join("link");
    std::os::unix::fs::symlink(&plain, &link).unwrap();
    let c = Stack::open(&StorageUri::Local(link), &options, &[]).await.unwrap();
    assert_eq!(a.identity(), c.identity());
}

#[tokio::test]
async fn a_directory_that_must_exist_is_not_created() {
    let parent = tempfile::tempdir().unwrap();
    let uri = StorageUri::Local(parent.path().join("graph"));
    let options = StorageOptions {
        local: LocalOptions { must_exist: true, ..LocalOptions::default() },
        ..StorageOptions::default()
    };
    let error = Stack::open(&uri, &options, &[]).await.unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::NotFound);
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
}

#[derive(Debug)]
struct FailAll;

impl FaultPolicy for FailAll {
    fn verdict(&self, _: &Call) -> Verdict {
        Verdict::Fail(FaultKind::Timeout)
    }
}

#[tokio::test]
async fn the_first_layer_is_the_outermost() {
    let (outer, inner) = (TraceLayer::new(), TraceLayer::new());
    let fault = Arc::new(FaultLayer::new(Arc::new(FailAll)));
    let layers: Vec<Arc<dyn StoreLayer>> = vec![Arc::new(outer.clone()), fault, Arc::new(inner.clone())];
    let stack = Stack::over(Arc::new(InMemory::new()), "test".into(), &layers);
    stack.objects().get("object").await.unwrap_err();
    stack.lance().dataset("nodes/a.lance").with_version(1).load().await.unwrap_err();
    assert!(outer.snapshot().calls(|key| key.realm == Realm::Control) == 1);
    assert!(outer.snapshot().calls(|key| key.realm == Realm::Table) > 0);
    assert_eq!(inner.snapshot().total(), 0, "nothing gets past a fault");
}
