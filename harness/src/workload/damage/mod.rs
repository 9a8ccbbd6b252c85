//! Damage that is done by hand, past the engine: objects are written, cut off, changed, moved or deleted in the bare store.

pub mod bytes;
pub mod resolve;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use omnigraph::storage::{PathClass, Realm, Stack};

use super::{Damaged, Done, SavedObject};
use crate::event::Outcome;
use crate::scenario::model::{Damage, ObjectRef};

/// Does `damage` in the bare store, and keeps what was there before.
pub async fn damage(bare: &Stack, damage: &Damage) -> Done {
    match apply(bare, damage).await {
        Ok(done) => done,
        Err(reason) => Done::trouble(reason),
    }
}

/// Puts back what a damage took or changed.
pub async fn undo(bare: &Stack, saved: &[SavedObject]) -> Done {
    let store = bare.raw(Realm::Control);
    for object in saved {
        let path = Path::from(object.path.as_str());
        let result = match &object.hex {
            Some(hex) => match bytes::from_hex(hex) {
                Ok(content) => put(store.as_ref(), &path, content).await,
                Err(reason) => Err(reason),
            },
            None => delete(store.as_ref(), &path).await,
        };
        if let Err(reason) = result {
            return Done::trouble(reason);
        }
    }
    let paths: Vec<String> = saved.iter().map(|object| object.path.clone()).collect();
    Done { damaged: Some(described(format!("put back {}", paths.join(", ")), paths)), ..Done::of(Outcome::done()) }
}

/// Every object of the bare store.
///
/// # Errors
/// The store cannot be read, or has more than `bytes_max` bytes.
pub async fn saved(bare: &Stack, bytes_max: u64) -> Result<Vec<SavedObject>, String> {
    let store = bare.raw(Realm::Control);
    let mut objects = Vec::new();
    let mut bytes: u64 = 0;
    for path in resolve::list(bare, "").await? {
        let content = get(store.as_ref(), &Path::from(path.as_str())).await?;
        bytes += content.as_ref().map_or(0, |content| content.len() as u64);
        if bytes > bytes_max {
            return Err(format!("the store has more than {bytes_max} bytes"));
        }
        objects.push(SavedObject { path, hex: content.as_deref().map(bytes::to_hex) });
    }
    Ok(objects)
}

async fn apply(bare: &Stack, damage: &Damage) -> Result<Done, String> {
    let store = bare.raw(Realm::Control);
    let store = store.as_ref();
    let paths = match damage {
        // What is written need not be there before.
        Damage::Write { write: ObjectRef::Path(path), .. } => vec![path.clone()],
        _ => resolve::all(bare, damage.object()).await?,
    };
    let mut saved = Vec::new();
    for path in &paths {
        let at = Path::from(path.as_str());
        let before = get(store, &at).await?;
        saved.push(SavedObject { path: path.clone(), hex: before.as_deref().map(bytes::to_hex) });
        let content = || before.clone().ok_or_else(|| format!("there is no object at {path}"));
        match damage {
            Damage::Write { text, .. } => put(store, &at, text.clone().into_bytes()).await?,
            Damage::Truncate { to, .. } => put(store, &at, bytes::truncated(content()?, *to, path)?).await?,
            Damage::Corrupt { at: offset, .. } => put(store, &at, bytes::corrupted(content()?, *offset, path)?).await?,
            Damage::Rename { to, .. } => {
                let target = Path::from(to.as_str());
                saved.push(SavedObject {
                    path: to.clone(),
                    hex: get(store, &target).await?.as_deref().map(bytes::to_hex),
                });
                put(store, &target, content()?).await?;
                delete(store, &at).await?;
            }
            Damage::Delete { .. } => {
                content()?;
                delete(store, &at).await?;
            }
        }
    }
    let touched: Vec<String> = saved.iter().map(|object| object.path.clone()).collect();
    let damaged = described(format!("{} {}", damage.verb(), damage.object()), touched);
    Ok(Done { saved, damaged: Some(damaged), ..Done::of(Outcome::done()) })
}

fn described(description: String, paths: Vec<String>) -> Damaged {
    let may_change_rows = paths.iter().any(|path| match PathClass::of(&Path::from(path.as_str())) {
        PathClass::Sidecar | PathClass::Quarantine | PathClass::Audit | PathClass::SchemaObject | PathClass::Other => {
            false
        }
        PathClass::Manifest
        | PathClass::TableData
        | PathClass::TableDeletion
        | PathClass::TableTransaction
        | PathClass::TableVersion
        | PathClass::TableIndex => true,
    });
    Damaged { description, paths, may_change_rows, moved: None }
}

async fn get(store: &dyn ObjectStore, path: &Path) -> Result<Option<Vec<u8>>, String> {
    let failed = |error: &object_store::Error| format!("{path} cannot be read: {error}");
    match store.get(path).await {
        Ok(found) => Ok(Some(found.bytes().await.map_err(|error| failed(&error))?.to_vec())),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}

pub(super) async fn put(store: &dyn ObjectStore, path: &Path, content: Vec<u8>) -> Result<(), String> {
    let put = store.put(path, PutPayload::from(content)).await;
    put.map(drop).map_err(|error| format!("{path} cannot be written: {error}"))
}

async fn delete(store: &dyn ObjectStore, path: &Path) -> Result<(), String> {
    match store.delete(path).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(format!("{path} cannot be deleted: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::memory::InMemory;
    use std::sync::Arc;

    fn stack() -> Stack {
        Stack::over(Arc::new(InMemory::new()), "memory://damage".into(), &[])
    }

    async fn text(stack: &Stack, path: &str) -> Option<String> {
        let bytes = get(stack.raw(Realm::Control).as_ref(), &Path::from(path)).await.expect("memory answers");
        bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    #[tokio::test]
    async fn what_is_damaged_can_be_put_back() {
        let stack = stack();
        let path = "__recovery/01J.json";
        let write = Damage::Write { write: path.parse().expect("valid"), text: "{\"a\": 1}".into(), name: None };
        assert_eq!(damage(&stack, &write).await.outcome, Outcome::done());
        for harm in [
            Damage::Truncate { truncate: ObjectRef::TheSidecar, to: 3, name: None },
            Damage::Corrupt { corrupt: ObjectRef::TheSidecar, at: None, name: None },
            Damage::Rename { rename: ObjectRef::TheSidecar, to: "__recovery/moved.json".into(), name: None },
            Damage::Delete { delete: ObjectRef::TheSidecar, name: None },
        ] {
            let done = damage(&stack, &harm).await;
            assert_eq!(done.outcome, Outcome::done(), "{harm:?}");
            assert_ne!(text(&stack, path).await.as_deref(), Some("{\"a\": 1}"), "{harm:?}");
            undo(&stack, &done.saved).await;
            assert_eq!(text(&stack, path).await.as_deref(), Some("{\"a\": 1}"), "{harm:?}");
        }
        assert_eq!(text(&stack, "__recovery/moved.json").await, None);
    }

    #[tokio::test]
    async fn damage_to_nothing_is_trouble() {
        let delete = Damage::Delete { delete: ObjectRef::TheSidecar, name: None };
        assert!(matches!(damage(&stack(), &delete).await.outcome, Outcome::Trouble { .. }));
    }
}
