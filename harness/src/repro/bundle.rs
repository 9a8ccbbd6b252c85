//! Writing a bundle, whole or not at all.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::manifest::{
    FILE_BYTES_MAX, FORMAT_VERSION, FileEntry, Manifest, STORE_BYTES_MAX, STORE_OBJECTS_MAX, StoreEntry, file,
};
use super::paths::{cell_folder, object_path};
use crate::event::{Event, Record, Verdict};
use crate::oracle::Evidence;

/// What goes into a bundle.
pub struct Contents<'a> {
    /// What it is; `files` and `store` are filled in here.
    pub manifest: Manifest,
    /// The scenario as it was resolved, in YAML.
    pub scenario: &'a str,
    /// The cell's events, store calls included.
    pub events: &'a [Record],
    /// The verdict.
    pub verdict: &'a Verdict,
    /// What the oracle judged by, if it came to that.
    pub evidence: Option<&'a Evidence>,
    /// What the engine logged.
    pub engine_log: &'a str,
    /// What the backend logged, where it logs.
    pub backend_log: Option<&'a str>,
    /// The graph's objects, or why they could not be read.
    pub store: Result<&'a [StoredObject], String>,
}

/// One object of the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// Its path below the graph root.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Writes a bundle to `root/<run>/<cell>` and returns that folder. `redact` takes secrets out of a text; the store's own
/// bytes are kept as they are.
///
/// The folder appears complete or not at all. One that is there already, from a cell that ran twice, is kept, and the new
/// one gets a number behind its name.
///
/// # Errors
///
/// The disk's trouble. Nothing is left then but, at worst, a folder whose name begins with `.partial`.
pub fn write(root: &Path, contents: &Contents, redact: &dyn Fn(&str) -> String) -> io::Result<PathBuf> {
    let run = root.join(cell_folder(&contents.manifest.run));
    fs::create_dir_all(&run)?;
    let partial = tempfile::Builder::new().prefix(".partial-").tempdir_in(&run)?;
    fill(partial.path(), contents, redact)?;
    let place = free_place(&run, &cell_folder(&contents.manifest.cell.to_string()))?;
    fs::rename(partial.path(), &place)?;
    // Renamed away: there is nothing left to remove.
    let _ = partial.keep();
    Ok(place)
}

fn free_place(run: &Path, name: &str) -> io::Result<PathBuf> {
    const PLACES_MAX: usize = 1000;
    let names = std::iter::once(name.to_owned()).chain((2..PLACES_MAX).map(|number| format!("{name}.{number}")));
    let mut places = names.map(|name| run.join(name));
    places
        .find(|place| place.symlink_metadata().is_err())
        .ok_or_else(|| io::Error::other(format!("there are {PLACES_MAX} bundles of {name} already; remove some")))
}

fn fill(folder: &Path, contents: &Contents, redact: &dyn Fn(&str) -> String) -> io::Result<()> {
    let mut files = Files { folder, redact, entries: BTreeMap::new() };
    let is_call = |record: &&Record| matches!(record.event, Event::StoreCall { .. });
    // Not redacted: it comes from a file and not from the run, and has to run again as it is.
    files.exactly(file::SCENARIO, contents.scenario)?;
    files.json(file::VERDICT, contents.verdict)?;
    files.lines(file::EVENTS, contents.events.iter().filter(|record| !is_call(record)))?;
    files.lines(file::STORE_CALLS, contents.events.iter().filter(is_call))?;
    files.log(file::ENGINE_LOG, contents.engine_log)?;
    if let Some(log) = contents.backend_log {
        files.log(file::BACKEND_LOG, log)?;
    }
    if let Some(evidence) = contents.evidence {
        files.json(file::EVIDENCE, evidence)?;
    }
    let entries = std::mem::take(&mut files.entries);
    let store = store(&folder.join(file::STORE), &contents.store)?;
    let manifest = Manifest { format_version: FORMAT_VERSION, files: entries, store, ..contents.manifest.clone() };
    files.json(file::MANIFEST, &manifest)
}

/// Writes the text files and remembers them.
struct Files<'a> {
    folder: &'a Path,
    redact: &'a dyn Fn(&str) -> String,
    entries: BTreeMap<String, FileEntry>,
}

impl Files<'_> {
    fn put(&mut self, name: &str, text: &str, truncated: bool) -> io::Result<()> {
        let mut file = File::create_new(self.folder.join(name))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        self.entries.insert(name.to_owned(), FileEntry { bytes: text.len() as u64, truncated });
        Ok(())
    }

    fn exactly(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.put(name, text, false)
    }

    fn log(&mut self, name: &str, text: &str) -> io::Result<()> {
        let redacted = (self.redact)(text);
        let kept = tail(&redacted);
        self.put(name, kept, kept.len() < redacted.len())
    }

    fn json(&mut self, name: &str, value: &impl Serialize) -> io::Result<()> {
        // Redacted string by string: redacting the text could eat the quotes around a secret.
        let mut value = serde_json::to_value(value)?;
        redact_value(&mut value, self.redact);
        let text = serde_json::to_string_pretty(&value)?;
        if text.len() > FILE_BYTES_MAX {
            // Half a JSON value is none. The manifest says that it is missing.
            self.entries.insert(name.to_owned(), FileEntry { bytes: 0, truncated: true });
            return Ok(());
        }
        self.put(name, &text, false)
    }

    fn lines<'r>(&mut self, name: &str, records: impl Iterator<Item = &'r Record>) -> io::Result<()> {
        let (mut text, mut truncated) = (String::new(), false);
        for record in records {
            let mut value = serde_json::to_value(record)?;
            redact_value(&mut value, self.redact);
            let line = value.to_string();
            if text.len() + line.len() + 1 > FILE_BYTES_MAX {
                truncated = true;
                break;
            }
            text.push_str(&line);
            text.push('\n');
        }
        self.put(name, &text, truncated)
    }
}

fn redact_value(value: &mut serde_json::Value, redact: &dyn Fn(&str) -> String) {
    match value {
        serde_json::Value::String(text) => *text = redact(text),
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| redact_value(item, redact)),
        serde_json::Value::Object(members) => members.values_mut().for_each(|member| redact_value(member, redact)),
        _ => {}
    }
}

/// The end of a log is where the trouble is.
fn tail(text: &str) -> &str {
    let mut start = text.len().saturating_sub(FILE_BYTES_MAX);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

/// Keeps the objects, where they are few and small.
fn store(folder: &Path, objects: &Result<&[StoredObject], String>) -> io::Result<StoreEntry> {
    let objects = match objects {
        Ok(objects) => *objects,
        Err(reason) => return Ok(left_out(format!("the store could not be read: {reason}"))),
    };
    let bytes: u64 = objects.iter().map(|object| object.bytes.len() as u64).sum();
    if bytes > STORE_BYTES_MAX || objects.len() > STORE_OBJECTS_MAX {
        return Ok(left_out(format!(
            "{} objects with {bytes} bytes; at most {STORE_OBJECTS_MAX} with {STORE_BYTES_MAX} bytes are kept",
            objects.len()
        )));
    }
    let mut entry = StoreEntry::default();
    for object in objects {
        let Some(path) = object_path(&object.path) else {
            entry.left_out.push(format!("{:?} is no path that stays in the bundle", object.path));
            continue;
        };
        match put_object(&folder.join(path), &object.bytes) {
            Ok(()) => {
                entry.objects += 1;
                entry.bytes += object.bytes.len() as u64;
            }
            // An object store has an object beside a prefix of the same name; a file system has not.
            Err(error) => entry.left_out.push(format!("{:?}: {error}", object.path)),
        }
    }
    Ok(entry)
}

fn left_out(reason: String) -> StoreEntry {
    StoreEntry { left_out: vec![reason], ..StoreEntry::default() }
}

fn put_object(path: &Path, bytes: &[u8]) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    File::create_new(path)?.write_all(bytes)
}
