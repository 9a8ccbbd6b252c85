//! What readers see of an object.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use object_store::ObjectStoreExt;

use super::{Breach, Ground, ensure, ensure_fails};
use crate::storage::{Realm, StorageErrorKind};

pub(super) async fn put_is_readable_when_acknowledged(ground: Ground) -> Result<(), Breach> {
    let (writer, reader) = (ground.a.objects(), ground.b.objects());
    let table = ground.b.raw(Realm::Table);
    for content in ["", "first", "second, and longer", "3"] {
        let name = ground.name("deep/er/object.json");
        writer.put(&name, content).await?;
        let found = reader.get(&name).await?;
        ensure(found == content, || format!("read {found:?} after {content:?} was acknowledged"))?;
        let found = table.get(&ground.path("deep/er/object.json")).await?.bytes().await?;
        ensure(found == content, || format!("the table realm read {found:?} after {content:?} was acknowledged"))?;
        ensure(reader.exists(&name).await?, || "the object was written and is said not to exist".into())?;
    }
    Ok(())
}

pub(super) async fn put_is_visible_whole_or_not_at_all(ground: Ground) -> Result<(), Breach> {
    const ROUNDS_COUNT: usize = 24;
    let contents: Vec<Bytes> = [(b'a', 64 << 10), (b'b', 200 << 10), (b'c', 1 << 10)]
        .into_iter()
        .map(|(byte, length)| Bytes::from(vec![byte; length]))
        .collect();
    let name = ground.name("object");
    ground.a.objects().put(&name, contents[0].clone()).await?;
    let done = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (objects, name, done, contents) =
            (ground.b.objects().clone(), name.clone(), Arc::clone(&done), contents.clone());
        async move {
            let mut reads_count = 0;
            // It reads after the last write too, so that a store without any waiting is looked at as well.
            while !done.load(Ordering::Acquire) || reads_count < ROUNDS_COUNT {
                reads_count += 1;
                let found = objects.get(&name).await?;
                ensure(contents.contains(&found), || {
                    format!("a reader saw {} bytes that nobody wrote as a whole", found.len())
                })?;
                tokio::task::yield_now().await;
            }
            Ok::<_, Breach>(())
        }
    });
    for round in 0..ROUNDS_COUNT {
        ground.a.objects().put(&name, contents[round % contents.len()].clone()).await?;
        tokio::task::yield_now().await;
    }
    done.store(true, Ordering::Release);
    reader.await.map_err(|cause| Breach::Broken(format!("the reader panicked: {cause}")))?
}

pub(super) async fn created_content_is_complete_when_visible(ground: Ground) -> Result<(), Breach> {
    const ROUNDS_COUNT: usize = 4;
    for round in 0..ROUNDS_COUNT {
        let name = ground.name(&format!("object-{round}"));
        let content = Bytes::from(vec![b'x'; 512 << 10]);
        let seen = tokio::spawn({
            let (objects, name) = (ground.b.objects().clone(), name.clone());
            async move {
                loop {
                    match objects.get(&name).await {
                        Ok(found) => return Ok::<_, Breach>(found.len()),
                        Err(error) if error.kind() == StorageErrorKind::NotFound => tokio::task::yield_now().await,
                        Err(error) => return Err(error.into()),
                    }
                }
            }
        });
        ground.a.objects().put_if_absent(&name, content.clone()).await?;
        let seen = seen.await.map_err(|cause| Breach::Broken(format!("the reader panicked: {cause}")))??;
        ensure(seen == content.len(), || format!("a reader saw {seen} of {} bytes", content.len()))?;
    }
    Ok(())
}

pub(super) async fn absence_is_not_found(ground: Ground) -> Result<(), Breach> {
    let objects = ground.a.objects();
    let name = ground.name("nothing/here.json");
    ensure_fails(objects.get(&name).await, StorageErrorKind::NotFound, "reading an absent object")?;
    ensure_fails(
        objects.get_versioned(&name).await,
        StorageErrorKind::NotFound,
        "a versioned read of an absent object",
    )?;
    ensure_fails(
        objects.rename(&name, &ground.name("b")).await,
        StorageErrorKind::NotFound,
        "renaming an absent object",
    )?;
    ensure(!objects.exists(&name).await?, || "an absent object is said to exist".into())
}

pub(super) async fn denial_is_an_error_and_never_absence(ground: Ground) -> Result<(), Breach> {
    let Some(denied) = &ground.denied else { return Err(Breach::Lacks("a handle that is denied every call")) };
    let name = ground.name("object");
    ground.a.objects().put(&name, "content").await?;
    let (objects, kind) = (denied.objects(), StorageErrorKind::Permission);
    for name in [name, ground.name("absent")] {
        ensure_fails(objects.exists(&name).await, kind, "asking whether an object exists")?;
        ensure_fails(objects.get(&name).await, kind, "reading an object")?;
        ensure_fails(objects.put(&name, "x").await, kind, "writing an object")?;
        ensure_fails(objects.put_if_absent(&name, "x").await, kind, "creating an object")?;
        ensure_fails(objects.delete(&name).await, kind, "deleting an object")?;
    }
    ensure_fails(objects.list(&ground.prefix).await, kind, "listing a prefix")?;
    ensure_fails(objects.prefix_exists(&ground.prefix).await, kind, "asking whether a prefix exists")?;
    ensure_fails(objects.delete_prefix(&ground.prefix).await, kind, "deleting a prefix")
}
