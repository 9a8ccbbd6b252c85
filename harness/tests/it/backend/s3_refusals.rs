//! Who is not let in, what is too much, and how the endpoint goes down.

use object_store::path::Path;
use object_store::{Error, ObjectStoreExt};
use omnigraph_harness::backend::s3::EndpointLimits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::wire::Wire;

#[tokio::test]
async fn a_wrong_secret_an_unknown_key_and_no_signature_are_refused() {
    let wire = Wire::start().await;
    let path = Path::from("guarded");
    let spoiled = [
        ("a wrong secret", wire.builder().with_secret_access_key("wrong")),
        ("an unknown key", wire.builder().with_access_key_id("SOMEBODY")),
        ("no signature", wire.builder().with_skip_signature(true)),
    ];
    for (what, builder) in spoiled {
        let store = builder.build().expect("valid settings");
        let put = store.put(&path, "x".into()).await;
        assert!(matches!(put, Err(Error::PermissionDenied { .. } | Error::Unauthenticated { .. })), "{what}: {put:?}");
        let get = store.get(&path).await;
        assert!(matches!(get, Err(Error::PermissionDenied { .. } | Error::Unauthenticated { .. })), "{what}: {get:?}");
    }
    assert!(matches!(wire.store().head(&path).await, Err(Error::NotFound { .. })), "nothing was written");
}

#[tokio::test]
async fn a_signature_for_another_body_is_refused_and_nothing_is_written() {
    let wire = Wire::start().await;
    let signed = wire.signed("PUT", "/bucket/altered", &[], "what was signed");
    // The same head, and a body of the same length that was not signed.
    assert_ne!(send_raw(&wire, &signed, b"what was 5igned", 15).await, Some(200));
    assert_eq!(wire.ask("HEAD", "/bucket/altered", &[], "").await.status, 404);
}

#[tokio::test]
async fn a_body_that_breaks_off_writes_nothing() {
    let wire = Wire::start().await;
    assert_eq!(wire.ask("PUT", "/bucket/torn", &[], "before").await.status, 200);
    let signed = wire.signed("PUT", "/bucket/torn", &[], &"x".repeat(100));
    assert_ne!(send_raw(&wire, &signed, b"xxxxxxxxxx", 100).await, Some(200));
    assert_eq!(wire.ask("GET", "/bucket/torn", &[], "").await.body, "before");
}

#[tokio::test]
async fn an_object_above_the_limit_is_refused() {
    let limits = EndpointLimits { object_bytes: 1024, ..EndpointLimits::default() };
    let wire = Wire::with_limits(limits).await;
    assert_eq!(wire.ask("PUT", "/bucket/fits", &[], &"x".repeat(1024)).await.status, 200);
    let refused = wire.ask("PUT", "/bucket/large", &[], &"x".repeat(1025)).await;
    assert!(refused.body.contains("<Code>EntityTooLarge</Code>"), "{refused:?}");
    assert_eq!(wire.ask("HEAD", "/bucket/large", &[], "").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_endpoint_answers_nobody_and_stopping_twice_is_fine() {
    let wire = Wire::start().await;
    let store = wire.store();
    store.put(&Path::from("x"), "x".into()).await.expect("put");
    wire.endpoint.stop().await;
    wire.endpoint.stop().await;
    assert!(TcpStream::connect(wire.endpoint.address()).await.is_err());
    assert!(store.get(&Path::from("x")).await.is_err());
}

#[tokio::test]
async fn nothing_that_is_printed_holds_the_secret() {
    let wire = Wire::start().await;
    let secret = wire.endpoint.storage().s3.secret_access_key.expect("a secret");
    assert!(!format!("{:?} {:?}", wire.endpoint, wire.endpoint.storage()).contains(secret.expose()));
}

/// Sends a signed head with any body on a connection of its own, and gives the status of the answer, if one comes.
async fn send_raw(
    wire: &Wire,
    signed: &object_store::client::HttpRequest,
    body: &[u8],
    declared: usize,
) -> Option<u16> {
    let address = wire.endpoint.address();
    let mut head =
        format!("{} {} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n", signed.method(), signed.uri().path());
    for (name, value) in signed.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().expect("plain headers")));
    }
    head.push_str(&format!("content-length: {declared}\r\n\r\n"));
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(head.as_bytes()).await.expect("the head is taken");
    stream.write_all(body).await.expect("the body is taken");
    stream.shutdown().await.expect("half closed");
    let mut answer = Vec::new();
    // The endpoint may as well cut the connection: then there is no status.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).split(' ').nth(1)?.parse().ok()
}
