//! What a container wrote to its log.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// How many lines of the log stand in an error.
const LAST_WORDS_LINES: usize = 5;
/// How much of the log is kept; older lines go first.
const LOG_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The end of the container's log, with the run's secrets blotted out.
#[derive(Clone, Debug, Default)]
pub(super) struct Log(Arc<Mutex<Lines>>);

#[derive(Default)]
struct Lines {
    lines: VecDeque<String>,
    bytes: usize,
    hidden: Vec<String>,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Log {
    /// Never shows `text` from here on.
    pub(super) fn hide(&self, text: &str) {
        self.lock().hidden.push(text.to_owned());
    }

    pub(super) fn append(&self, frame: &[u8]) {
        let mut state = self.lock();
        let line = state
            .hidden
            .iter()
            .fold(String::from_utf8_lossy(frame).into_owned(), |line, hidden| line.replace(hidden, "<secret>"));
        state.bytes += line.len();
        state.lines.push_back(line);
        while state.bytes > LOG_BYTES_MAX {
            let Some(oldest) = state.lines.pop_front() else { break };
            state.bytes -= oldest.len();
        }
    }

    pub(super) fn text(&self) -> String {
        self.lock().lines.iter().map(String::as_str).collect()
    }

    /// The last lines, for an error that has to explain itself.
    pub(super) fn last_words(&self) -> String {
        let log = self.text();
        let lines: Vec<&str> = log.lines().collect();
        match lines.len() {
            0 => "it wrote no log".into(),
            many => format!("its log ends: {}", lines[many.saturating_sub(LAST_WORDS_LINES)..].join(" | ")),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_log_is_bounded_and_shows_no_secret() {
        let log = Log::default();
        log.hide("HUSH");
        log.append(b"key HUSH in use\n");
        assert_eq!(log.text(), "key <secret> in use\n");
        let line = vec![b'x'; 1024];
        for _ in 0..3 * LOG_BYTES_MAX / line.len() {
            log.append(&line);
        }
        assert!(log.text().len() <= LOG_BYTES_MAX);
    }
}
