//! Which object is meant.

use futures::TryStreamExt;
use globset::GlobBuilder;
use object_store::ObjectStore;
use object_store::path::Path;
use omnigraph::storage::{Realm, Stack};

use crate::scenario::model::ObjectRef;

/// Every object that is meant; at least one.
///
/// # Errors
/// There is none, there are several where one is meant, or the store cannot be listed.
pub async fn all(bare: &Stack, object: &ObjectRef) -> Result<Vec<String>, String> {
    let found = match object {
        ObjectRef::TheSidecar => match &sidecars(bare).await?[..] {
            [one] => vec![one.clone()],
            several => return Err(format!("'the sidecar' needs exactly one, and there are {}", several.len())),
        },
        ObjectRef::Sidecar(number) => {
            let sidecars = sidecars(bare).await?;
            let index = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
            sidecars.get(index).cloned().into_iter().collect()
        }
        ObjectRef::HeadManifest(type_name) => vec![newest_version(bare, &table_path(bare, type_name).await?).await?],
        ObjectRef::GraphManifest => vec![newest_version(bare, "__manifest").await?],
        ObjectRef::SchemaObject => match &list(bare, "__schema").await?[..] {
            [one] => vec![one.clone()],
            several => return Err(format!("'the schema object' needs exactly one, and there are {}", several.len())),
        },
        ObjectRef::Path(glob) => matching(bare, glob).await?,
    };
    if found.is_empty() { Err(format!("there is no object '{object}'")) } else { Ok(found) }
}

/// The one object that is meant.
///
/// # Errors
/// As [`all`], and several objects fit.
pub async fn one(bare: &Stack, object: &ObjectRef) -> Result<String, String> {
    match &all(bare, object).await?[..] {
        [one] => Ok(one.clone()),
        several => Err(format!("'{object}' needs exactly one object, and {} fit", several.len())),
    }
}

/// Paths of everything that claims to be a sidecar, oldest first.
///
/// # Errors
/// The store cannot be listed.
pub async fn sidecars(bare: &Stack) -> Result<Vec<String>, String> {
    let listed = list(bare, "__recovery").await?;
    let direct = |path: &String| path.ends_with(".json") && path.matches('/').count() == 1;
    Ok(listed.into_iter().filter(direct).collect())
}

/// Every object whose path fits `glob`.
///
/// # Errors
/// The glob cannot be read, or the store cannot be listed.
pub async fn matching(bare: &Stack, glob: &str) -> Result<Vec<String>, String> {
    let compiled = GlobBuilder::new(glob).literal_separator(true).build();
    let matcher = compiled.map_err(|error| format!("'{glob}' is not a glob: {error}"))?.compile_matcher();
    Ok(list(bare, "").await?.into_iter().filter(|path| matcher.is_match(path)).collect())
}

/// Path of the dataset of a type.
///
/// # Errors
/// There is none, or the store cannot be listed.
pub async fn table_path(bare: &Stack, type_name: &str) -> Result<String, String> {
    for folder in ["nodes", "edges"] {
        for path in list(bare, folder).await? {
            let mut parts = path.split('/');
            let (Some(folder), Some(table)) = (parts.next(), parts.next()) else { continue };
            if table.strip_prefix(type_name).is_some_and(|rest| rest.starts_with('-')) {
                return Ok(format!("{folder}/{table}"));
            }
        }
    }
    Err(format!("there is no table of type {type_name}"))
}

/// Paths below `prefix`, sorted.
///
/// # Errors
/// The store cannot be listed.
pub async fn list(bare: &Stack, prefix: &str) -> Result<Vec<String>, String> {
    let store = bare.raw(Realm::Control);
    let prefix = (!prefix.is_empty()).then(|| Path::from(prefix));
    let listed: Result<Vec<_>, _> = store.list(prefix.as_ref()).try_collect().await;
    let mut paths: Vec<String> = match listed {
        Ok(objects) => objects.into_iter().map(|object| object.location.to_string()).collect(),
        Err(object_store::Error::NotFound { .. }) => Vec::new(),
        Err(error) => return Err(format!("the store cannot be listed: {error}")),
    };
    paths.sort();
    Ok(paths)
}

/// The manifest of a dataset's newest version.
async fn newest_version(bare: &Stack, dataset: &str) -> Result<String, String> {
    let versions = list(bare, &format!("{dataset}/_versions")).await?;
    let newest = versions.into_iter().filter_map(|path| Some((version_of(&path)?, path))).max();
    newest.map(|(_, path)| path).ok_or_else(|| format!("dataset {dataset} has no version"))
}

/// The version that a manifest's name stands for. Lance counts down from `u64::MAX`, so that the newest is listed first;
/// its older scheme counts up.
fn version_of(path: &str) -> Option<u64> {
    let name = path.rsplit('/').next()?.strip_suffix(".manifest")?;
    let number: u64 = name.parse().ok()?;
    Some(if name.len() == 20 { u64::MAX - number } else { number })
}

#[cfg(test)]
mod tests {
    use super::version_of;

    #[test]
    fn versions_are_read_from_both_naming_schemes() {
        assert_eq!(version_of("a/_versions/18446744073709551612.manifest"), Some(3));
        assert_eq!(version_of("a/_versions/3.manifest"), Some(3));
        assert_eq!(version_of("a/_versions/latest_version_hint.json"), None);
    }
}
