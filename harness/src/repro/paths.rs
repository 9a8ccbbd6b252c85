//! Names and paths that stay where they belong.

use std::path::{Component, Path, PathBuf};

/// The folder of a cell below its run: readable, and one plain component whatever the scenario is called.
pub fn cell_folder(cell: &str) -> String {
    const LENGTH_MAX: usize = 150;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '@' | '-');
    let name: String = cell
        .chars()
        .map(|c| {
            if c == '/' {
                '.'
            } else if is_plain(c) {
                c
            } else {
                '_'
            }
        })
        .take(LENGTH_MAX)
        .collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() { "cell".to_owned() } else { name.to_owned() }
}

/// The path of an object below the bundle's `store/`; `None` when it would not stay below it, or when no file system
/// holds such a name.
pub fn object_path(path: &str) -> Option<PathBuf> {
    const NAME_LENGTH_MAX: usize = 255;
    if path.is_empty() || path.contains(['\\', '\0', ':']) {
        return None;
    }
    let is_name = |part: &str| !part.is_empty() && part != "." && part != ".." && part.len() <= NAME_LENGTH_MAX;
    if !path.split('/').all(is_name) {
        return None;
    }
    let path = Path::new(path);
    path.components().all(|part| matches!(part, Component::Normal(_))).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_object_path_leaves_the_store() {
        for path in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/./b", "a\\..\\b", "c:x", "a\0b", "a/"] {
            assert_eq!(object_path(path), None, "{path:?}");
        }
        assert_eq!(object_path("__recovery/01J.json"), Some(PathBuf::from("__recovery/01J.json")));
        assert_eq!(object_path("nodes/a b~.lance/..x"), Some(PathBuf::from("nodes/a b~.lance/..x")));
    }

    #[test]
    fn a_cell_folder_is_one_plain_component() {
        assert_eq!(cell_folder("recovery/a-b@s3"), "recovery.a-b@s3");
        for cell in ["../../x@s3", "/", "", "a\nb@c", "..", &"x/".repeat(400)] {
            let name = cell_folder(cell);
            assert!(!name.is_empty() && name.len() <= 150 && !name.starts_with('.') && !name.contains('/'), "{name:?}");
        }
    }
}
