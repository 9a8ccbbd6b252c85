//! How a graph lies in a store, read off the paths of a listing alone.

use super::evidence::{Evidence, World};
use super::facts::ObjectFact;

/// Where sidecars lie.
pub const RECOVERY: &str = "__recovery/";
/// Where unreadable sidecars are put on an operator's word.
pub const QUARANTINE: &str = "__recovery/quarantine/";
/// The graph manifest's dataset.
pub const MANIFEST: &str = "__manifest";
/// The audit rows' dataset.
pub const AUDIT: &str = "_graph_commit_recoveries.lance";
/// Where schema contracts lie.
pub const SCHEMA: &str = "__schema/";

/// The version that a path under a dataset's `_versions/` stands for. Lance counts the names down from the largest
/// number of 64 bits, so that a listing shows the newest first; its older scheme counts up.
pub fn version_of(file_name: &str) -> Option<u64> {
    let digits = file_name.strip_suffix(".manifest")?;
    let number: u64 = digits.parse().ok()?;
    Some(if digits.len() == 20 { u64::MAX - number } else { number })
}

/// The versions of the dataset at `path` that have a manifest, ascending.
pub fn versions(objects: &[ObjectFact], path: &str) -> Vec<u64> {
    let prefix = format!("{path}/_versions/");
    let mut versions: Vec<u64> =
        objects.iter().filter_map(|object| version_of(object.path.strip_prefix(&prefix)?)).collect();
    versions.sort_unstable();
    versions
}

/// The newest version of the dataset at `path`.
pub fn head(objects: &[ObjectFact], path: &str) -> Option<u64> {
    versions(objects, path).last().copied()
}

/// The operation whose sidecar this path is; `None` for anything else, quarantined files included.
pub fn sidecar(path: &str) -> Option<&str> {
    let name = path.strip_prefix(RECOVERY)?;
    if name.contains('/') { None } else { name.strip_suffix(".json") }
}

/// Whether the sidecar of an operation is still there, in quarantine, or was touched by hand.
pub fn is_handled(evidence: &Evidence, world: &World, id: &str) -> bool {
    let by_hand = evidence.damage.iter().flat_map(|damage| &damage.paths).any(|path| sidecar(path) == Some(id));
    let in_store = world.objects.iter().any(|object| {
        sidecar(&object.path) == Some(id)
            || object.path.strip_prefix(QUARANTINE).is_some_and(|name| name.starts_with(id))
    });
    by_hand || in_store
}

/// Whether the sidecar of an operation was deleted by a call that failed to its caller and arrived later: it was seen in between, and
/// nobody had anything to recover.
pub fn is_taken_back_late(evidence: &Evidence, id: &str) -> bool {
    let path = format!("delete {RECOVERY}{id}.json");
    let mut firings = evidence.faults.iter().flat_map(|fault| &fault.firings);
    firings.any(|firing| firing.did.starts_with("late") && firing.at.contains(&path))
}

/// Where two listings differ, a line each.
pub fn differences(before: &[ObjectFact], after: &[ObjectFact]) -> Vec<String> {
    let find = |listing: &[ObjectFact], path: &str| listing.iter().find(|object| object.path == path).cloned();
    let mut lines = Vec::new();
    for object in before {
        match find(after, &object.path) {
            None => lines.push(format!("removed {} ({} bytes)", object.path, object.bytes)),
            Some(now) if now != *object => {
                lines.push(format!("changed {} ({} → {} bytes)", object.path, object.bytes, now.bytes))
            }
            Some(_) => {}
        }
    }
    let added = after.iter().filter(|object| find(before, &object.path).is_none());
    lines.extend(added.map(|object| format!("added {} ({} bytes)", object.path, object.bytes)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_naming_schemes_of_versions_are_read() {
        assert_eq!(version_of("18446744073709551608.manifest"), Some(7));
        assert_eq!(version_of("7.manifest"), Some(7));
        assert_eq!(version_of("d7.manifest"), None);
        assert_eq!(version_of("latest"), None);
    }

    #[test]
    fn a_quarantined_file_is_no_sidecar() {
        assert_eq!(sidecar("__recovery/01J.json"), Some("01J"));
        assert_eq!(sidecar("__recovery/quarantine/01J.json"), None);
        assert_eq!(sidecar("__recovery/01J.tmp"), None);
    }
}
