//! Text objects: what sidecars, schema contracts and the like need of a store, the same on every backend.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{GetResult, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, UpdateVersion};

use super::error::{StorageError, StorageErrorKind};
use crate::limit::NAME_MAX_BYTES;

type Result<T, E = StorageError> = std::result::Result<T, E>;

/// Objects below the graph root, by name.
///
/// A name is a path of one or more segments with `/` between them, and means itself byte for byte. Names that not every
/// backend can hold are refused everywhere: empty segments, `.` and `..` (also as `%2e`), control characters, more than 1024
/// bytes, and a last segment that ends in `#` and digits or in a letter and a colon. What is promised of every method is checked by
/// [`conformance`](super::conformance).
#[derive(Clone)]
pub struct TextObjects {
    store: Arc<dyn ObjectStore>,
}

/// Which of its successive contents an object had. Opaque.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectVersion {
    e_tag: Option<String>,
    version: Option<String>,
}

/// An object that a listing found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectName {
    path: String,
    bytes: u64,
}

/// What a bounded read found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bounded {
    /// The whole content.
    Content(Bytes),
    /// More than was allowed; none of it was read.
    TooLarge {
        /// The object's size.
        bytes: u64,
    },
}

impl ObjectName {
    /// The full name, relative to the graph root: what [`TextObjects::get`] takes.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The last segment.
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The object's size when it was listed.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl TextObjects {
    pub(super) fn new(store: Arc<dyn ObjectStore>) -> Self {
        TextObjects { store }
    }

    /// Writes an object, replacing whatever is there. Readers see the old or the new content, never a part.
    ///
    /// # Errors
    /// Any kind; where [`StorageError::is_ambiguous`], the content may have been written nevertheless.
    pub async fn put(&self, path: &str, content: impl Into<Bytes>) -> Result<ObjectVersion> {
        self.put_with(path, content.into(), PutMode::Overwrite, "put").await
    }

    /// Creates an object. Of several racing creators exactly one wins.
    ///
    /// # Errors
    /// [`StorageErrorKind::AlreadyExists`] to all who did not win.
    pub async fn put_if_absent(&self, path: &str, content: impl Into<Bytes>) -> Result<ObjectVersion> {
        self.put_with(path, content.into(), PutMode::Create, "create").await
    }

    /// Creates an object whose content nobody else would write, such as one that holds a fresh id. An object that is
    /// there with exactly this content is taken for ours: a client whose first attempt landed unheard, and that tried
    /// again, meets its own work.
    ///
    /// # Errors
    /// [`StorageErrorKind::AlreadyExists`] when other content is there.
    pub async fn put_own_if_absent(&self, path: &str, content: impl Into<Bytes>) -> Result<()> {
        let content = content.into();
        match self.put_if_absent(path, content.clone()).await {
            Err(error) if error.kind() == StorageErrorKind::AlreadyExists => {
                match self.get_at_most(path, content.len() as u64).await {
                    Ok(Bounded::Content(found)) if found == content => Ok(()),
                    _ => Err(error),
                }
            }
            other => other.map(drop),
        }
    }

    /// Replaces an object if it still is at `version`.
    ///
    /// # Errors
    /// [`StorageErrorKind::Precondition`] when it is not, or is gone.
    pub async fn update(
        &self,
        path: &str,
        version: &ObjectVersion,
        content: impl Into<Bytes>,
    ) -> Result<ObjectVersion> {
        let version = UpdateVersion { e_tag: version.e_tag.clone(), version: version.version.clone() };
        self.put_with(path, content.into(), PutMode::Update(version), "update").await
    }

    async fn put_with(
        &self,
        path: &str,
        content: Bytes,
        mode: PutMode,
        operation: &'static str,
    ) -> Result<ObjectVersion> {
        let location = object(path, operation)?;
        let conditional = mode.clone();
        let options = PutOptions { mode, ..PutOptions::default() };
        let put = self.store.put_opts(&location, content.into(), options).await.map_err(|cause| {
            let found = StorageErrorKind::of(&cause).unwrap_or(StorageErrorKind::Other);
            // Stores differ in how they say "you lost".
            let kind = match (&conditional, found) {
                (PutMode::Create, StorageErrorKind::Precondition) => StorageErrorKind::AlreadyExists,
                (PutMode::Update(_), StorageErrorKind::NotFound | StorageErrorKind::AlreadyExists) => {
                    StorageErrorKind::Precondition
                }
                _ => found,
            };
            StorageError::new(kind, path, operation).with_source(cause)
        })?;
        Ok(ObjectVersion { e_tag: put.e_tag, version: put.version })
    }

    /// Reads an object.
    ///
    /// # Errors
    /// [`StorageErrorKind::NotFound`] also where a directory stands; [`StorageErrorKind::Transport`] when the content
    /// broke off.
    pub async fn get(&self, path: &str) -> Result<Bytes> {
        Ok(self.get_versioned(path).await?.0)
    }

    /// Reads an object unless it has more than `bytes_max` bytes: whoever reads what anybody may have put there must not be
    /// at the mercy of its size.
    ///
    /// # Errors
    /// As [`TextObjects::get`].
    pub async fn get_at_most(&self, path: &str, bytes_max: u64) -> Result<Bounded> {
        let found = self.find(path).await?;
        if found.meta.size > bytes_max {
            return Ok(Bounded::TooLarge { bytes: found.meta.size });
        }
        content(path, found).await.map(Bounded::Content)
    }

    /// Reads an object with the version that [`TextObjects::update`] takes.
    ///
    /// # Errors
    /// As [`TextObjects::get`].
    pub async fn get_versioned(&self, path: &str) -> Result<(Bytes, ObjectVersion)> {
        let found = self.find(path).await?;
        let version = version_of(&found.meta);
        Ok((content(path, found).await?, version))
    }

    /// What the store knows of an object, with its content still to be read.
    async fn find(&self, path: &str) -> Result<GetResult> {
        let location = object(path, "get")?;
        self.store.get(&location).await.map_err(|cause| StorageError::from_store(path, "get", cause))
    }

    /// Whether there is an object of this name.
    ///
    /// # Errors
    /// Whatever kept the answer from being known; trouble with permissions is never "no".
    pub async fn exists(&self, path: &str) -> Result<bool> {
        let location = object(path, "head")?;
        match self.store.head(&location).await {
            Ok(_) => Ok(true),
            Err(cause) => match StorageError::from_store(path, "head", cause) {
                error if error.kind() == StorageErrorKind::NotFound => Ok(false),
                error => Err(error),
            },
        }
    }

    /// The objects directly below `prefix`, in lexical order; those in deeper prefixes are not among them. A prefix
    /// that does not exist is empty. The empty prefix is the graph root.
    ///
    /// # Errors
    /// Any kind but [`StorageErrorKind::NotFound`].
    pub async fn list(&self, prefix: &str) -> Result<Vec<ObjectName>> {
        let location = directory(prefix, "list")?;
        match self.store.list_with_delimiter(Some(&location)).await {
            Ok(found) => Ok(sorted(found.objects)),
            Err(cause) => absent_is_empty(StorageError::from_store(prefix, "list", cause)),
        }
    }

    /// All objects below `prefix`, at any depth, in lexical order.
    ///
    /// # Errors
    /// As [`TextObjects::list`].
    pub async fn list_recursive(&self, prefix: &str) -> Result<Vec<ObjectName>> {
        let location = directory(prefix, "list")?;
        match self.store.list(Some(&location)).try_collect::<Vec<_>>().await {
            Ok(found) => Ok(sorted(found)),
            Err(cause) => absent_is_empty(StorageError::from_store(prefix, "list", cause)),
        }
    }

    /// Whether there is any object below `prefix`: only non-empty prefixes exist.
    ///
    /// # Errors
    /// As [`TextObjects::list`].
    pub async fn prefix_exists(&self, prefix: &str) -> Result<bool> {
        let location = directory(prefix, "list")?;
        match self.store.list(Some(&location)).next().await {
            None => Ok(false),
            Some(Ok(_)) => Ok(true),
            Some(Err(cause)) => {
                absent_is_empty::<()>(StorageError::from_store(prefix, "list", cause)).map(|none| !none.is_empty())
            }
        }
    }

    /// Gives an object another name, replacing what has that name. Not atomic on every store: a crash may leave both.
    ///
    /// # Errors
    /// [`StorageErrorKind::NotFound`] when there is no object `from`.
    pub async fn rename(&self, from: &str, to: &str) -> Result<()> {
        let (source, target) = (object(from, "rename")?, object(to, "rename")?);
        if source == target {
            // Where a rename is a copy and a delete, this would lose the object.
            self.store.head(&source).await.map_err(|cause| StorageError::from_store(from, "rename", cause))?;
            return Ok(());
        }
        self.store.rename(&source, &target).await.map_err(|cause| StorageError::from_store(from, "rename", cause))
    }

    /// Deletes an object. One that is not there is fine.
    ///
    /// # Errors
    /// Any kind but [`StorageErrorKind::NotFound`].
    pub async fn delete(&self, path: &str) -> Result<()> {
        let location = object(path, "delete")?;
        match self.store.delete(&location).await {
            Ok(()) => Ok(()),
            Err(cause) => match StorageError::from_store(path, "delete", cause) {
                error if error.kind() == StorageErrorKind::NotFound => Ok(()),
                error => Err(error),
            },
        }
    }

    /// Deletes every object below `prefix`, at any depth. Tries all of them before it reports the first failure.
    ///
    /// # Errors
    /// As [`TextObjects::delete`]; [`StorageErrorKind::Invalid`] for the empty prefix, which is the whole graph.
    pub async fn delete_prefix(&self, prefix: &str) -> Result<()> {
        let location = directory(prefix, "delete")?;
        if location.is_root() {
            return Err(invalid(prefix, "delete"));
        }
        let found = self.list_recursive(prefix).await?;
        let names =
            futures::stream::iter(found.into_iter().map(|name| Path::parse(name.path()).map_err(Into::into))).boxed();
        let outcomes: Vec<object_store::Result<Path>> = self.store.delete_stream(names).collect().await;
        outcomes
            .into_iter()
            .filter_map(|outcome| outcome.err())
            .map(|cause| StorageError::from_store(prefix, "delete", cause))
            .find(|error| error.kind() != StorageErrorKind::NotFound)
            .map_or(Ok(()), Err)
    }
}

impl fmt::Debug for TextObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextObjects").finish_non_exhaustive()
    }
}

/// The content of what was found, all of it.
async fn content(path: &str, found: GetResult) -> Result<Bytes> {
    let size = found.meta.size;
    let content = found.bytes().await.map_err(|cause| StorageError::from_store(path, "get", cause))?;
    if content.len() as u64 != size {
        return Err(StorageError::new(StorageErrorKind::Transport, path, "get")
            .with_message(format!("object `{path}` broke off after {} of {size} bytes, retry", content.len())));
    }
    Ok(content)
}

fn version_of(meta: &ObjectMeta) -> ObjectVersion {
    ObjectVersion { e_tag: meta.e_tag.clone(), version: meta.version.clone() }
}

fn sorted(found: Vec<ObjectMeta>) -> Vec<ObjectName> {
    let mut names: Vec<_> =
        found.into_iter().map(|meta| ObjectName { path: meta.location.into(), bytes: meta.size }).collect();
    names.sort();
    names
}

fn absent_is_empty<T>(error: StorageError) -> Result<Vec<T>> {
    if error.kind() == StorageErrorKind::NotFound { Ok(Vec::new()) } else { Err(error) }
}

fn object(path: &str, operation: &'static str) -> Result<Path> {
    let hidden = |name: &str| {
        name.rsplit_once('#')
            .is_some_and(|(_, tail)| !tail.is_empty() && tail.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if path.is_empty() || path.starts_with('/') || path.ends_with('/') || path.len() > NAME_MAX_BYTES {
        return Err(invalid(path, operation));
    }
    if path.rsplit('/').next().is_some_and(hidden) {
        return Err(invalid(path, operation));
    }
    parse(path, operation)
}

fn directory(prefix: &str, operation: &'static str) -> Result<Path> {
    if prefix.starts_with('/') || prefix.len() > NAME_MAX_BYTES {
        return Err(invalid(prefix, operation));
    }
    parse(prefix, operation)
}

fn parse(path: &str, operation: &'static str) -> Result<Path> {
    let path_or_cause = Path::parse(path).map_err(object_store::Error::from).and_then(|location| {
        ensure_plain(&location)?;
        Ok(location)
    });
    path_or_cause.map_err(|cause| invalid(path, operation).with_source(cause))
}

/// Refuses what a URL parser takes for something else: `LocalFileSystem` builds its paths with one, so that a name such as
/// `%2e%2e/a` would lead out of its root, and `file:` would name a directory.
pub(super) fn ensure_plain(location: &Path) -> object_store::Result<()> {
    let is_dots = |segment: &str| {
        let decoded = segment.to_ascii_lowercase().replace("%2e", ".");
        decoded == "." || decoded == ".."
    };
    let looks_like_a_drive = |name: &str| {
        let mut last = name.bytes().rev();
        last.next() == Some(b':') && last.next().is_some_and(|byte| byte.is_ascii_alphabetic())
    };
    if location.as_ref().split('/').any(is_dots) || looks_like_a_drive(location.as_ref()) {
        // The very error that a plain dot segment meets.
        Path::parse("..")?;
    }
    Ok(())
}

fn invalid(path: &str, operation: &'static str) -> StorageError {
    StorageError::new(StorageErrorKind::Invalid, path, operation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_not_every_store_can_hold_are_refused() {
        for name in [
            "",
            "/a",
            "a/",
            "a//b",
            "../a",
            "a/./b",
            "file:///a",
            "a\nb",
            "a#1",
            "a/b.json#22",
            "%2e/a",
            "a/.%2E",
            "file:",
            "a/C:",
            &"x".repeat(2_000),
        ] {
            assert_eq!(object(name, "get").unwrap_err().kind(), StorageErrorKind::Invalid, "{name}");
        }
        for name in ["a", "a b/c", "..a/b..", "%2ea", ":", "a:b", "1:", "100%/%20", "a#b", "#", "é/日"] {
            assert_eq!(object(name, "get").unwrap().as_ref(), name);
        }
    }
}
