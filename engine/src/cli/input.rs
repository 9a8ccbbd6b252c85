//! What is read: texts whole and bounded, rows as a stream.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncBufRead, AsyncRead, BufReader, ReadBuf};

use super::failure::Failure;

/// A schema or SQL that is longer is not read to its end. The engine's own limits are lower, and it says so.
const TEXT_MAX_BYTES: u64 = 8 << 20;

/// A text from a file, or from standard input for `-`. A byte order mark at its beginning is not part of it.
pub fn text(path: &Path) -> Result<String, Failure> {
    let name = name(path);
    let unreadable = |error: std::io::Error| Failure::Input(format!("cannot read {name}: {error}"));
    let mut bytes = Vec::new();
    let read = if is_stdin(path) {
        stdin().lock().take(TEXT_MAX_BYTES + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(TEXT_MAX_BYTES + 1).read_to_end(&mut bytes))
    };
    let length = read.map_err(unreadable)? as u64;
    if length > TEXT_MAX_BYTES {
        return Err(Failure::Input(format!(
            "{name} is longer than the {TEXT_MAX_BYTES} bytes that are read of a text"
        )));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let (bytes, at) = (error.as_bytes(), error.utf8_error().valid_up_to());
        let hint = match bytes {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => ", it looks like UTF-16: save it as UTF-8",
            _ => "",
        };
        Failure::Input(format!("{name} is not UTF-8 at byte {}{hint}", at + 1))
    })?;
    Ok(without_mark(text))
}

/// The text without a byte order mark at its beginning.
fn without_mark(text: String) -> String {
    match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    }
}

/// Whether standard input is meant.
fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn name(path: &Path) -> String {
    if is_stdin(path) { "standard input".to_owned() } else { path.display().to_string() }
}

/// Rows from a file, or from standard input for `-`.
pub struct Lines {
    reader: Box<dyn AsyncBufRead + Send + Unpin>,
    at_end: Arc<AtomicBool>,
}

impl Lines {
    /// Opens what the rows are read from.
    pub async fn open(path: &Path) -> Result<Lines, Failure> {
        if is_stdin(path) {
            return Ok(Lines::of(BufReader::new(tokio::io::stdin())));
        }
        let unreadable = |error: std::io::Error| Failure::Input(format!("cannot read {}: {error}", name(path)));
        let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
        // It can be opened, and only reading it would fail.
        if file.metadata().await.map_err(unreadable)?.is_dir() {
            return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
        }
        Ok(Lines::of(BufReader::new(file)))
    }

    fn of(reader: impl AsyncBufRead + Send + Unpin + 'static) -> Lines {
        Lines { reader: Box::new(reader), at_end: Arc::default() }
    }

    /// Becomes true when everything has been read: before that, nothing of the load can become visible.
    pub fn at_end(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.at_end)
    }
}

impl AsyncRead for Lines {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.reader).poll_read(context, into)
    }
}

impl AsyncBufRead for Lines {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<&[u8]>> {
        let Lines { reader, at_end } = self.get_mut();
        let read = Pin::new(reader).poll_fill_buf(context);
        if let Poll::Ready(Ok([])) = read {
            at_end.store(true, Ordering::Release);
        }
        read
    }

    fn consume(mut self: Pin<&mut Self>, length: usize) {
        Pin::new(&mut self.reader).consume(length);
    }
}
