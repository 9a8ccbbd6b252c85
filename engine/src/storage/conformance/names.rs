//! Names, prefixes and listings.

use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStore};

use super::{Breach, Ground, ensure, ensure_fails};
use crate::storage::{ObjectName, Realm, StorageErrorKind};

fn paths(found: &[ObjectName]) -> Vec<&str> {
    found.iter().map(ObjectName::path).collect()
}

async fn ensure_lists(ground: &Ground, prefix: &str, wanted: &[String]) -> Result<(), Breach> {
    let found = ground.b.objects().list(prefix).await?;
    ensure(paths(&found) == wanted, || format!("listing `{prefix}` gave {:?} instead of {wanted:?}", paths(&found)))
}

pub(super) async fn only_objects_and_non_empty_prefixes_exist(ground: Ground) -> Result<(), Breach> {
    let objects = ground.a.objects();
    let (object, above) = (ground.name("a/b/c.json"), ground.name("a"));
    ensure(!objects.prefix_exists(&above).await?, || "a prefix exists before there is an object in it".into())?;
    objects.put(&object, "c").await?;
    ensure(objects.prefix_exists(&above).await?, || "a prefix with an object below it does not exist".into())?;
    for (name, kind) in [("a", "prefix"), ("a/b", "prefix"), ("a/b/c.json/d", "name below an object")] {
        ensure(!objects.exists(&ground.name(name)).await?, || format!("a {kind} is said to be an object"))?;
    }
    objects.delete(&object).await?;
    ensure(!objects.prefix_exists(&above).await?, || "a prefix exists after its last object was deleted".into())?;
    let left = ground.a.raw(Realm::Table).list_with_delimiter(Some(&ground.path("a"))).await?;
    ensure(left.common_prefixes.is_empty() && left.objects.is_empty(), || {
        format!("an empty prefix still shows {left:?}")
    })?;
    ensure_lists(&ground, &ground.prefix, &[]).await
}

pub(super) async fn a_directory_is_not_an_object(ground: Ground) -> Result<(), Breach> {
    let objects = ground.a.objects();
    objects.put(&ground.name("dir/object"), "x").await?;
    for name in [ground.name("dir"), ground.name("dir/object/below")] {
        ensure_fails(objects.get(&name).await, StorageErrorKind::NotFound, "reading a directory")?;
        ensure_fails(
            objects.get_versioned(&name).await,
            StorageErrorKind::NotFound,
            "a versioned read of a directory",
        )?;
        ensure_fails(
            objects.rename(&name, &ground.name("to")).await,
            StorageErrorKind::NotFound,
            "renaming a directory",
        )?;
        ensure(!objects.exists(&name).await?, || "a directory is said to be an object".into())?;
        objects.delete(&name).await?;
    }
    let found = objects.get(&ground.name("dir/object")).await?;
    ensure(found == "x", || "deleting a directory as an object touched what is in it".into())
}

pub(super) async fn list_shows_every_finished_write(ground: Ground) -> Result<(), Breach> {
    let mut wanted = Vec::new();
    for number in 0..12 {
        let name = ground.name(&format!("{number:02}.json"));
        ground.a.objects().put_if_absent(&name, "x").await?;
        wanted.push(name);
        ensure_lists(&ground, &ground.prefix, &wanted).await?;
    }
    while let Some(name) = wanted.pop() {
        ground.a.objects().delete(&name).await?;
        ensure_lists(&ground, &ground.prefix, &wanted).await?;
    }
    Ok(())
}

pub(super) async fn list_is_flat(ground: Ground) -> Result<(), Breach> {
    let objects = ground.a.objects();
    for name in ["b", "a", "deep/c", "deep/er/d"] {
        objects.put(&ground.name(name), name).await?;
    }
    ensure_lists(&ground, &ground.prefix, &[ground.name("a"), ground.name("b")]).await?;
    ensure_lists(&ground, &ground.name("deep/"), &[ground.name("deep/c")]).await?;
    let all = objects.list_recursive(&ground.prefix).await?;
    let wanted = ["a", "b", "deep/c", "deep/er/d"].map(|name| ground.name(name));
    ensure(paths(&all) == wanted, || format!("a recursive listing gave {:?}", paths(&all)))?;
    ensure(all.iter().all(|name| name.path().ends_with(name.file_name())), || {
        "a file name is no end of its path".into()
    })?;
    ensure(all[3].bytes() == 9, || format!("a listing says {} bytes where 9 were written", all[3].bytes()))
}

pub(super) async fn list_does_not_bleed_into_siblings(ground: Ground) -> Result<(), Breach> {
    let objects = ground.a.objects();
    for name in ["pre/a", "pre-fix/b", "prefix/c", "pre.json", "pre/sub/d"] {
        objects.put(&ground.name(name), name).await?;
    }
    ensure_lists(&ground, &ground.name("pre"), &[ground.name("pre/a")]).await?;
    let all = objects.list_recursive(&ground.name("pre")).await?;
    let wanted = [ground.name("pre/a"), ground.name("pre/sub/d")];
    ensure(paths(&all) == wanted, || format!("a recursive listing gave {:?}", paths(&all)))?;
    ensure_lists(&ground, &ground.name("pre.json"), &[]).await?;
    ensure_lists(&ground, &ground.name("pr"), &[]).await
}

pub(super) async fn list_returns_what_get_accepts(ground: Ground) -> Result<(), Breach> {
    let names = [
        "a b.json",
        " leading",
        "100%.json",
        "a%20b",
        "%2f",
        "..hidden",
        "a..b",
        "...",
        "a+b=c&d",
        "é 日本.json",
        ":",
        "a:b",
        "1:",
        "a#b",
        "it's",
        "(x)[y]{z}",
        "a~b",
        "a@b,c;d!e$f",
        "sub dir/in side.json",
        "e\u{301}",
    ];
    let objects = ground.a.objects();
    for name in names {
        objects.put(&ground.name(name), name).await?;
    }
    let found = ground.b.objects().list_recursive(&ground.prefix).await?;
    let mut wanted = names.map(|name| ground.name(name));
    wanted.sort();
    ensure(paths(&found) == wanted, || format!("listing gave {:?} instead of {wanted:?}", paths(&found)))?;
    for name in &found {
        let content = ground.b.objects().get(name.path()).await?;
        ensure(name.path() == format!("{}/{}", ground.prefix, String::from_utf8_lossy(&content)), || {
            format!("the listed name {:?} reads the object {content:?}", name.path())
        })?;
        objects.delete(name.path()).await?;
    }
    ensure_lists(&ground, &ground.prefix, &[]).await
}

pub(super) async fn list_is_in_lexical_order(ground: Ground) -> Result<(), Breach> {
    let objects = ground.a.objects();
    for number in 0..40 {
        // 7 and 40 have no common divisor, so this names all of 0..40 in no order at all.
        let name = format!("d{}/{:05}", (number * 7) % 3, (number * 7) % 40);
        objects.put(&ground.name(&name), "x").await?;
    }
    let (table, prefix) = (ground.b.raw(Realm::Table), ground.path("d1"));
    let in_order = |found: &[ObjectMeta]| found.windows(2).all(|pair| pair[0].location < pair[1].location);
    let all: Vec<_> = table.list(Some(&prefix)).try_collect().await?;
    ensure(all.len() >= 13 && in_order(&all), || format!("{} objects came out of order: {all:?}", all.len()))?;
    let direct = table.list_with_delimiter(Some(&prefix)).await?.objects;
    ensure(direct.len() == all.len() && in_order(&direct), || format!("one level came out of order: {direct:?}"))?;
    let offset = &all[5].location;
    let rest: Vec<_> = table.list_with_offset(Some(&prefix), offset).try_collect().await?;
    ensure(rest.iter().map(|meta| &meta.location).eq(all[6..].iter().map(|meta| &meta.location)), || {
        format!("a listing from `{offset}` on gave {rest:?}")
    })
}

pub(super) async fn missing_prefix_lists_as_empty(ground: Ground) -> Result<(), Breach> {
    let objects = ground.a.objects();
    objects.put(&ground.name("object"), "x").await?;
    for prefix in ["missing", "missing/er", "object", "object/below"] {
        let prefix = ground.name(prefix);
        ensure_lists(&ground, &prefix, &[]).await?;
        let all = objects.list_recursive(&prefix).await?;
        ensure(all.is_empty(), || format!("a missing prefix lists {:?}", paths(&all)))?;
        ensure(!objects.prefix_exists(&prefix).await?, || format!("the missing prefix `{prefix}` is said to exist"))?;
        objects.delete_prefix(&ground.name("missing")).await?;
    }
    Ok(())
}

pub(super) async fn names_stay_below_the_root(ground: Ground) -> Result<(), Breach> {
    let (objects, kind) = (ground.a.objects(), StorageErrorKind::Invalid);
    let fine = ground.name("fine");
    objects.put(&fine, "x").await?;
    let bad = [
        "../up",
        "a/../b",
        "./a",
        "a/.",
        "a//b",
        "/a",
        "a/",
        "",
        "file:///etc/hosts",
        "s3://bucket/key",
        "a\u{0}b",
        "staged#1",
        "a/%2e%2E/b",
        "%2e",
        "file:",
    ];
    for name in bad {
        ensure_fails(objects.get(name).await, kind, &format!("reading {name:?}"))?;
        ensure_fails(objects.exists(name).await, kind, &format!("asking for {name:?}"))?;
        ensure_fails(objects.put(name, "x").await, kind, &format!("writing {name:?}"))?;
        ensure_fails(objects.put_if_absent(name, "x").await, kind, &format!("creating {name:?}"))?;
        ensure_fails(objects.rename(&fine, name).await, kind, &format!("renaming to {name:?}"))?;
        ensure_fails(objects.rename(name, &fine).await, kind, &format!("renaming from {name:?}"))?;
        ensure_fails(objects.delete(name).await, kind, &format!("deleting {name:?}"))?;
    }
    for prefix in ["..", "a/../..", "%2E%2e", "/", "file:///etc"] {
        ensure_fails(objects.list(prefix).await, kind, &format!("listing {prefix:?}"))?;
        ensure_fails(objects.delete_prefix(prefix).await, kind, &format!("deleting prefix {prefix:?}"))?;
    }
    ensure_fails(objects.delete_prefix("").await, kind, "deleting the whole graph")?;
    let found = objects.get(&fine).await?;
    ensure(found == "x", || "a refused call changed another object".into())
}
