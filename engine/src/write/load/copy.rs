//! A copy of a large input in a temporary file, so that a load that others beat can be prepared again.

use std::io::{Seek, SeekFrom};

use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::sync::oneshot;

/// Bytes of an input that are copied. A load of more is read once, and is a conflict when others beat it.
pub(super) const COPY_MAX_BYTES: u64 = 8 << 30;

/// A copy in the making. One that cannot be made is no reason to fail the load, which may well not need it.
pub(super) struct Copy {
    file: File,
    bytes: u64,
    whole: oneshot::Sender<std::fs::File>,
}

/// Where a copy is once the input has been read to its end.
pub(super) type Copied = oneshot::Receiver<std::fs::File>;

impl Copy {
    pub(super) fn begin() -> (Option<Copy>, Copied) {
        let (whole, copied) = oneshot::channel();
        let file =
            tempfile::tempfile().inspect_err(|error| tracing::info!(%error, "the input of a load is not copied"));
        (file.ok().map(|file| Copy { file: File::from_std(file), bytes: 0, whole }), copied)
    }

    /// Adds to the copy; `None` when it cannot be whole.
    pub(super) async fn append(mut self, bytes: &[u8]) -> Option<Copy> {
        self.bytes += bytes.len() as u64;
        if self.bytes > COPY_MAX_BYTES {
            return None;
        }
        let written = self.file.write_all(bytes).await;
        written.inspect_err(|error| tracing::info!(%error, "the input of a load is not copied")).is_ok().then_some(self)
    }

    /// Hands over the copy of an input that has been read to its end.
    pub(super) async fn finish(mut self) {
        if self.file.flush().await.is_ok() {
            // Nobody may wait for it any more.
            let _ = self.whole.send(self.file.into_std().await);
        }
    }
}

/// Reads a copy from its beginning.
pub(super) fn read(copy: &std::fs::File) -> std::io::Result<BufReader<File>> {
    let mut again = copy.try_clone()?;
    again.seek(SeekFrom::Start(0))?;
    Ok(BufReader::new(File::from_std(again)))
}
