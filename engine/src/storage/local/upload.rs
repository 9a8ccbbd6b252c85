//! An upload in parts: one staging file, published when it is complete.

use std::io::{self, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::FutureExt;
use object_store::path::Path;
use object_store::{Error, MultipartUpload, PutPayload, PutResult, Result, UploadPart};

use super::staged::{Publish, Staged};
use super::{LocalStore, STORE, blocking, write_failed};

#[derive(Debug)]
pub(super) struct LocalUpload {
    store: LocalStore,
    location: Path,
    /// Empty once the upload is complete or given up.
    staged: Arc<Mutex<Option<Staged>>>,
    offset: u64,
}

impl LocalUpload {
    pub(super) fn new(store: LocalStore, location: Path, staged: Staged) -> Self {
        LocalUpload { store, location, staged: Arc::new(Mutex::new(Some(staged))), offset: 0 }
    }

    fn take(&self) -> Result<Staged> {
        let mut staged = self.staged.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        staged.take().ok_or_else(|| over(&self.location))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MultipartUpload for LocalUpload {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        let offset = self.offset;
        self.offset += part.content_length() as u64;
        let (staged, location) = (Arc::clone(&self.staged), self.location.clone());
        async move {
            let written = blocking(move || {
                let mut staged = staged.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                let Some(staged) = staged.as_mut() else { return Ok(false) };
                let file = staged.file_mut();
                file.seek(SeekFrom::Start(offset))?;
                part.iter().try_for_each(|bytes| file.write_all(bytes))?;
                io::Result::Ok(true)
            });
            match written.await {
                Ok(true) => Ok(()),
                Ok(false) => Err(over(&location)),
                Err(cause) => Err(write_failed(&location, cause)),
            }
        }
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let staged = self.take()?;
        let settled = blocking(move || staged.settle().map(|()| staged)).await;
        let staged = settled.map_err(|cause| write_failed(&self.location, cause))?;
        if staged.file().metadata().map_err(|cause| write_failed(&self.location, cause))?.len() != self.offset {
            return Err(Error::Generic {
                store: STORE,
                source: format!("a part of `{}` is missing", self.location).into(),
            });
        }
        self.store.publish(&self.location, staged, Publish::Overwrite).await
    }

    async fn abort(&mut self) -> Result<()> {
        let staged = self.take()?;
        blocking(move || {
            drop(staged);
            Ok(())
        })
        .await
        .map_err(|cause| write_failed(&self.location, cause))
    }
}

fn over(location: &Path) -> Error {
    Error::Generic {
        store: STORE,
        source: format!("the upload of `{location}` is complete or given up already").into(),
    }
}
