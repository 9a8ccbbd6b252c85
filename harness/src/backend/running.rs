//! What `start` leaves for the other methods of a backend.

use std::sync::{Arc, Mutex, PoisonError};

use super::error::BackendError;

/// The state of a started backend: absent, there, or gone.
#[derive(Debug)]
pub(super) struct Running<T> {
    backend: &'static str,
    phase: Mutex<Phase<T>>,
}

#[derive(Debug)]
enum Phase<T> {
    New,
    Started(Arc<T>),
    Stopped,
}

impl<T> Running<T> {
    /// Nothing started yet; `backend` is named in errors.
    pub(super) fn new(backend: &'static str) -> Self {
        Self { backend, phase: Mutex::new(Phase::New) }
    }

    /// Fails unless nothing was ever started, so that `start` can refuse before it does anything.
    pub(super) fn expect_new(&self) -> Result<(), BackendError> {
        match *self.lock() {
            Phase::New => Ok(()),
            Phase::Started(_) | Phase::Stopped => Err(BackendError::new(self.backend, "started a second time")),
        }
    }

    /// Keeps what was started.
    pub(super) fn set(&self, state: T) -> Result<(), BackendError> {
        self.expect_new()?;
        *self.lock() = Phase::Started(Arc::new(state));
        Ok(())
    }

    /// What was started.
    pub(super) fn get(&self) -> Result<Arc<T>, BackendError> {
        match &*self.lock() {
            Phase::Started(state) => Ok(state.clone()),
            Phase::New => Err(BackendError::new(self.backend, "used before it was started")),
            Phase::Stopped => Err(BackendError::new(self.backend, "used after it was stopped")),
        }
    }

    /// Takes it for stopping; `None` when there is nothing to stop.
    pub(super) fn take(&self) -> Option<Arc<T>> {
        match std::mem::replace(&mut *self.lock(), Phase::Stopped) {
            Phase::Started(state) => Some(state),
            Phase::New | Phase::Stopped => None,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Phase<T>> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
