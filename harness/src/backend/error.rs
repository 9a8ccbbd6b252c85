//! The one error of this part: trouble with a backend, with its way out.

use std::fmt;

/// Trouble with a backend. Never a broken invariant, and never carries a secret.
#[derive(Debug)]
pub struct BackendError {
    backend: String,
    message: String,
    advice: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl BackendError {
    /// `backend` is the name of the backend, `message` what could not be done and why.
    pub fn new(backend: impl Into<String>, message: impl Into<String>) -> Self {
        Self { backend: backend.into(), message: message.into(), advice: None, source: None }
    }

    /// Adds what a person can do about it.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Keeps the cause. Its text should not be part of the message already.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Which backend it was.
    pub fn backend(&self) -> &str {
        &self.backend
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.backend, self.message)?;
        if let Some(source) = &self.source {
            write!(f, ": {source}")?;
        }
        match &self.advice {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for BackendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}
