//! One writer at a time becomes visible in a directory tree, across all processes of a machine.
//!
//! # Why conditional update is sound here
//!
//! `PutMode::Update` is "if the object still has the token that I read, replace it". Between the comparison and the
//! rename nobody else may change the object, so *everything* that makes, replaces or removes an object under a name does
//! so under this lock: put, update, the completion of an upload in parts, copy, rename and delete. (A create needs it
//! only for the stamp below: while an update holds the lock its object exists and stays, so a create must fail.) Bytes
//! are written into a hidden staging file before, outside the lock; inside it there are a few system calls.
//!
//! The lock is `flock` on one file below the root. The kernel lets go of it when its holder dies, however it dies, so
//! there is nothing stale to clean up and nothing to steal. The file is never removed, since a waiter on a removed file
//! would share its lock with nobody.
//!
//! A token must never name two contents, also when an inode number is used again within one tick of the clock. So each
//! publication gets a stamp as its modification time, later than every stamp before it under this root: the last one
//! stands in the lock file. That holds across deletions and when the clock is set back.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Mutex;

/// Such a name can be neither listed nor addressed: `LocalFileSystem` keeps `#` and digits for files on their way.
const LOCK_NAME: &str = ".lock#0";
/// How long a call waits for others to finish becoming visible; they take microseconds unless a process is stopped.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(10);

const WAITING: u8 = 0;
const TAKEN: u8 = 1;
const ABANDONED: u8 = 2;

/// The lock of one root directory.
#[derive(Clone, Debug)]
pub(super) struct RootLock {
    path: PathBuf,
    /// Lets one call of this handle at a time wait for the file, so that a stopped process elsewhere ties up one thread.
    queue: Arc<Mutex<()>>,
    wait_max: Duration,
}

impl RootLock {
    pub(super) fn new(root: &std::path::Path) -> Self {
        RootLock { path: root.join(LOCK_NAME), queue: Arc::default(), wait_max: LOCK_WAIT_MAX }
    }

    /// Runs `work` while no other process, thread or task makes anything visible under the root.
    ///
    /// When the caller goes away while `work` waits or runs, it is carried out all the same.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] when the lock is not free in time; `work` then never runs.
    pub(super) async fn exclusively<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Held) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let queue = Arc::clone(&self.queue);
        let turn = tokio::time::timeout(self.wait_max, queue.lock_owned()).await.map_err(|_| self.busy())?;
        let path = self.path.clone();
        let state = Arc::new(AtomicU8::new(WAITING));
        let seen = Arc::clone(&state);
        let mut task = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
            file.lock()?;
            if seen.compare_exchange(WAITING, TAKEN, Ordering::AcqRel, Ordering::Acquire).is_err() {
                return Ok(None);
            }
            work(&mut Held { file }).map(Some)
        });
        let joined = match tokio::time::timeout(self.wait_max, &mut task).await {
            Ok(joined) => joined,
            Err(_) => {
                if state.compare_exchange(WAITING, ABANDONED, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                    return Err(self.busy());
                }
                task.await
            }
        };
        joined.map_err(io::Error::other)??.ok_or_else(|| self.busy())
    }

    fn busy(&self) -> io::Error {
        let (path, seconds) = (self.path.display(), self.wait_max.as_secs());
        io::Error::new(
            io::ErrorKind::TimedOut,
            format!("another process has held `{path}` for {seconds} seconds, is one of them stopped?"),
        )
    }
}

/// The lock while it is held; closing the file gives it back.
#[derive(Debug)]
pub(super) struct Held {
    file: File,
}

impl Held {
    /// Makes the modification time of `staged` later than every stamp before, and never earlier than it was.
    pub(super) fn stamp(&mut self, staged: &File) -> io::Result<()> {
        let mut last = [0; 8];
        self.file.seek(SeekFrom::Start(0))?;
        // A new or a torn lock file counts as no stamp; the staging file's own time then serves.
        let last = self.file.read_exact(&mut last).map_or(0, |()| u64::from_be_bytes(last));
        let now = staged.metadata()?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let stamp = (now.as_micros() as u64).max(last.saturating_add(1));
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&stamp.to_be_bytes())?;
        staged.set_modified(SystemTime::UNIX_EPOCH + Duration::from_micros(stamp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lock_that_another_holds_is_waited_for_within_a_bound() {
        let root = tempfile::tempdir().unwrap();
        let mut lock = RootLock::new(root.path());
        lock.wait_max = Duration::from_millis(20);
        let other = File::create(root.path().join(LOCK_NAME)).unwrap();
        other.lock().unwrap();
        let (ran, watch) = std::sync::mpsc::channel::<()>();
        let error = lock.exclusively(move |_| ran.send(()).map_err(io::Error::other)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);

        // Once the other lets go, the abandoned work is dropped without having run, and the lock can be had.
        drop(other);
        assert!(watch.recv().is_err(), "work ran after its caller was told that it had not");
        lock.wait_max = LOCK_WAIT_MAX;
        lock.exclusively(|_| Ok(())).await.unwrap();
    }

    #[tokio::test]
    async fn stamps_only_ever_grow_also_when_the_clock_is_set_back() {
        let root = tempfile::tempdir().unwrap();
        let lock = RootLock::new(root.path());
        let stamp = |name: &'static str, clock: Duration| {
            let file = File::create(root.path().join(name)).unwrap();
            file.set_modified(UNIX_EPOCH + clock).unwrap();
            let lock = lock.clone();
            async move {
                lock.exclusively(move |held| {
                    held.stamp(&file)?;
                    file.metadata()?.modified()
                })
                .await
                .unwrap()
            }
        };
        let first = stamp("a", Duration::from_secs(1_000)).await;
        let second = stamp("b", Duration::from_secs(1_000)).await;
        let third = stamp("c", Duration::from_secs(10)).await;
        assert!(first < second && second < third);
    }
}
