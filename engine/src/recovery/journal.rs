//! Where sidecars lie: put, list, read, delete, quarantine.

use crate::error::{Error, ErrorKind, Result};
use crate::failpoint::{Scope, Window, hit};
use crate::id::OperationId;
use crate::intent::{Sidecar, SidecarError};
use crate::limit::{QUARANTINED_ALIKE_MAX_COUNT, SIDECAR_MAX_BYTES};
use crate::storage::{Bounded, Stack, StorageError, StorageErrorKind};

/// Sidecars lie directly below this prefix.
pub const RECOVERY_PREFIX: &str = "__recovery";
/// Files that an operator moved out of the way lie directly below this prefix.
pub const QUARANTINE_PREFIX: &str = "__recovery/quarantine";

/// A file in the journal: a sidecar, or what is wrong with it.
pub type Listed = std::result::Result<Sidecar, SidecarError>;

/// The journal of one graph.
#[derive(Clone, Copy, Debug)]
pub struct Journal<'a> {
    stack: &'a Stack,
    scope: Scope,
}

impl<'a> Journal<'a> {
    /// The journal as `scope` uses it.
    pub fn new(stack: &'a Stack, scope: Scope) -> Self {
        Journal { stack, scope }
    }

    /// As whom the journal is used.
    pub(super) fn scope(&self) -> Scope {
        self.scope
    }

    /// Puts a sidecar, or nothing.
    ///
    /// When this fails, nothing is left behind as far as the store allows: a put whose answer was lost is deleted again.
    ///
    /// # Errors
    /// The store's trouble.
    pub async fn put(&self, sidecar: &Sidecar) -> Result<()> {
        hit(self.scope, Window::SidecarWrite).await?;
        let text = encoded(sidecar)?;
        let path = path_of(&sidecar.file_name());
        let objects = self.stack.objects();
        let Err(error) = objects.put_own_if_absent(&path, text).await else {
            return Ok(());
        };
        // Whatever the store says, the put may have happened; only an object of somebody else is left alone.
        if error.kind() != StorageErrorKind::AlreadyExists
            && let Err(leftover) = objects.delete(&path).await
        {
            tracing::warn!(operation = %sidecar.operation_id, %leftover, "a sidecar whose put failed may remain");
        }
        Err(cannot_put(sidecar, error))
    }

    /// The names of all files that claim to be sidecars, oldest first. One list.
    ///
    /// # Errors
    /// The store's trouble.
    pub async fn names(&self) -> Result<Vec<String>> {
        hit(self.scope, Window::SidecarList).await?;
        let listed = self.stack.objects().list(RECOVERY_PREFIX).await;
        let listed = listed.map_err(|e| {
            Error::from(e)
                .context("list recovery sidecars")
                .with_advice("retry when the store answers: what a crash may have left must be known first")
        })?;
        let mut names: Vec<String> =
            listed.iter().map(|object| object.file_name()).filter(|name| is_claimed(name)).map(str::to_owned).collect();
        // ULIDs sort by time.
        names.sort_unstable();
        Ok(names)
    }

    /// Reads one file. `None` when it is gone.
    ///
    /// # Errors
    /// The store's trouble. A file that is not a sidecar is no error here.
    pub async fn read(&self, name: &str) -> Result<Option<Listed>> {
        hit(self.scope, Window::SidecarRead).await?;
        match self.stack.objects().get_at_most(&path_of(name), SIDECAR_MAX_BYTES).await {
            Ok(Bounded::Content(content)) => Ok(Some(Sidecar::decode(name, &content))),
            Ok(Bounded::TooLarge { bytes }) => {
                let reason = format!("it has {bytes} bytes and the limit is {SIDECAR_MAX_BYTES}");
                Ok(Some(Err(SidecarError { file: name.to_owned(), reason })))
            }
            Err(e) if e.kind() == StorageErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::from(e).context(format_args!("read recovery sidecar `{name}`"))),
        }
    }

    /// Every file of the journal, oldest first.
    ///
    /// # Errors
    /// As [`Journal::names`] and [`Journal::read`].
    pub async fn all(&self) -> Result<Vec<(String, Listed)>> {
        let mut all = Vec::new();
        for name in self.names().await? {
            if let Some(listed) = self.read(&name).await? {
                all.push((name, listed));
            }
        }
        Ok(all)
    }

    /// Every sidecar, oldest first; refuses loudly when a file is not one.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] naming the first file that is not a sidecar, else as [`Journal::all`].
    pub async fn sidecars(&self) -> Result<Vec<Sidecar>> {
        self.all().await?.into_iter().map(|(_, listed)| listed.map_err(unreadable)).collect()
    }

    /// Deletes a sidecar; one that is gone already is no error.
    ///
    /// # Errors
    /// The store's trouble.
    pub async fn delete(&self, operation: OperationId) -> Result<()> {
        hit(self.scope, Window::SidecarDelete).await?;
        let name = format!("{operation}.json");
        let deleted = self.stack.objects().delete(&path_of(&name)).await;
        deleted.map_err(|e| Error::from(e).context(format_args!("delete recovery sidecar `{name}`")))?;
        hit(self.scope, Window::SidecarDeleted).await
    }

    /// Moves a file that is not a sidecar out of the way, and gives its new path below the graph root.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such file, [`ErrorKind::Refused`] when it is a sound sidecar,
    /// [`ErrorKind::InDoubt`] when it cannot be told whether it was moved, else the store's trouble.
    pub async fn quarantine(&self, name: &str) -> Result<String> {
        if name.contains('/') || !is_claimed(name) {
            return Err(Error::invalid(format!("`{name}` is not the name of a file below {RECOVERY_PREFIX}"))
                .with_advice("name the file as the error named it"));
        }
        match self.read(name).await? {
            None => {
                return Err(Error::new(ErrorKind::NotFound, format!("there is no recovery sidecar `{name}`")));
            }
            Some(Ok(_)) => {
                return Err(Error::new(ErrorKind::Refused, format!("recovery sidecar `{name}` is sound"))
                    .with_advice("open the graph read-write, which finishes or undoes its write"));
            }
            Some(Err(_)) => {}
        }
        let to = self.free_in_quarantine(name).await?;
        let Err(error) = self.stack.objects().rename(&path_of(name), &to).await else { return Ok(to) };
        let ambiguous = error.is_ambiguous();
        let failed = Error::from(error).context(format_args!("quarantine recovery sidecar `{name}`"));
        if !ambiguous {
            return Err(failed);
        }
        // The answer may be what got lost. Nobody else moves this file, so where it lies now tells.
        match self.has_moved(name, &to).await {
            Ok(true) => Ok(to),
            Ok(false) => Err(failed),
            Err(_) => Err(Error::new(ErrorKind::InDoubt, failed.message().to_owned())
                .with_advice(format!("see with `omnigraph inspect` whether it lies in {QUARANTINE_PREFIX} now"))
                .with_source(failed)),
        }
    }

    /// Where a file may be moved to without taking the place of an earlier one, which is all that is left of what it stood for.
    async fn free_in_quarantine(&self, name: &str) -> Result<String> {
        let stem = name.strip_suffix(".json").unwrap_or(name);
        for number in 1..=QUARANTINED_ALIKE_MAX_COUNT {
            let to = match number {
                1 => format!("{QUARANTINE_PREFIX}/{name}"),
                _ => format!("{QUARANTINE_PREFIX}/{stem}.{number}.json"),
            };
            let taken = self.stack.objects().exists(&to).await;
            if !taken.map_err(|e| Error::from(e).context(format_args!("quarantine recovery sidecar `{name}`")))? {
                return Ok(to);
            }
        }
        let message = format!("{QUARANTINED_ALIKE_MAX_COUNT} files named `{name}` lie in {QUARANTINE_PREFIX} already");
        Err(Error::new(ErrorKind::Refused, message).with_advice("look at them, and move them out of the store"))
    }

    async fn has_moved(&self, name: &str, to: &str) -> Result<bool> {
        let objects = self.stack.objects();
        Ok(!objects.exists(&path_of(name)).await? && objects.exists(to).await?)
    }
}

/// The error of a consumer that needs every sidecar and found a file that is not one.
pub fn unreadable(error: SidecarError) -> Error {
    let advice = format!(
        "it stays where it is; look at it, then run `omnigraph repair --quarantine {}`, which gives up finishing or \
         undoing the write that it stood for",
        error.file
    );
    Error::corrupt(error.to_string()).with_advice(advice).with_source(error)
}

fn encoded(sidecar: &Sidecar) -> Result<String> {
    sidecar.encode().map_err(|e| Error::internal(format!("sidecar: {e}")))
}

fn cannot_put(sidecar: &Sidecar, error: StorageError) -> Error {
    Error::from(error).context(format_args!("put recovery sidecar `{}`", sidecar.file_name()))
}

/// Whether a file claims to be a sidecar. A hidden one is somebody else's: an editor's, or a file system's (`._x.json`).
fn is_claimed(name: &str) -> bool {
    name.ends_with(".json") && !name.starts_with('.')
}

fn path_of(name: &str) -> String {
    format!("{RECOVERY_PREFIX}/{name}")
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::sync::Arc;

    use async_trait::async_trait;
    use futures::StreamExt;
    use futures::stream::BoxStream;
    use object_store::memory::InMemory;
    use object_store::path::Path;
    use object_store::{
        CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
        PutMultipartOptions, PutOptions, PutPayload, PutResult,
    };

    use super::*;

    /// A store whose objects all claim to be larger than any memory, and whose content nobody may ask for.
    #[derive(Debug)]
    struct Huge(InMemory);

    /// What every object of [`Huge`] claims to have.
    const HUGE_BYTES: u64 = 1 << 50;

    impl fmt::Display for Huge {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("huge")
        }
    }

    #[async_trait]
    impl ObjectStore for Huge {
        async fn get_opts(&self, location: &Path, options: GetOptions) -> object_store::Result<GetResult> {
            let mut found = self.0.get_opts(location, options).await?;
            found.meta.size = HUGE_BYTES;
            found.range = 0..HUGE_BYTES;
            let content = futures::stream::poll_fn(|_| panic!("the content of a file of that size was asked for"));
            found.payload = GetResultPayload::Stream(content.boxed());
            Ok(found)
        }

        async fn put_opts(&self, to: &Path, payload: PutPayload, how: PutOptions) -> object_store::Result<PutResult> {
            self.0.put_opts(to, payload, how).await
        }

        async fn put_multipart_opts(
            &self,
            to: &Path,
            how: PutMultipartOptions,
        ) -> object_store::Result<Box<dyn MultipartUpload>> {
            self.0.put_multipart_opts(to, how).await
        }

        fn delete_stream(
            &self,
            locations: BoxStream<'static, object_store::Result<Path>>,
        ) -> BoxStream<'static, object_store::Result<Path>> {
            self.0.delete_stream(locations)
        }

        fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
            self.0.list(prefix)
        }

        async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
            self.0.list_with_delimiter(prefix).await
        }

        async fn copy_opts(&self, from: &Path, to: &Path, how: CopyOptions) -> object_store::Result<()> {
            self.0.copy_opts(from, to, how).await
        }
    }

    fn stack() -> Stack {
        Stack::over(Arc::new(InMemory::new()), "test".into(), &[])
    }

    async fn put(stack: &Stack, name: &str, content: Vec<u8>) {
        stack.objects().put(&path_of(name), content).await.unwrap();
    }

    #[tokio::test]
    async fn hidden_files_are_nobodys_sidecars() {
        let stack = stack();
        for name in ["b.json", "._b.json", ".json", "a.json", "notes.txt"] {
            put(&stack, name, Vec::new()).await;
        }
        let journal = Journal::new(&stack, Scope::Repair);
        assert_eq!(journal.names().await.unwrap(), ["a.json", "b.json"]);
        assert_eq!(journal.quarantine("._b.json").await.unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[tokio::test]
    async fn a_file_in_quarantine_keeps_its_place_when_another_of_its_name_follows() {
        let stack = stack();
        let journal = Journal::new(&stack, Scope::Repair);
        let mut places = Vec::new();
        for content in ["{first", "{second", "{third"] {
            put(&stack, "torn.json", content.into()).await;
            places.push((journal.quarantine("torn.json").await.unwrap(), content));
        }
        assert_eq!(places[2].0, format!("{QUARANTINE_PREFIX}/torn.3.json"));
        for (place, content) in places {
            assert_eq!(stack.objects().get(&place).await.unwrap(), content, "{place}");
        }
    }

    #[tokio::test]
    async fn a_file_as_large_as_the_limit_is_looked_into_and_a_larger_one_is_not() {
        let stack = stack();
        let journal = Journal::new(&stack, Scope::Heal);
        let reason = async |bytes: u64| {
            put(&stack, "large.json", vec![b'x'; bytes as usize]).await;
            journal.read("large.json").await.unwrap().unwrap().unwrap_err().reason
        };
        assert!(reason(SIDECAR_MAX_BYTES).await.starts_with("it is not JSON"));
        assert!(reason(SIDECAR_MAX_BYTES + 1).await.contains("the limit is"));
    }

    #[tokio::test]
    async fn a_file_of_any_size_is_told_from_a_sidecar_and_moved_away_without_its_content() {
        let stack = Stack::over(Arc::new(Huge(InMemory::new())), "test".into(), &[]);
        put(&stack, "huge.json", b"{".to_vec()).await;
        let journal = Journal::new(&stack, Scope::Repair);
        let all = journal.all().await.unwrap();
        let [(name, Err(error))] = &all[..] else { panic!("{all:?}") };
        assert_eq!(name, "huge.json");
        assert!(error.reason.contains(&HUGE_BYTES.to_string()), "{error}");
        assert_eq!(journal.sidecars().await.unwrap_err().kind(), ErrorKind::Corrupt);
        journal.quarantine("huge.json").await.unwrap();
        assert!(journal.names().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn only_a_file_of_the_journal_can_be_quarantined() {
        let stack = stack();
        let journal = Journal::new(&stack, Scope::Repair);
        put(&stack, "notes.txt", Vec::new()).await;
        put(&stack, "quarantine/old.json", Vec::new()).await;
        for name in ["notes.txt", "quarantine/old.json", "quarantine/old.txt"] {
            assert_eq!(journal.quarantine(name).await.unwrap_err().kind(), ErrorKind::Invalid, "{name}");
        }
        assert_eq!(journal.quarantine("none.json").await.unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn a_file_that_went_after_it_was_listed_is_gone_and_no_trouble() {
        assert!(Journal::new(&stack(), Scope::Heal).read("gone.json").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_file_has_moved_when_it_lies_there_and_no_longer_here() {
        for (here, there) in [(false, false), (false, true), (true, false), (true, true)] {
            let stack = stack();
            for name in [("a.json", here), ("b.json", there)].iter().filter(|(_, lies)| *lies).map(|(name, _)| name) {
                put(&stack, name, Vec::new()).await;
            }
            let moved = Journal::new(&stack, Scope::Repair).has_moved("a.json", &path_of("b.json")).await.unwrap();
            assert_eq!(moved, there && !here, "here: {here}, there: {there}");
        }
    }

    #[tokio::test]
    async fn a_quarantined_file_lies_where_the_operator_is_told_that_it_does() {
        let stack = stack();
        put(&stack, "torn.json", b"{".to_vec()).await;
        let to = Journal::new(&stack, Scope::Repair).quarantine("torn.json").await.unwrap();
        assert_eq!(&stack.objects().get(&to).await.unwrap()[..], b"{");
        assert!(!stack.objects().exists(&path_of("torn.json")).await.unwrap());
    }
}
