//! The way out of a manifest whose newest versions cannot be read: they are set aside, and the newest whole one is HEAD again.
//!
//! A version of the manifest becomes visible by its name. Where a power cut made the name durable and not the bytes, nobody can
//! open the graph, while every older version is whole. What the lost versions made visible shows as drift afterwards, or as
//! sidecars that are pending: recovery and repair take it from there.

use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{MANIFEST_PATH, ManifestHead};
use crate::recovery::QUARANTINE_PREFIX;
use crate::storage::{ObjectName, Stack};
use crate::table::Table;

/// Versions that are looked at before the search is given up.
const VERSIONS_TRIED_MAX_COUNT: usize = 100;

/// What was found of the manifest's newest versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestRepair {
    /// The versions that cannot be read, newest first, each with the reason.
    pub broken: Vec<(u64, String)>,
    /// The newest version that is whole.
    pub whole: u64,
    /// Where the broken versions lie now, below the graph root; empty where nothing was moved.
    pub moved: Vec<String>,
}

/// Looks for the newest whole version of the manifest; with `confirm`, moves the broken ones above it out of the way.
///
/// # Errors
/// [`ErrorKind::NotFound`] when there is no graph, [`ErrorKind::Corrupt`] when none of the newest versions is whole, else the
/// store's trouble: a version that cannot be reached is not broken.
pub(crate) async fn repair(stack: &Stack, confirm: bool) -> Result<ManifestRepair> {
    let mut broken: Vec<(u64, String, String)> = Vec::new();
    let mut whole = None;
    for (version, path) in versions(stack).await?.into_iter().take(VERSIONS_TRIED_MAX_COUNT) {
        match look(stack, version).await {
            Ok(()) => {
                whole = Some(version);
                break;
            }
            Err(e) if e.is_damage() => broken.push((version, path, damage(&e))),
            Err(e) => return Err(e.context(format_args!("version {version} of the graph manifest"))),
        }
    }
    let Some(whole) = whole else {
        return Err(Error::corrupt(format!(
            "none of the {} newest versions of the graph manifest is whole",
            broken.len()
        ))
        .with_advice(format!("restore `{MANIFEST_PATH}` from a backup")));
    };
    let mut moved = Vec::new();
    if confirm {
        for (version, path, _) in &broken {
            let to = format!("{QUARANTINE_PREFIX}/manifest-{version}-{}", file_name(path));
            stack.objects().rename(path, &to).await?;
            moved.push(to);
        }
    }
    let broken = broken.into_iter().map(|(version, _, why)| (version, why)).collect();
    Ok(ManifestRepair { broken, whole, moved })
}

/// Every version and its object, newest first.
async fn versions(stack: &Stack) -> Result<Vec<(u64, String)>> {
    let listed = stack.objects().list(&format!("{MANIFEST_PATH}/_versions")).await?;
    let mut versions: Vec<(u64, String)> = listed.iter().filter_map(version_of).collect();
    if versions.is_empty() {
        return Err(Error::new(ErrorKind::NotFound, format!("there is no graph at {}", stack.identity()))
            .with_advice("create it, or check the URI"));
    }
    versions.sort_unstable_by(|a, b| b.cmp(a));
    Ok(versions)
}

/// Lance names a version by the number that is left when it is taken from the largest, so that the newest is listed first.
fn version_of(object: &ObjectName) -> Option<(u64, String)> {
    let name = object.file_name().strip_suffix(".manifest")?;
    let number: u64 = name.parse().ok()?;
    Some((u64::MAX - number, object.path().to_owned()))
}

async fn look(stack: &Stack, version: u64) -> Result<()> {
    let table = Table::open(stack, MANIFEST_PATH, version).await?;
    ManifestHead::read(table).await.map(drop)
}

fn damage(error: &Error) -> String {
    let causes = error.causes();
    if causes.is_empty() { error.message().to_owned() } else { causes }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Graph, StorageOptions, StorageUri};

    const ROWS: &str = r#"{"type": "Person", "data": {"name": "NAME"}}"#;

    async fn graph_of_three_versions() -> (StorageUri, Stack) {
        let uri = StorageUri::Memory(format!("manifest-{}", uuid::Uuid::new_v4()));
        let graph = Graph::builder(&uri).create("node Person { name: String @key }").await.unwrap();
        for name in ["ann", "bob"] {
            let rows = std::io::Cursor::new(ROWS.replace("NAME", name).into_bytes());
            graph.load(crate::Load::append(), rows).await.unwrap();
        }
        let stack = Stack::open(&uri, &StorageOptions::default(), &[]).await.unwrap();
        (uri, stack)
    }

    #[tokio::test]
    async fn a_graph_whose_newest_manifest_is_an_empty_file_opens_at_the_one_before() {
        let (uri, stack) = graph_of_three_versions().await;
        let (newest, path) = versions(&stack).await.unwrap().remove(0);
        assert_eq!(newest, 3);
        stack.objects().put(&path, Vec::new()).await.unwrap();
        assert!(Graph::builder(&uri).open_read_only().await.is_err());

        let seen = repair(&stack, false).await.unwrap();
        assert_eq!((seen.broken[0].0, seen.whole, seen.moved.len()), (3, 2, 0));
        assert!(Graph::builder(&uri).open_read_only().await.is_err(), "a look changes nothing");

        let done = repair(&stack, true).await.unwrap();
        assert_eq!(done.moved.len(), 1);
        assert!(done.moved[0].starts_with(QUARANTINE_PREFIX));
        assert!(stack.objects().exists(&done.moved[0]).await.unwrap());
        let graph = Graph::builder(&uri).open().await.unwrap();
        assert_eq!(graph.snapshot().version(), 2);
        // The rows of the lost version are drift, which an operator can publish.
        assert_eq!(graph.inspect().await.unwrap().drift.len(), 1);
        graph.repair(crate::Repair::Confirm { actor: None }).await.unwrap();
        let rows = graph.query("SELECT count(*) AS n FROM Person").await.unwrap();
        assert_eq!(rows[0].column(0).as_ref(), &arrow_array::Int64Array::from(vec![2]) as &dyn arrow_array::Array);
    }

    #[tokio::test]
    async fn a_sound_manifest_is_left_as_it_is() {
        let (_, stack) = graph_of_three_versions().await;
        let found = repair(&stack, true).await.unwrap();
        assert_eq!(found, ManifestRepair { broken: Vec::new(), whole: 3, moved: Vec::new() });
    }
}
