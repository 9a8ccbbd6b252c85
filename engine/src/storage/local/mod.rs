//! Local directories as an object store that keeps every promise of a remote one.
//!
//! Reading is `LocalFileSystem`'s. What it lacks is added here: listings in lexical order without empty prefixes,
//! conditional update that is sound across processes, deletes that do not mind absence, "not found" where a
//! directory stands in the place of an object or an object in the place of a directory, and the newest version of a dataset without a
//! look at all of them.

mod lock;
mod staged;
mod upload;
mod versions;

use std::fmt;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path as FsPath, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, RenameTargetMode, Result,
};

use self::lock::RootLock;
use self::staged::{Publish, Refused, Staged, is_absence, make_directories, sync_parent};
use self::upload::LocalUpload;
use super::error::{StorageError, StorageErrorKind};
use super::objects::ensure_plain;
use super::options::LocalOptions;

const STORE: &str = "LocalStore";

/// A store rooted at one directory.
#[derive(Clone, Debug)]
pub(super) struct LocalStore {
    inner: LocalFileSystem,
    root: PathBuf,
    lock: RootLock,
    sync: bool,
}

impl LocalStore {
    /// Opens the store, creating its directory where there is none, unless it must exist.
    pub(super) async fn open(
        directory: &FsPath,
        options: &LocalOptions,
    ) -> std::result::Result<LocalStore, StorageError> {
        let wanted = directory.to_owned();
        let LocalOptions { sync, must_exist } = *options;
        blocking(move || {
            if !must_exist {
                std::fs::create_dir_all(&wanted)?;
            }
            let root = std::fs::canonicalize(&wanted)?;
            let inner = LocalFileSystem::new_with_prefix(&root).map_err(io::Error::other)?;
            Ok(LocalStore { inner, lock: RootLock::new(&root), root, sync })
        })
        .await
        .map_err(|cause| {
            let kind = StorageErrorKind::of(&cause).unwrap_or(StorageErrorKind::Other);
            StorageError::new(kind, directory.display().to_string(), "open")
                .with_message(format!("cannot use directory `{}`: {cause}", directory.display()))
                .with_source(cause)
        })
    }

    /// The directory, in its one canonical spelling.
    pub(super) fn root(&self) -> &FsPath {
        &self.root
    }

    /// The file of an object. It is always below the root.
    fn path(&self, location: &Path) -> Result<PathBuf> {
        ensure_plain(location)?;
        self.inner.path_to_filesystem(location)
    }

    async fn publish(&self, location: &Path, staged: Staged, how: Publish) -> Result<PutResult> {
        let outcome = self.lock.exclusively(move |held| staged.publish(&how, held)).await;
        match outcome.map_err(|cause| write_failed(location, cause))? {
            Ok(token) => Ok(PutResult { e_tag: Some(token), version: None, extensions: Default::default() }),
            Err(Refused::Exists) => Err(Error::AlreadyExists {
                path: location.to_string(),
                source: io::Error::from(io::ErrorKind::AlreadyExists).into(),
            }),
            Err(Refused::Changed { found }) => Err(Error::Precondition {
                path: location.to_string(),
                source: match found {
                    Some(found) => format!("the object's token is {found} by now").into(),
                    None => "the object is gone".into(),
                },
            }),
        }
    }

    async fn stage(
        &self,
        location: &Path,
        fill: impl FnOnce(&mut Staged) -> io::Result<()> + Send + 'static,
    ) -> Result<Staged> {
        let destination = self.path(location)?;
        let (root, sync) = (self.root.clone(), self.sync);
        blocking(move || {
            let mut staged = Staged::new(&root, destination, sync)?;
            fill(&mut staged)?;
            staged.settle()?;
            Ok(staged)
        })
        .await
        .map_err(|cause| write_failed(location, cause))
    }

    async fn remove(&self, location: Path) -> Result<Path> {
        let path = self.path(&location)?;
        let sync = self.sync;
        let removed = self.lock.exclusively(move |_| {
            std::fs::remove_file(&path)?;
            if sync { sync_parent(&path) } else { Ok(()) }
        });
        match removed.await {
            Ok(()) => Ok(location),
            Err(cause) if is_absence(cause.kind()) => Ok(location),
            // Some systems say "permission denied" about the removal of a directory, which is no object.
            Err(_) if self.path(&location)?.is_dir() => Ok(location),
            Err(cause) => Err(write_failed(&location, cause)),
        }
    }

    /// The objects of a directory of versions, in order. The directory is read when more than the first one is asked for.
    fn newest_first(&self, prefix: Path) -> BoxStream<'static, Result<ObjectMeta>> {
        let store = self.clone();
        let begun = async move {
            let newest = store.newest_version(&prefix).await;
            let first = newest.as_ref().map(|newest| newest.location.clone());
            let rest = futures::stream::once(async move { in_order(store.inner.list(Some(&prefix))) }).flatten();
            let rest = rest.try_filter(move |object| futures::future::ready(Some(&object.location) > first.as_ref()));
            futures::stream::iter(newest.map(Ok)).chain(rest)
        };
        futures::stream::once(begun).flatten().boxed()
    }

    /// `None` where the directory has to be read, whatever the reason.
    async fn newest_version(&self, prefix: &Path) -> Option<ObjectMeta> {
        let directory = self.path(prefix).ok()?;
        let name = blocking(move || versions::newest(&directory)).await.ok().flatten()?;
        object_store::ObjectStoreExt::head(&self.inner, &prefix.clone().join(name)).await.ok()
    }

    async fn relocate(&self, from: &Path, to: &Path, mode: RenameTargetMode) -> Result<()> {
        let (source, target) = (self.path(from)?, self.path(to)?);
        let (root, sync) = (self.root.clone(), self.sync);
        let moved = self.lock.exclusively(move |_| {
            if !std::fs::metadata(&source).is_ok_and(|found| found.is_file()) {
                return Ok(false);
            }
            make_directories(&root, target.parent().unwrap_or(&root), sync)?;
            match mode {
                RenameTargetMode::Overwrite => std::fs::rename(&source, &target)?,
                RenameTargetMode::Create => {
                    std::fs::hard_link(&source, &target)?;
                    std::fs::remove_file(&source)?;
                }
            }
            if sync {
                sync_parent(&target)?;
                sync_parent(&source)?;
            }
            Ok(true)
        });
        match moved.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(absent(from, io::Error::from(io::ErrorKind::NotFound))),
            Err(cause) => Err(write_failed(to, cause)),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for LocalStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let how = match options.mode {
            PutMode::Overwrite => Publish::Overwrite,
            PutMode::Create => Publish::Create,
            PutMode::Update(version) => Publish::Update(version.e_tag.ok_or_else(|| Error::Generic {
                store: STORE,
                source: "a conditional update needs the token of the version that it replaces".into(),
            })?),
        };
        let staged =
            self.stage(location, move |staged| payload.iter().try_for_each(|part| staged.file_mut().write_all(part)));
        self.publish(location, staged.await?, how).await
    }

    async fn put_multipart_opts(&self, location: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let staged = self.stage(location, |_| Ok(())).await?;
        Ok(Box::new(LocalUpload::new(self.clone(), location.clone(), staged)))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        ensure_plain(location)?;
        self.inner.get_opts(location, options).await.map_err(|cause| read_failed(location, cause))
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        ensure_plain(location)?;
        self.inner.get_ranges(location, ranges).await.map_err(|cause| read_failed(location, cause))
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        locations
            .then(move |location| {
                let store = store.clone();
                async move { store.remove(location?).await }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match prefix.map_or(Ok(()), ensure_plain) {
            Ok(()) if prefix.is_some_and(|prefix| prefix.filename() == Some(versions::VERSIONS)) => {
                self.newest_first(prefix.cloned().unwrap_or_default())
            }
            Ok(()) => in_order(self.inner.list(prefix)),
            Err(cause) => futures::stream::once(async { Err(cause) }).boxed(),
        }
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        match prefix.map_or(Ok(()), ensure_plain) {
            Ok(()) => in_order(self.inner.list_with_offset(prefix, offset)),
            Err(cause) => futures::stream::once(async { Err(cause) }).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        prefix.map_or(Ok(()), ensure_plain)?;
        let found = match self.inner.list_with_delimiter(prefix).await {
            Err(cause) if is_absent(&cause) => {
                ListResult { common_prefixes: Vec::new(), objects: Vec::new(), extensions: Default::default() }
            }
            other => other?,
        };
        let mut objects = found.objects;
        objects.sort_by(|a, b| a.location.cmp(&b.location));
        let mut common_prefixes = Vec::with_capacity(found.common_prefixes.len());
        for prefix in found.common_prefixes {
            // A directory without an object somewhere below is no prefix.
            if self.inner.list(Some(&prefix)).try_next().await?.is_some() {
                common_prefixes.push(prefix);
            }
        }
        common_prefixes.sort();
        Ok(ListResult { common_prefixes, objects, extensions: found.extensions })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        // A copy of the bytes and not a second link to them, so that the copy has a token of its own.
        let source = self.path(from)?;
        let found = blocking(move || {
            let file = std::fs::File::open(source)?;
            if file.metadata()?.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(file) }
        });
        let mut file = found
            .await
            .map_err(|cause| if is_absence(cause.kind()) { absent(from, cause) } else { write_failed(from, cause) })?;
        let staged = self.stage(to, move |staged| io::copy(&mut file, staged.file_mut()).map(drop)).await?;
        let how = match options.mode {
            CopyMode::Overwrite => Publish::Overwrite,
            CopyMode::Create => Publish::Create,
        };
        self.publish(to, staged, how).await.map(drop)
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.relocate(from, to, options.target_mode).await
    }
}

impl fmt::Display for LocalStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{STORE}({})", self.root.display())
    }
}

/// `LocalFileSystem` lists in the order of the directory; a remote store lists in the order of the names.
fn in_order(found: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
    let sorted = async move {
        let mut objects = match found.try_collect::<Vec<_>>().await {
            Err(cause) if is_absent(&cause) => Vec::new(),
            other => other?,
        };
        objects.sort_by(|a, b| a.location.cmp(&b.location));
        Ok::<_, Error>(futures::stream::iter(objects.into_iter().map(Ok)))
    };
    futures::stream::once(sorted).try_flatten().boxed()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Whether an error of `LocalFileSystem` says that there is no object, be it that something else is in its place.
fn is_absent(cause: &Error) -> bool {
    StorageErrorKind::of(cause) == Some(StorageErrorKind::NotFound)
}

fn absent(location: &Path, cause: io::Error) -> Error {
    Error::NotFound { path: location.to_string(), source: cause.into() }
}

fn read_failed(location: &Path, cause: Error) -> Error {
    match cause {
        Error::NotFound { .. } => cause,
        _ if is_absent(&cause) => Error::NotFound { path: location.to_string(), source: cause.into() },
        _ => cause,
    }
}

fn write_failed(location: &Path, cause: io::Error) -> Error {
    let path = location.to_string();
    match cause.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Error::PermissionDenied { path, source: cause.into() }
        }
        io::ErrorKind::AlreadyExists => Error::AlreadyExists { path, source: cause.into() },
        kind if is_absence(kind) => Error::Generic {
            store: STORE,
            source: format!("cannot write `{path}`: a directory stands in the place of an object, or the reverse")
                .into(),
        },
        _ => Error::Generic { store: STORE, source: cause.into() },
    }
}

#[cfg(test)]
mod tests;
