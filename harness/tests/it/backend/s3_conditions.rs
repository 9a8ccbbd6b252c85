//! Conditional writes over real HTTP: the promise that everything else stands on.

use bytes::Bytes;
use futures::future::join_all;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, UpdateVersion};

use super::wire::Wire;

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_creators_wins_and_its_content_is_whole() {
    let wire = Wire::start().await;
    for round in 0..5 {
        let path = Path::from(format!("race/{round}"));
        let racers = (0..24).map(|racer| {
            let (store, path) = (wire.store(), path.clone());
            tokio::spawn(async move {
                let content = format!("racer {racer}").repeat(1000);
                store.put_opts(&path, content.clone().into(), PutMode::Create.into()).await.map(|_| content)
            })
        });
        let (winners, losers): (Vec<_>, Vec<_>) =
            join_all(racers).await.into_iter().map(|joined| joined.expect("no panic")).partition(Result::is_ok);
        assert_eq!(winners.len(), 1);
        assert!(losers.iter().all(|lost| matches!(lost, Err(Error::AlreadyExists { .. }))), "{losers:?}");
        let found = wire.store().get(&path).await.expect("the winner's object").bytes().await.expect("its bytes");
        assert_eq!(found, Bytes::from(winners.into_iter().next().expect("one").expect("the winner")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_updaters_from_the_same_tag_wins() {
    let wire = Wire::start().await;
    let path = Path::from("pointer");
    let first = wire.store().put(&path, "0".into()).await.expect("a first put");
    let version = UpdateVersion::from(first);
    let racers = (0..24).map(|racer: i32| {
        let (store, path, version) = (wire.store(), path.clone(), version.clone());
        tokio::spawn(
            async move { store.put_opts(&path, racer.to_string().into(), PutMode::Update(version).into()).await },
        )
    });
    let answers: Vec<_> = join_all(racers).await.into_iter().map(|joined| joined.expect("no panic")).collect();
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(Error::Precondition { .. }))), "{answers:?}");
}

#[tokio::test]
async fn a_lost_condition_has_the_status_that_s3_gives_it() {
    let wire = Wire::start().await;
    let put = |headers: &'static [(&'static str, &'static str)]| wire.ask("PUT", "/bucket/one", headers, "x");
    assert_eq!(put(&[("if-none-match", "*")]).await.status, 200);

    let lost = put(&[("if-none-match", "*")]).await;
    assert_eq!((lost.status, lost.body.contains("<Code>PreconditionFailed</Code>")), (412, true), "{lost:?}");
    let stale = put(&[("if-match", "\"stale\"")]).await;
    assert_eq!((stale.status, stale.body.contains("<Code>PreconditionFailed</Code>")), (412, true), "{stale:?}");

    // A tag cannot match where nothing is: 404 and not 412.
    let nothing = wire.ask("PUT", "/bucket/none", &[("if-match", "\"any\"")], "x").await;
    assert_eq!((nothing.status, nothing.body.contains("<Code>NoSuchKey</Code>")), (404, true), "{nothing:?}");
    assert_eq!(wire.ask("HEAD", "/bucket/none", &[], "").await.status, 404, "a lost write must leave nothing");

    // Conditions that S3 does not have on writes are refused, because ignoring one would overwrite.
    assert_eq!(put(&[("if-none-match", "\"tag\"")]).await.status, 501);
}

#[tokio::test]
async fn conditional_reads_answer_by_tag() {
    let wire = Wire::start().await;
    let path = Path::from("read");
    let tag = wire.store().put(&path, "x".into()).await.expect("put").e_tag.expect("a tag");
    let get = |name: &'static str, value: String| {
        let wire = &wire;
        async move { wire.ask("GET", "/bucket/read", &[(name, value.as_str())], "").await.status }
    };
    assert_eq!(get("if-match", tag.clone()).await, 200);
    assert_eq!(get("if-match", "\"other\"".into()).await, 412);
    assert_eq!(get("if-none-match", tag).await, 304);
    assert_eq!(get("if-none-match", "\"other\"".into()).await, 200);
}

#[tokio::test]
async fn a_multipart_upload_becomes_visible_whole_on_completion_and_keeps_its_condition() {
    let wire = Wire::start().await;
    let store = wire.store();
    let path = Path::from("big");
    let id = store.create_multipart(&path).await.expect("an upload");
    let large = vec![7_u8; 5 * 1024 * 1024];
    let first = store.put_part(&path, &id, 0, large.clone().into()).await.expect("a large part");
    let second = store.put_part(&path, &id, 1, "end".into()).await.expect("a small last part");
    assert!(matches!(store.head(&path).await, Err(Error::NotFound { .. })), "parts must not be visible");

    // Somebody else creates the object: completing with if-none-match loses, and the upload can still be aborted.
    store.put(&path, "other".into()).await.expect("another writer");
    let list: String = [first.content_id, second.content_id]
        .iter()
        .enumerate()
        .map(|(index, tag)| format!("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", index + 1, tag))
        .collect();
    let body = format!("<CompleteMultipartUpload>{list}</CompleteMultipartUpload>");
    let target = format!("/bucket/big?uploadId={id}");
    let lost = wire.ask("POST", &target, &[("if-none-match", "*")], &body).await;
    assert_eq!(lost.status, 412, "{lost:?}");
    assert_eq!(store.get(&path).await.expect("the other object").bytes().await.expect("bytes").as_ref(), b"other");

    let won = wire.ask("POST", &target, &[], &body).await;
    assert_eq!(won.status, 200, "{won:?}");
    let whole = store.get(&path).await.expect("the object").bytes().await.expect("bytes");
    assert_eq!(whole.len(), large.len() + 3);
    assert!(whole.ends_with(b"end"));
    // The upload is spent.
    assert_eq!(wire.ask("POST", &target, &[], &body).await.status, 404);
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing() {
    let wire = Wire::start().await;
    let store = wire.store();
    let path = Path::from("gone");
    let mut upload = store.put_multipart(&path).await.expect("an upload");
    upload.put_part("part".into()).await.expect("a part");
    upload.abort().await.expect("aborted");
    assert!(matches!(store.head(&path).await, Err(Error::NotFound { .. })));
}
