//! A file on its way to becoming an object.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use super::lock::Held;
use super::versions;

/// How a staged file becomes visible.
#[derive(Clone, Debug)]
pub(super) enum Publish {
    /// Replaces whatever is there.
    Overwrite,
    /// Fails when something is there.
    Create,
    /// Fails unless an object with this token is there.
    Update(String),
}

/// What kept a staged file from becoming visible.
#[derive(Debug)]
pub(super) enum Refused {
    /// Something is there.
    Exists,
    /// Something else, or nothing, is there.
    Changed { found: Option<String> },
}

/// A hidden file beside its destination. It is removed on drop unless it was published; what a killed process leaves of
/// it is neither listed nor addressed, and in nobody's way.
#[derive(Debug)]
pub(super) struct Staged {
    file: File,
    path: PathBuf,
    destination: PathBuf,
    sync: bool,
}

impl Staged {
    /// An empty staging file for `destination`, whose directories are created where they are missing.
    pub(super) fn new(root: &Path, destination: PathBuf, sync: bool) -> io::Result<Staged> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let directory = destination.parent().unwrap_or(root);
        loop {
            // Unlike the destination's name with a suffix, this is hidden also when the destination has a `#`.
            let number = (u64::from(std::process::id()) << 32) | (NEXT.fetch_add(1, Ordering::Relaxed) & 0xffff_ffff);
            let path = directory.join(format!(".staged#{number}"));
            match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Staged { file, path, destination, sync }),
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => make_directories(root, directory, sync)?,
                Err(cause) => return Err(cause),
            }
        }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn file_mut(&mut self) -> &mut File {
        &mut self.file
    }

    /// Flushes the content to the device where that was asked for; to be done before the lock is taken.
    pub(super) fn settle(&self) -> io::Result<()> {
        if self.sync { self.file.sync_all() } else { Ok(()) }
    }

    /// Makes the file visible, and gives the token that it has from now on.
    pub(super) fn publish(self, how: &Publish, held: &mut Held) -> io::Result<Result<String, Refused>> {
        held.stamp(&self.file)?;
        let token = token(&self.file.metadata()?);
        match how {
            Publish::Overwrite => std::fs::rename(&self.path, &self.destination)?,
            Publish::Create => match std::fs::hard_link(&self.path, &self.destination) {
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => return Ok(Err(Refused::Exists)),
                other => {
                    other?;
                    versions::remember(&self.destination);
                }
            },
            Publish::Update(expected) => {
                let found = match std::fs::metadata(&self.destination) {
                    Ok(found) if found.is_file() => Some(self::token(&found)),
                    Ok(_) => None,
                    Err(cause) if is_absence(cause.kind()) => None,
                    Err(cause) => return Err(cause),
                };
                if found.as_ref() != Some(expected) {
                    return Ok(Err(Refused::Changed { found }));
                }
                std::fs::rename(&self.path, &self.destination)?;
            }
        }
        if self.sync {
            sync_parent(&self.destination)?;
        }
        Ok(Ok(token))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove; after a link this was the second name.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The token by which `LocalFileSystem` names a file's content. It must be the very same, since readers get theirs there.
pub(super) fn token(found: &Metadata) -> String {
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(found);
    #[cfg(not(unix))]
    let inode = 0_u64;
    let modified = found.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    format!("\"{inode:x}-{:x}-{:x}\"", modified.as_micros(), found.len())
}

/// Whether an error of this kind says that there is no object, be it that something else is in its place.
pub(super) fn is_absence(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory)
}

/// Flushes the directory entry of `path`.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(directory) if cfg!(unix) => File::open(directory)?.sync_all(),
        _ => Ok(()),
    }
}

/// Creates `directory` below `root`.
pub(super) fn make_directories(root: &Path, directory: &Path, sync: bool) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    if sync && cfg!(unix) {
        for changed in directory.ancestors().take_while(|ancestor| ancestor.starts_with(root)) {
            File::open(changed)?.sync_all()?;
        }
    }
    Ok(())
}
