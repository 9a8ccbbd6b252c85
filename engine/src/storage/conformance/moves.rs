//! Renames and deletes.

use super::{Breach, Ground, ensure};

pub(super) async fn rename_replaces_and_creates_parents(ground: Ground) -> Result<(), Breach> {
    let objects = ground.a.objects();
    let (from, new, old) = (ground.name("from.json"), ground.name("not/there/yet.json"), ground.name("there.json"));
    objects.put(&from, "content").await?;
    objects.rename(&from, &new).await?;
    ensure(!objects.exists(&from).await?, || "the old name is still there".into())?;
    let found = ground.b.objects().get(&new).await?;
    ensure(found == "content", || format!("the new name reads {found:?}"))?;
    objects.put(&old, "to be replaced").await?;
    objects.rename(&new, &old).await?;
    let found = ground.b.objects().get(&old).await?;
    ensure(found == "content", || format!("the replaced name reads {found:?}"))?;
    ensure(!objects.exists(&new).await?, || "the second old name is still there".into())
}

pub(super) async fn rename_keeps_an_object_that_keeps_its_name(ground: Ground) -> Result<(), Breach> {
    let (objects, name) = (ground.a.objects(), ground.name("object"));
    objects.put(&name, "content").await?;
    objects.rename(&name, &name).await?;
    let found = objects.get(&name).await?;
    ensure(found == "content", || format!("the name reads {found:?}"))
}

pub(super) async fn delete_is_idempotent(ground: Ground) -> Result<(), Breach> {
    let (objects, name) = (ground.a.objects(), ground.name("a/object"));
    objects.delete(&name).await?;
    objects.put(&name, "x").await?;
    objects.delete(&name).await?;
    ensure(!ground.b.objects().exists(&name).await?, || "a deleted object is still there".into())?;
    objects.delete(&name).await?;
    ground.b.objects().put_if_absent(&name, "y").await?;
    let found = objects.get(&name).await?;
    ensure(found == "y", || format!("an object that was created anew reads {found:?}"))
}

pub(super) async fn delete_prefix_is_idempotent_and_exact(ground: Ground) -> Result<(), Breach> {
    let objects = ground.a.objects();
    for name in ["pre/a", "pre/sub/b", "pre/sub/er/c", "pre-fix/d", "pre.json", "other"] {
        objects.put(&ground.name(name), name).await?;
    }
    for _ in 0..2 {
        objects.delete_prefix(&ground.name("pre")).await?;
        let left = ground.b.objects().list_recursive(&ground.prefix).await?;
        let left: Vec<_> = left.iter().map(|name| name.path()).collect();
        let wanted = ["other", "pre-fix/d", "pre.json"].map(|name| ground.name(name));
        ensure(left == wanted, || format!("deleting a prefix left {left:?} instead of {wanted:?}"))?;
    }
    objects.delete_prefix(&ground.name("never/there")).await?;
    Ok(())
}
