//! An upload in parts, each step of which is a call of its own.

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt;
use object_store::path::Path;
use object_store::{MultipartUpload, PutMode, PutPayload, PutResult, Result, UploadPart};

use super::Verdict;
use super::answer::bend_payload;
use super::late::{Change, LATE_BYTES_MAX, label};
use super::store::{FaultStore, acknowledge, enter, lost};
use crate::storage::classify::Operation;

#[derive(Debug)]
pub(super) struct FaultUpload {
    store: FaultStore,
    /// What the caller believes to be writing.
    location: Path,
    /// What is being written.
    target: Path,
    /// `None` when the start was lost, and everything after it is.
    inner: Option<Box<dyn MultipartUpload>>,
    /// What was sent so far, in case its completion is late; no longer than one more than a late call may carry.
    sent: Vec<u8>,
}

impl FaultUpload {
    pub(super) fn new(store: FaultStore, location: Path, target: Path, inner: Box<dyn MultipartUpload>) -> Self {
        FaultUpload { store, location, target, inner: Some(inner), sent: Vec::new() }
    }

    pub(super) fn lost(store: FaultStore, location: Path) -> Self {
        FaultUpload { store, target: location.clone(), location, inner: None, sent: Vec::new() }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MultipartUpload for FaultUpload {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        let verdict = self.store.ask(Operation::MultipartPart, &self.location, part.content_length() as u64);
        let location = self.location.clone();
        // Parts are numbered by the order of these calls, so one that is sent must be handed on now.
        let sent = match (&verdict, self.inner.as_mut()) {
            (Verdict::Fail(_) | Verdict::Dead | Verdict::Hang | Verdict::LostWrite, _) | (_, None) => None,
            (_, Some(inner)) => {
                let part = bend_payload(part, &verdict);
                let room = (LATE_BYTES_MAX + 1).saturating_sub(self.sent.len());
                let carried = Bytes::from(part.clone());
                self.sent.extend_from_slice(&carried[..carried.len().min(room)]);
                Some(inner.put_part(part))
            }
        };
        async move {
            let verdict = enter(verdict, &location).await?;
            let outcome = match sent {
                Some(sent) => sent.await,
                None => Ok(()),
            };
            acknowledge(&verdict, &location, outcome)
        }
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let verdict = enter(self.store.ask(Operation::MultipartComplete, &self.location, 0), &self.location).await?;
        let inner = match self.inner.as_mut() {
            Some(inner) if verdict != Verdict::LostWrite => inner,
            _ => return Ok(lost()),
        };
        if let Some(label) = label(&verdict) {
            // Its parts are with whoever keeps the call now.
            let _ = inner.abort().await;
            let change = Change::put(std::mem::take(&mut self.sent).into(), &PutMode::Overwrite);
            return Err(self.store.keep_back(label, Operation::MultipartComplete, &self.target, change));
        }
        let outcome = inner.complete().await;
        if outcome.is_ok() {
            self.store.history.wrote(&self.target, None, false);
        }
        acknowledge(&verdict, &self.location, outcome)
    }

    async fn abort(&mut self) -> Result<()> {
        let verdict = enter(self.store.ask(Operation::MultipartAbort, &self.location, 0), &self.location).await?;
        let outcome = match self.inner.as_mut() {
            Some(inner) if verdict != Verdict::LostWrite => inner.abort().await,
            _ => Ok(()),
        };
        acknowledge(&verdict, &self.location, outcome)
    }
}
