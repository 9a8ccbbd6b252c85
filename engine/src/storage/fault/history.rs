//! What the store held before the last writes, as far as the layer saw it: for stale answers.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;
use object_store::path::Path;

/// Content of more bytes is not remembered.
const CONTENT_MAX_BYTES: usize = 1 << 20;
/// Content that is remembered in all.
const MEMORY_MAX_BYTES: usize = 32 << 20;
/// Writes that are remembered.
const WRITES_MAX_COUNT: usize = 4_096;

/// What an object was before a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// It was not there.
    Absent,
    /// It was this.
    Content(Bytes),
    /// The layer did not see what it was.
    Unknown,
}

#[derive(Debug, Default)]
pub(super) struct History(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    content: HashMap<String, Bytes>,
    bytes: usize,
    order: VecDeque<String>,
    writes: VecDeque<(Path, Before)>,
}

impl History {
    /// An object was written; `content` is `None` where the layer cannot know it, `created` where nothing was there.
    pub(super) fn wrote(&self, path: &Path, content: Option<Bytes>, created: bool) {
        let mut memory = self.lock();
        let before = match memory.forget(path) {
            _ if created => Before::Absent,
            Some(content) => Before::Content(content),
            None => Before::Unknown,
        };
        if let Some(content) = content {
            memory.remember(path, content);
        }
        memory.push(path, before);
    }

    /// An object was deleted.
    pub(super) fn deleted(&self, path: &Path) {
        let mut memory = self.lock();
        let before = memory.forget(path).map_or(Before::Unknown, Before::Content);
        memory.push(path, before);
    }

    /// What the layer last saw written to an object.
    pub(super) fn content(&self, path: &Path) -> Option<Bytes> {
        self.lock().content.get(path.as_ref()).cloned()
    }

    /// What the object was before the last write to it; `None` without such a write.
    pub(super) fn before(&self, path: &Path) -> Option<Before> {
        self.lock().writes.iter().rev().find(|(written, _)| written == path).map(|(_, before)| before.clone())
    }

    /// The object below `prefix` that was written last, and what it was before.
    pub(super) fn last_below(&self, prefix: &Path) -> Option<(Path, Before)> {
        self.lock().writes.iter().rev().find(|(written, _)| written.prefix_matches(prefix)).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Memory {
    fn push(&mut self, path: &Path, before: Before) {
        if self.writes.len() == WRITES_MAX_COUNT {
            self.writes.pop_front();
        }
        self.writes.push_back((path.clone(), before));
    }

    fn remember(&mut self, path: &Path, content: Bytes) {
        if content.len() > CONTENT_MAX_BYTES {
            return;
        }
        self.bytes += content.len();
        self.content.insert(path.to_string(), content);
        self.order.push_back(path.to_string());
        while self.bytes > MEMORY_MAX_BYTES || self.order.len() > 2 * WRITES_MAX_COUNT {
            let Some(oldest) = self.order.pop_front() else { break };
            if let Some(content) = self.content.remove(&oldest) {
                self.bytes -= content.len();
            }
        }
    }

    fn forget(&mut self, path: &Path) -> Option<Bytes> {
        let content = self.content.remove(path.as_ref())?;
        self.bytes -= content.len();
        Some(content)
    }
}
