//! Who wins.

use std::collections::BTreeSet;
use std::future::Future;

use super::{Breach, Ground, ensure, ensure_fails};
use crate::storage::{StorageError, StorageErrorKind, TextObjects};

const RACERS_COUNT: usize = 8;
const ROUNDS_COUNT: usize = 5;

/// Lets racers run on both handles at once; exactly one may succeed, the others must fail as `kind`. The winner's number.
async fn one_winner<F>(
    ground: &Ground,
    kind: StorageErrorKind,
    race: impl Fn(usize, TextObjects) -> F,
) -> Result<usize, Breach>
where
    F: Future<Output = Result<(), StorageError>> + Send + 'static,
{
    let racers: Vec<_> = (0..RACERS_COUNT)
        .map(|racer| {
            let handle = if racer % 2 == 0 { &ground.a } else { &ground.b };
            tokio::spawn(race(racer, handle.objects().clone()))
        })
        .collect();
    let mut winners = Vec::new();
    for (racer, task) in racers.into_iter().enumerate() {
        match task.await.map_err(|cause| Breach::Broken(format!("a racer panicked: {cause}")))? {
            Ok(()) => winners.push(racer),
            lost => ensure_fails(lost, kind, "a racer that lost")?,
        }
    }
    match winners.as_slice() {
        [winner] => Ok(*winner),
        _ => Err(Breach::Broken(format!("{} of {RACERS_COUNT} racers won: {winners:?}", winners.len()))),
    }
}

pub(super) async fn create_if_absent_has_one_winner(ground: Ground) -> Result<(), Breach> {
    for round in 0..ROUNDS_COUNT {
        let name = ground.name(&format!("object-{round}.json"));
        let winner = one_winner(&ground, StorageErrorKind::AlreadyExists, |racer, objects| {
            let name = name.clone();
            async move { objects.put_if_absent(&name, format!("racer {racer}")).await.map(drop) }
        })
        .await?;
        let found = ground.b.objects().get(&name).await?;
        ensure(found == format!("racer {winner}"), || format!("racer {winner} won and {found:?} is there"))?;
    }
    Ok(())
}

pub(super) async fn create_over_an_object_fails(ground: Ground) -> Result<(), Breach> {
    let (objects, name) = (ground.a.objects(), ground.name("object"));
    objects.put(&name, "old").await?;
    let kind = StorageErrorKind::AlreadyExists;
    ensure_fails(ground.b.objects().put_if_absent(&name, "new").await, kind, "creating over an object")?;
    ensure_fails(objects.put_own_if_absent(&name, "new").await, kind, "creating over an object of others")?;
    objects.put_own_if_absent(&name, "old").await?;
    let found = objects.get(&name).await?;
    ensure(found == "old", || format!("a create that failed left {found:?}"))
}

pub(super) async fn update_at_the_current_version_succeeds(ground: Ground) -> Result<(), Breach> {
    let (objects, name) = (ground.a.objects(), ground.name("object"));
    let created = objects.put_if_absent(&name, "0").await?;
    let mut version = objects.update(&name, &created, "1").await?;
    for round in 2..6 {
        let (content, read) = ground.b.objects().get_versioned(&name).await?;
        ensure(content == (round - 1).to_string(), || format!("read {content:?} in round {round}"))?;
        ensure(read == version, || "a read and the write before it name different versions".into())?;
        version = objects.update(&name, &read, round.to_string()).await?;
    }
    let over = objects.put(&name, "over").await?;
    objects.update(&name, &over, "end").await.map(drop).map_err(Into::into)
}

pub(super) async fn update_at_an_old_version_fails(ground: Ground) -> Result<(), Breach> {
    let (objects, name, kind) = (ground.a.objects(), ground.name("object"), StorageErrorKind::Precondition);
    objects.put(&name, "old").await?;
    let (_, old) = objects.get_versioned(&name).await?;
    ground.b.objects().put(&name, "new").await?;
    ensure_fails(objects.update(&name, &old, "mine").await, kind, "an update after a put")?;
    let (_, current) = objects.get_versioned(&name).await?;
    ground.b.objects().update(&name, &current, "newer").await?;
    ensure_fails(objects.update(&name, &current, "mine").await, kind, "an update after an update")?;
    let found = objects.get(&name).await?;
    ensure(found == "newer", || format!("an update that failed left {found:?}"))?;

    let (_, last) = objects.get_versioned(&name).await?;
    objects.delete(&name).await?;
    ensure_fails(objects.update(&name, &last, "mine").await, kind, "an update of a deleted object")?;
    ensure(!objects.exists(&name).await?, || "an update that failed brought an object back".into())?;
    objects.put_if_absent(&name, "again, with other content").await?;
    ensure_fails(objects.update(&name, &last, "mine").await, kind, "an update of an object that was created anew")
}

pub(super) async fn racing_updates_have_one_winner(ground: Ground) -> Result<(), Breach> {
    let name = ground.name("object.json");
    ground.a.objects().put(&name, "start").await?;
    for round in 0..ROUNDS_COUNT {
        let (_, version) = ground.a.objects().get_versioned(&name).await?;
        let winner = one_winner(&ground, StorageErrorKind::Precondition, |racer, objects| {
            let (name, version) = (name.clone(), version.clone());
            async move { objects.update(&name, &version, format!("round {round} racer {racer}")).await.map(drop) }
        })
        .await?;
        let found = ground.b.objects().get(&name).await?;
        ensure(found == format!("round {round} racer {winner}"), || {
            format!("racer {winner} won and {found:?} is there")
        })?;
    }
    Ok(())
}

pub(super) async fn every_content_has_its_own_version(ground: Ground) -> Result<(), Breach> {
    const CONTENTS_COUNT: usize = 60;
    let (objects, name) = (ground.a.objects(), ground.name("object"));
    let mut versions = BTreeSet::new();
    for number in 0..CONTENTS_COUNT {
        // The same length every time, and half of them after a deletion: what a file system would take for the same.
        if number % 2 == 0 {
            objects.delete(&name).await?;
        }
        objects.put(&name, format!("{number:08}")).await?;
        let (_, version) = objects.get_versioned(&name).await?;
        ensure(versions.insert(format!("{version:?}")), || format!("content {number} has the version of another"))?;
    }
    Ok(())
}
