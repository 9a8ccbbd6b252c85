//! Interrupts: a query ends at once; a write is given the time to end, and if it does not, nobody claims to know.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use omnigraph::{Error, ErrorKind};

use super::failure::{Failure, say};

/// How long a write may take to end once it was interrupted.
const WRITE_ENDS_WITHIN_SECONDS: u64 = 5;
/// How long a query may take to let go of what it holds.
const QUERY_ENDS_WITHIN: Duration = Duration::from_secs(1);

/// What asks the program to end. From when it is made, nothing of it ends the program by itself.
struct Signals {
    #[cfg(unix)]
    heard: Option<[tokio::signal::unix::Signal; 2]>,
}

impl Signals {
    fn listen() -> Signals {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let both = signal(SignalKind::interrupt()).and_then(|first| Ok([first, signal(SignalKind::terminate())?]));
            Signals { heard: both.ok() }
        }
        #[cfg(not(unix))]
        Signals {}
    }

    /// Waits for the next one; without an end where there is no way to hear of one.
    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some([interrupt, terminate]) = &mut self.heard {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_ok() {
            return;
        }
        std::future::pending::<()>().await;
    }
}

/// Runs what only reads, until it ends or is interrupted.
pub async fn reading<T>(work: impl Future<Output = Result<T, Failure>>, json: bool) -> Result<T, Failure> {
    const WHY: &str = "interrupted";
    let (heard, hear) = tokio::sync::oneshot::channel::<()>();
    let mut signals = Signals::listen();
    tokio::spawn(async move {
        signals.next().await;
        let _ = heard.send(());
        // Whoever writes to a pipe that nobody reads does not notice.
        tokio::time::sleep(QUERY_ENDS_WITHIN).await;
        std::process::exit(i32::from(Failure::Interrupted(WHY).tell(json)));
    });
    tokio::select! {
        done = work => done,
        Ok(()) = hear => Err(Failure::Interrupted(WHY)),
    }
}

/// Watches over a write, from now on. `input` becomes true when all of its input has been read: an interrupt before that ends it,
/// and nothing of it becomes visible.
pub fn watch_write(input: Arc<AtomicBool>, json: bool) {
    let mut signals = Signals::listen();
    tokio::spawn(async move {
        signals.next().await;
        let failure = if input.load(Ordering::Acquire) {
            if !json {
                say(&format!(
                    "interrupted: the write has up to {WRITE_ENDS_WITHIN_SECONDS} s to end; interrupt again to leave it\n"
                ));
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(WRITE_ENDS_WITHIN_SECONDS)) => {}
                () = signals.next() => {}
            }
            let error =
                Error::new(ErrorKind::InDoubt, "the write was interrupted before it ended, and it may have happened");
            Failure::Engine(error.with_advice(
                "look for it in `omnigraph commits`; what it left is finished or undone by the next write or by `omnigraph recover`",
            ))
        } else {
            Failure::Interrupted("interrupted before all of the input was read: nothing of it was written")
        };
        std::process::exit(i32::from(failure.tell(json)));
    });
}
