//! Scenario files in a folder.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::limit;
use super::{Scenario, parse_cases};
use crate::diagnostic::Report;

/// The folder of all scenarios, as seen from the top of the project.
pub const FOLDER: &str = "scenarios";
/// Deepest folder below it.
const FOLDER_DEPTH_MAX: usize = 8;

/// A scenario file that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Its path below the folder of all scenarios, without the extension, with slashes.
    pub name: String,
    /// The file.
    pub path: PathBuf,
}

impl Found {
    /// Reads and validates its scenarios: one, or several cases. The outer error is trouble with the file, the inner one with what stands in it.
    pub fn read(&self) -> io::Result<Result<Vec<Scenario>, Report>> {
        let mut bytes = Vec::new();
        // One byte more than allowed is enough to see that it is too much.
        File::open(&self.path)?.take(limit::FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
        Ok(parse_cases(&self.name, &self.path.to_string_lossy(), &bytes))
    }
}

/// Every scenario file below `start` (a folder or one file), sorted by name. `root` is the folder of all scenarios, which
/// names count from. Links are not followed.
pub fn discover(root: &Path, start: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    let kind = fs::symlink_metadata(start)?;
    if kind.is_dir() {
        collect(root, start, 0, &mut found)?;
    } else {
        found.push(Found { name: name(root, start), path: start.to_owned() });
    }
    found.sort();
    Ok(found)
}

fn collect(root: &Path, folder: &Path, depth: usize, found: &mut Vec<Found>) -> io::Result<()> {
    if depth > FOLDER_DEPTH_MAX {
        return Err(io::Error::other(format!(
            "folders below {} are nested deeper than {FOLDER_DEPTH_MAX}",
            root.display()
        )));
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            collect(root, &path, depth + 1, found)?;
        } else if kind.is_file() && matches!(path.extension().and_then(|end| end.to_str()), Some("yaml" | "yml")) {
            found.push(Found { name: name(root, &path), path });
        }
    }
    Ok(())
}

/// A file outside of `root` is named by its whole path.
fn name(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path).with_extension("");
    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    // The root of a whole path is a slash by itself.
    parts.join("/").replacen("//", "/", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_its_path_below_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let area = folder.path().join("recovery");
        fs::create_dir(&area).unwrap();
        for file in ["b.yaml", "a.yaml", "notes.md"] {
            fs::write(area.join(file), "").unwrap();
        }
        let names: Vec<_> =
            discover(folder.path(), folder.path()).unwrap().into_iter().map(|found| found.name).collect();
        assert_eq!(names, ["recovery/a", "recovery/b"]);
        let one = discover(folder.path(), &area.join("a.yaml")).unwrap();
        assert_eq!(one[0].name, "recovery/a");
        assert!(one[0].read().unwrap().is_err(), "an empty file is no scenario");
        let elsewhere = discover(Path::new("scenarios"), &area.join("a.yaml")).unwrap();
        assert_eq!(elsewhere[0].name, area.join("a").display().to_string(), "one slash in front");
    }
}
