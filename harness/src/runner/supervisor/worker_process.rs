//! A worker as the supervisor holds it: the child process, the way to it and what it says.

use std::collections::VecDeque;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;

use crate::runner::protocol::{Reply, Request};

/// Bytes of a worker's standard error that are kept.
const LOG_MAX_BYTES: usize = 64 << 10;
/// Exit signal of a process that was killed.
const SIGKILL: i32 = 9;

/// A worker process.
pub struct WorkerProcess {
    child: Child,
    stdin: ChildStdin,
    replies: mpsc::UnboundedReceiver<Reply>,
    log: Arc<Mutex<VecDeque<u8>>>,
    /// Replies that were heard.
    heard: u64,
    /// Whether something was said or heard since it was last told that it is waited for.
    has_news: bool,
    /// Cells that it has begun.
    pub cells: u64,
}

/// How a worker ended.
#[derive(Clone, Debug)]
pub struct WorkerEnd {
    /// Whether it was killed by SIGKILL.
    pub killed: bool,
    /// Its exit status, for people.
    pub status: String,
}

impl WorkerProcess {
    /// Starts `program worker`. It has no environment of its own to speak of: what it has to know comes over its input.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn spawn(program: &Path) -> io::Result<WorkerProcess> {
        let mut command = Command::new(program);
        crate::simulation::lay_out(&mut command);
        let mut child = command
            .arg("worker")
            // One thread for computing, on machines with many cores, too: cells run beside one another, and their order in a
            // simulation is that of one.
            .env("LANCE_CPU_THREADS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A key that is pressed in the terminal reaches the supervisor alone, which ends its workers itself.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let missing = || io::Error::other("a worker has no pipes");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stderr = child.stderr.take().ok_or_else(missing)?;
        let (sender, replies) = mpsc::unbounded_channel();
        let log: Arc<Mutex<VecDeque<u8>>> = Arc::default();
        tokio::spawn(read_log(stderr, Arc::clone(&log)));
        tokio::spawn(read_replies(stdout, sender, Arc::clone(&log)));
        Ok(WorkerProcess { child, stdin, replies, log, heard: 0, has_news: false, cells: 0 })
    }

    /// Tells it something. A worker that is gone is noticed when its replies end.
    pub async fn send(&mut self, request: &Request) {
        self.has_news = true;
        let Ok(mut line) = serde_json::to_vec(request) else { return };
        line.push(b'\n');
        if self.stdin.write_all(&line).await.is_ok() {
            let _ = self.stdin.flush().await;
        }
    }

    /// Tells a worker that simulates that it is waited for, where it does not know and nothing of it is left to be heard.
    pub async fn wait_for_it(&mut self) {
        if self.has_news && self.replies.is_empty() {
            self.send(&Request::Waiting { heard: self.heard }).await;
            self.has_news = false;
        }
    }

    /// What it says next; none when it has ended. Safe to cancel.
    pub async fn next(&mut self) -> Option<Reply> {
        let reply = self.replies.recv().await?;
        self.heard += 1;
        self.has_news = true;
        Some(reply)
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.child.start_kill();
    }

    /// Stops it where it stands (SIGSTOP), or lets it go on (SIGCONT); false where it has ended.
    pub fn pause(&self, paused: bool) -> bool {
        // Of a child that was not waited for yet, so that the number cannot be another process's by now.
        let Some(pid) = self.child.id().and_then(|pid| libc::pid_t::try_from(pid).ok()) else { return false };
        let signal = if paused { libc::SIGSTOP } else { libc::SIGCONT };
        #[allow(unsafe_code)]
        // SAFETY: `kill` takes no pointers and shares no memory with this program.
        let sent = unsafe { libc::kill(pid, signal) };
        sent == 0
    }

    /// The memory that it holds (its resident set), in bytes; none where the system does not tell.
    pub fn memory_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kilobytes << 10)
    }

    /// Waits until it has ended.
    pub async fn end(&mut self) -> WorkerEnd {
        match self.child.wait().await {
            Ok(status) => WorkerEnd { killed: status.signal() == Some(SIGKILL), status: describe(status) },
            Err(error) => WorkerEnd { killed: false, status: format!("unknown: {error}") },
        }
    }

    /// The end of what it wrote to its standard error.
    pub fn log(&self) -> String {
        let log = self.log.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        String::from_utf8_lossy(&log.iter().copied().collect::<Vec<u8>>()).into_owned()
    }

    /// Forgets what it wrote.
    pub fn clear_log(&self) {
        self.log.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clear();
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(SIGKILL), _) => "killed by SIGKILL".to_owned(),
        (Some(signal), _) => format!("ended by signal {signal}"),
        (None, Some(code)) => format!("ended with exit code {code}"),
        (None, None) => "ended".to_owned(),
    }
}

async fn read_replies(
    stdout: impl AsyncRead + Unpin,
    sender: mpsc::UnboundedSender<Reply>,
    log: Arc<Mutex<VecDeque<u8>>>,
) {
    let mut reader = BufReader::with_capacity(64 << 10, stdout);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.read_until(b'\n', &mut line).await {
            // A line without an end is what a dying process did not get out.
            Ok(_) if line.last() == Some(&b'\n') => {}
            _ => return,
        }
        match crate::json::read(&line) {
            Ok(reply) => {
                if sender.send(reply).is_err() {
                    return;
                }
            }
            Err(error) => append(&log, format!("a reply cannot be read: {error}\n").as_bytes()),
        }
    }
}

async fn read_log(mut stderr: impl AsyncRead + Unpin, log: Arc<Mutex<VecDeque<u8>>>) {
    let mut chunk = [0; 4096];
    while let Ok(count) = stderr.read(&mut chunk).await {
        if count == 0 {
            return;
        }
        append(&log, &chunk[..count]);
    }
}

fn append(log: &Mutex<VecDeque<u8>>, bytes: &[u8]) {
    let mut log = log.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    log.extend(bytes);
    let excess = log.len().saturating_sub(LOG_MAX_BYTES);
    log.drain(..excess);
}
