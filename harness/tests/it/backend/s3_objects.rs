//! Reading, listing, copying and deleting over real HTTP.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt};

use super::wire::Wire;

#[tokio::test]
async fn ranges_are_cut_and_one_outside_the_object_is_an_error() {
    let wire = Wire::start().await;
    let store = wire.store();
    let path = Path::from("digits");
    store.put(&path, "0123456789".into()).await.expect("put");
    for (range, expected) in [
        (GetRange::Bounded(2..5), "234"),
        (GetRange::Bounded(8..100), "89"),
        (GetRange::Offset(7), "789"),
        (GetRange::Suffix(3), "789"),
        (GetRange::Suffix(100), "0123456789"),
    ] {
        let options = GetOptions { range: Some(range.clone()), ..GetOptions::default() };
        let found = store.get_opts(&path, options).await.expect("inside").bytes().await.expect("bytes");
        assert_eq!(found.as_ref(), expected.as_bytes(), "{range:?}");
    }
    let outside = GetOptions { range: Some(GetRange::Bounded(10..12)), ..GetOptions::default() };
    assert!(store.get_opts(&path, outside).await.is_err());
    assert_eq!(wire.ask("GET", "/bucket/digits", &[("range", "bytes=10-")], "").await.status, 416);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_goes_over_several_pages_in_key_order_and_shows_every_object_once() {
    let wire = Wire::start().await;
    let store = wire.store();
    let wanted: BTreeSet<String> = (0..1_003).map(|number| format!("many/{number:05}")).collect();
    let puts = wanted.iter().map(|key| {
        let (store, path) = (store.clone(), Path::from(key.as_str()));
        async move { store.put(&path, "x".into()).await }
    });
    stream::iter(puts).buffer_unordered(16).try_collect::<Vec<_>>().await.expect("every put");
    store.put(&Path::from("manyfold"), "a sibling that only starts alike".into()).await.expect("put");

    let prefix = Path::from("many");
    let listed: Vec<String> =
        store.list(Some(&prefix)).map_ok(|meta| meta.location.to_string()).try_collect().await.expect("a listing");
    assert_eq!(listed, wanted.iter().cloned().collect::<Vec<_>>());

    let offset = Path::from("many/01000");
    let rest: Vec<String> = store
        .list_with_offset(Some(&prefix), &offset)
        .map_ok(|meta| meta.location.to_string())
        .try_collect()
        .await
        .expect("a listing from an offset");
    assert_eq!(rest, ["many/01001", "many/01002"]);

    let top = store.list_with_delimiter(None).await.expect("a folder listing");
    assert_eq!(top.common_prefixes, [prefix]);
    assert_eq!(top.objects.iter().map(|meta| meta.location.as_ref()).collect::<Vec<_>>(), ["manyfold"]);
}

#[tokio::test]
async fn keys_come_back_byte_for_byte() {
    let wire = Wire::start().await;
    let store = wire.store();
    let keys = ["a b", "a+b", "a&b<c>\"'", "per%20cent", "file:x", "ünï/cödé", "tilde~", "(x)*!", "a=b?c#d"];
    for key in keys {
        let path = Path::parse(key).expect("a storable key");
        store.put(&path, key.into()).await.unwrap_or_else(|error| panic!("{key}: {error}"));
        let found = store.get(&path).await.unwrap_or_else(|error| panic!("{key}: {error}"));
        assert_eq!(found.bytes().await.expect("bytes").as_ref(), key.as_bytes());
    }
    let listed: BTreeSet<String> =
        store.list(None).map_ok(|meta| meta.location.to_string()).try_collect().await.expect("a listing");
    assert_eq!(listed, keys.iter().map(|key| (*key).to_owned()).collect());
}

#[tokio::test]
async fn a_key_that_would_fold_into_another_is_refused() {
    let wire = Wire::start().await;
    for target in ["/bucket/a//b", "/bucket/a/", "/bucket//a"] {
        let answer = wire.ask("PUT", target, &[], "x").await;
        assert!((400..500).contains(&answer.status), "{target}: {answer:?}");
    }
    assert_eq!(wire.store().list(None).count().await, 0);
}

#[tokio::test]
async fn copies_are_whole_and_a_copy_of_nothing_is_not_found() {
    let wire = Wire::start().await;
    let store = wire.store();
    let (from, to) = (Path::from("from here"), Path::from("to"));
    assert!(matches!(store.copy(&from, &to).await, Err(Error::NotFound { .. })));
    store.put(&from, "content".into()).await.expect("put");
    store.copy(&from, &to).await.expect("copied");
    store.copy(&from, &to).await.expect("copied over");
    assert_eq!(store.get(&to).await.expect("the copy").bytes().await.expect("bytes").as_ref(), b"content");
    let source = [("x-amz-copy-source", "/bucket/to"), ("if-none-match", "*")];
    assert_eq!(wire.ask("PUT", "/bucket/to", &source, "").await.status, 412, "a copy can be conditional");
}

#[tokio::test]
async fn deletes_are_idempotent_one_by_one_and_in_bulk() {
    let wire = Wire::start().await;
    let store = wire.store();
    for key in ["a", "b", "c"] {
        store.put(&Path::from(key), key.into()).await.expect("put");
    }
    store.delete(&Path::from("a")).await.expect("there");
    store.delete(&Path::from("a")).await.expect("gone already");
    let bulk = stream::iter(["a", "b", "c"].map(|key| Ok(Path::from(key)))).boxed();
    let deleted: Vec<Path> = store.delete_stream(bulk).try_collect().await.expect("in bulk");
    assert_eq!(deleted.len(), 3);
    assert_eq!(store.list(None).count().await, 0);
}

#[tokio::test]
async fn buckets_are_made_listed_and_removed_over_the_wire() {
    let wire = Wire::start().await;
    assert_eq!(wire.ask("PUT", "/second", &[], "").await.status, 200);
    assert_eq!(wire.ask("PUT", "/second", &[], "").await.status, 409);
    assert_eq!(wire.ask("HEAD", "/second", &[], "").await.status, 200);
    let all = wire.ask("GET", "/", &[], "").await;
    assert!(all.body.contains("<Name>bucket</Name>") && all.body.contains("<Name>second</Name>"), "{all:?}");

    assert_eq!(wire.ask("PUT", "/second/object", &[], "x").await.status, 200);
    assert_eq!(wire.ask("DELETE", "/second", &[], "").await.status, 409, "a bucket with objects stays");
    assert_eq!(wire.ask("DELETE", "/second/object", &[], "").await.status, 204);
    assert_eq!(wire.ask("DELETE", "/second", &[], "").await.status, 204);
    let missing = wire.ask("PUT", "/second/object", &[], "x").await;
    assert_eq!((missing.status, missing.body.contains("<Code>NoSuchBucket</Code>")), (404, true), "{missing:?}");
}
