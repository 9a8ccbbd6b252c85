//! Reading a bundle back. It may come from anywhere, so nothing in it is trusted: sizes are bounded, links are not
//! followed, names are fixed, and what does not fit is an error that says what is wrong.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::manifest::{FILE_BYTES_MAX, FORMAT_VERSION, Manifest, SMALL_FILE_BYTES_MAX, file};
use crate::event::{Record, Verdict};
use crate::oracle::Evidence;

/// Why a folder cannot be used as a bundle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// It is something else.
    #[error("{} is not a bundle: {why}; give the folder that a failure names", path.display())]
    NotABundle {
        /// What was given.
        path: PathBuf,
        /// What is missing or wrong.
        why: String,
    },
    /// Another version of this program wrote it.
    #[error(
        "the bundle has format version {found}; this program reads version {FORMAT_VERSION}; replay it with the program that wrote it"
    )]
    UnknownFormat {
        /// Its format version.
        found: u64,
    },
    /// A file that must be there is not.
    #[error("{name} is missing in the bundle; copy the whole folder")]
    MissingFile {
        /// The file's name.
        name: String,
    },
    /// A file is not what its name says, or not what the manifest says.
    #[error("{name} cannot be read: {why}; the bundle was changed or copied in part")]
    Malformed {
        /// The file's name.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// The disk's trouble.
    #[error("{name} cannot be read: {source}")]
    Io {
        /// The file's name.
        name: String,
        /// The trouble.
        source: io::Error,
    },
}

/// A bundle whose manifest, scenario and verdict have been read.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The folder.
    pub path: PathBuf,
    /// What it is.
    pub manifest: Manifest,
    /// The scenario as it was resolved, in YAML; not validated.
    pub scenario: String,
    /// The verdict.
    pub verdict: Verdict,
}

impl Bundle {
    /// Reads a bundle.
    ///
    /// # Errors
    ///
    /// See [`BundleError`].
    pub fn load(path: &Path) -> Result<Bundle, BundleError> {
        let not_a_bundle = |why: &str| BundleError::NotABundle { path: path.to_owned(), why: why.to_owned() };
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(not_a_bundle("it is no folder")),
            Err(error) => return Err(not_a_bundle(&error.to_string())),
        }
        let text = match read(path, file::MANIFEST, SMALL_FILE_BYTES_MAX) {
            Err(BundleError::MissingFile { .. }) => return Err(not_a_bundle("there is no manifest.json in it")),
            other => other?,
        };
        let manifest = manifest(&text)?;
        let bundle = Bundle {
            path: path.to_owned(),
            scenario: read(path, file::SCENARIO, SMALL_FILE_BYTES_MAX)?,
            verdict: json(file::VERDICT, &read(path, file::VERDICT, FILE_BYTES_MAX)?)?,
            manifest,
        };
        bundle.check_files()?;
        Ok(bundle)
    }

    /// What the oracle judged by; `None` when it did not come to that, or when it was too large to keep.
    ///
    /// # Errors
    ///
    /// See [`BundleError`].
    pub fn evidence(&self) -> Result<Option<Evidence>, BundleError> {
        match self.manifest.files.get(file::EVIDENCE) {
            Some(entry) if !entry.truncated => {
                json(file::EVIDENCE, &read(&self.path, file::EVIDENCE, FILE_BYTES_MAX)?).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The cell's events, without store calls.
    ///
    /// # Errors
    ///
    /// See [`BundleError`].
    pub fn events(&self) -> Result<Vec<Record>, BundleError> {
        let text = read(&self.path, file::EVENTS, FILE_BYTES_MAX)?;
        text.lines().map(|line| json(file::EVENTS, line)).collect()
    }

    /// Every file that the manifest names is there, with its size, and has a name that this program gives.
    fn check_files(&self) -> Result<(), BundleError> {
        const NAMES: &[&str] = &[
            file::SCENARIO,
            file::VERDICT,
            file::EVIDENCE,
            file::EVENTS,
            file::STORE_CALLS,
            file::ENGINE_LOG,
            file::BACKEND_LOG,
        ];
        for (name, entry) in &self.manifest.files {
            let malformed = |why: String| BundleError::Malformed { name: name.clone(), why };
            if !NAMES.contains(&name.as_str()) {
                return Err(malformed("no bundle has a file of this name".to_owned()));
            }
            if entry.truncated && entry.bytes == 0 {
                continue;
            }
            let bytes = regular(&self.path, name)?;
            if bytes != entry.bytes {
                return Err(malformed(format!("it has {bytes} bytes, and the manifest says {}", entry.bytes)));
            }
        }
        for name in [file::SCENARIO, file::VERDICT, file::EVENTS] {
            if !self.manifest.files.contains_key(name) {
                return Err(BundleError::Malformed {
                    name: file::MANIFEST.to_owned(),
                    why: format!("it does not name {name}"),
                });
            }
        }
        Ok(())
    }
}

/// The version first: a manifest of another format may have other fields.
fn manifest(text: &str) -> Result<Manifest, BundleError> {
    let value: Value = json(file::MANIFEST, text)?;
    let malformed = |why: &str| BundleError::Malformed { name: file::MANIFEST.to_owned(), why: why.to_owned() };
    let found = value.get("format_version").ok_or_else(|| malformed("it has no format_version"))?;
    match found.as_u64() {
        Some(found) if found == u64::from(FORMAT_VERSION) => {}
        Some(found) => return Err(BundleError::UnknownFormat { found }),
        None => return Err(malformed("its format_version is no number")),
    }
    serde_json::from_value(value).map_err(|error| malformed(&error.to_string()))
}

fn json<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, BundleError> {
    crate::json::read(text.as_bytes())
        .map_err(|error| BundleError::Malformed { name: name.to_owned(), why: error.to_string() })
}

/// The size of a file that is a file and no link.
fn regular(folder: &Path, name: &str) -> Result<u64, BundleError> {
    match fs::symlink_metadata(folder.join(name)) {
        Ok(metadata) if metadata.is_file() => Ok(metadata.len()),
        Ok(_) => Err(BundleError::Malformed { name: name.to_owned(), why: "it is a link or a folder".to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(BundleError::MissingFile { name: name.to_owned() })
        }
        Err(source) => Err(BundleError::Io { name: name.to_owned(), source }),
    }
}

fn read(folder: &Path, name: &str, bytes_max: usize) -> Result<String, BundleError> {
    let bytes = regular(folder, name)?;
    if bytes > bytes_max as u64 {
        let why = format!("it has {bytes} bytes, and at most {bytes_max} are read");
        return Err(BundleError::Malformed { name: name.to_owned(), why });
    }
    match fs::read_to_string(folder.join(name)) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(BundleError::Malformed { name: name.to_owned(), why: "it is not UTF-8".to_owned() })
        }
        Err(source) => Err(BundleError::Io { name: name.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests;
