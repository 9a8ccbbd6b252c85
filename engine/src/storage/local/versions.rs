//! The newest version of a dataset, without a look at all of them.
//!
//! Lance finds the newest version by a listing of `_versions`, where names count down, so that it is the first. On a remote store that is
//! one short page. A directory has no order: to know its first name is to read it whole, and that before every write. So whoever
//! creates a version leaves its number in the dataset's directory, in a hidden file, under the lock under which versions become visible; and a
//! listing of such a directory begins with the version of that number, or with those that stand above it. Only whoever wants more than the
//! first name reads the directory.
//!
//! The number is a hint. What it names must be there, and what another program has added above it is looked for. Where there is none,
//! or what it names is gone, the names are read, without their files.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

/// The directory that holds the versions of a dataset.
pub(super) const VERSIONS: &str = "_versions";
/// As the lock's, such a name can be neither listed nor addressed.
const HINT: &str = ".newest#0";
/// Names of versions: 20 digits, counting down from the largest number, and this.
const SUFFIX: &str = ".manifest";
const DIGITS: usize = 20;
/// Versions above the hint that are looked for one by one, before the names are read instead.
const ABOVE_MAX_COUNT: usize = 1_000;

/// Leaves the hint that `created` is the newest version, if it is a version at all. It is in nobody's way if that fails.
pub(super) fn remember(created: &Path) {
    let directory = created.parent().filter(|directory| directory.ends_with(VERSIONS));
    let number = created.file_name().and_then(|name| name.to_str()).and_then(number_of);
    let (Some(directory), Some(number)) = (directory, number) else { return };
    // Always as long, and not cut off before: a reader finds a number at any time.
    let hint = OpenOptions::new().write(true).create(true).truncate(false).open(directory.with_file_name(HINT));
    let written = hint.and_then(|mut file| file.write_all(format!("{number:020}").as_bytes()));
    if let Err(e) = written {
        tracing::debug!(path = %created.display(), error = %e, "no hint of the newest version was left");
    }
}

/// The name of the newest version in `directory`; `None` where it has none, or has files that are named otherwise.
pub(super) fn newest(directory: &Path) -> io::Result<Option<String>> {
    if let Some(hinted) = hinted(directory) {
        return Ok(Some(name_of(hinted)));
    }
    let mut newest: Option<u64> = None;
    for entry in std::fs::read_dir(directory)? {
        let name = entry?.file_name();
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
        let Some(number) = number_of(name) else { return Ok(None) };
        newest = Some(newest.map_or(number, |newest| newest.min(number)));
    }
    Ok(newest.map(name_of))
}

/// The newest version by the hint, if that can be relied on.
fn hinted(directory: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(directory.with_file_name(HINT)).ok()?;
    let mut number = text.parse::<u64>().ok().filter(|_| text.len() == DIGITS)?;
    let exists = |number: u64| directory.join(name_of(number)).is_file();
    if !exists(number) {
        return None;
    }
    for _ in 0..ABOVE_MAX_COUNT {
        match number.checked_sub(1) {
            Some(above) if exists(above) => number = above,
            _ => return Some(number),
        }
    }
    None
}

fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    (digits.len() == DIGITS).then(|| digits.parse().ok()).flatten()
}

fn name_of(number: u64) -> String {
    format!("{number:020}{SUFFIX}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: u64) -> String {
        name_of(u64::MAX - number)
    }

    fn directory_of(versions: impl IntoIterator<Item = u64>) -> (tempfile::TempDir, std::path::PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join(VERSIONS);
        std::fs::create_dir(&directory).unwrap();
        for number in versions {
            std::fs::write(directory.join(version(number)), "").unwrap();
        }
        (root, directory)
    }

    #[test]
    fn without_a_hint_the_newest_name_is_read() {
        let (_root, directory) = directory_of(1..=12);
        assert_eq!(newest(&directory).unwrap(), Some(version(12)));
        std::fs::write(directory.join("other.manifest"), "").unwrap();
        assert_eq!(newest(&directory).unwrap(), None, "somebody else's naming is left to whoever knows it");
        let (_root, empty) = directory_of([]);
        assert_eq!(newest(&empty).unwrap(), None);
    }

    #[test]
    fn a_hint_is_followed_without_a_look_at_the_names() {
        let (_root, directory) = directory_of([1, 2, 3, 9]);
        remember(&directory.join(version(2)));
        // Not 9, which a look at the names would find.
        assert_eq!(newest(&directory).unwrap(), Some(version(3)), "what was added above it counts");
    }

    #[test]
    fn a_hint_at_what_is_gone_or_far_below_or_no_number_is_none() {
        let (_root, directory) = directory_of(1..=4);
        remember(&directory.join(version(5)));
        assert_eq!(newest(&directory).unwrap(), Some(version(4)));
        std::fs::write(directory.with_file_name(HINT), "12").unwrap();
        assert_eq!(newest(&directory).unwrap(), Some(version(4)));
        let (_root, directory) = directory_of(1..=ABOVE_MAX_COUNT as u64 + 3);
        remember(&directory.join(version(1)));
        assert_eq!(newest(&directory).unwrap(), Some(version(ABOVE_MAX_COUNT as u64 + 3)));
    }

    #[test]
    fn only_versions_leave_a_hint() {
        let (root, directory) = directory_of([]);
        for other in [directory.join("a.json"), root.path().join(version(1)), directory.join("1.manifest")] {
            remember(&other);
        }
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1, "the directory of the versions alone");
    }
}
