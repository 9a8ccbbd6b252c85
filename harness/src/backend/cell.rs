//! The place of one scenario, and how it is tidied up.

use std::fmt;

use async_trait::async_trait;
use omnigraph::storage::StorageOptions;

use super::access::CellAddress;
use super::error::BackendError;

/// What removes a cell's bytes. One small implementation a backend.
#[async_trait]
pub trait Cleanup: fmt::Debug + Send + Sync {
    /// Removes them. Called once at most.
    async fn cleanup(self: Box<Self>) -> Result<(), BackendError>;

    /// Has them outlive the backend, where that can be: its stop removes the bytes of every cell that nobody has kept.
    fn keep(&self) {}
}

/// An empty place for one scenario. Dropping it removes nothing; the stop of its backend does.
#[derive(Debug)]
pub struct CellStore {
    /// A storage address that the engine takes.
    pub uri: String,
    /// What goes with it.
    pub storage: StorageOptions,
    cleanup: Option<Box<dyn Cleanup>>,
}

impl CellStore {
    /// `cleanup` is `None` where nothing outlives the worker.
    pub fn new(uri: String, storage: StorageOptions, cleanup: Option<Box<dyn Cleanup>>) -> Self {
        Self { uri, storage, cleanup }
    }

    /// The part that a worker is given.
    pub fn address(&self) -> CellAddress {
        CellAddress { uri: self.uri.clone(), storage: self.storage.clone() }
    }

    /// Has the cell's bytes outlive its backend, where that can be: those of a cell that failed are wanted.
    pub fn keep(self) {
        if let Some(cleanup) = &self.cleanup {
            cleanup.keep();
        }
    }

    /// Removes the cell's bytes.
    pub async fn cleanup(self) -> Result<(), BackendError> {
        match self.cleanup {
            Some(cleanup) => cleanup.cleanup().await,
            None => Ok(()),
        }
    }
}

/// A name for the cell `id` that is a folder, a bucket and a URL host at once: 3 to 63 lower-case letters, digits and
/// single dashes. `sequence` keeps two cells of one id apart, and ids that read alike.
pub fn cell_name(id: &str, sequence: u64) -> String {
    const SLUG_LENGTH_MAX: usize = 36;
    let mut slug = String::new();
    for character in id.chars().flat_map(char::to_lowercase) {
        if slug.len() == SLUG_LENGTH_MAX {
            break;
        }
        if character.is_ascii_alphanumeric() {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { format!("cell-{sequence}") } else { format!("cell-{sequence}-{slug}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cell_names_are_valid_bucket_names() {
        let long = "x".repeat(300);
        for id in ["", "a", "../../etc", "Sidecar/Delete Fails.yaml", "---", "ünïcode", "a  b", long.as_str()] {
            let name = cell_name(id, u64::MAX);
            assert!((3..=63).contains(&name.len()), "{name}");
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{name}");
            assert!(!name.starts_with('-') && !name.ends_with('-') && !name.contains("--"), "{name}");
        }
        assert_eq!(cell_name("sidecar/put fails", 7), "cell-7-sidecar-put-fails");
    }

    #[test]
    fn ids_that_read_alike_get_names_of_their_own() {
        assert_ne!(cell_name("a/b", 1), cell_name("a b", 2));
    }
}
