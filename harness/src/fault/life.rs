//! One life of a process: how it dies, and how others learn of it.
//!
//! A real process dies by SIGKILL: no destructor runs, no buffer is flushed. A process that is simulated inside its worker
//! dies by a flag: its store refuses every later call, its step is dropped where it stands, its handles are dropped without
//! a word. Whoever opens the same bytes afterwards cannot tell the two apart.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Called with the place of death, right before a process dies: the last chance to tell the supervisor.
pub type LastWords = Box<dyn Fn(&str) + Send + Sync>;

/// One life of a process.
pub struct Life {
    simulated: bool,
    dead: AtomicBool,
    place: watch::Sender<Option<String>>,
    last_words: LastWords,
}

impl Life {
    /// A life that ends with a flag.
    pub fn simulated(last_words: LastWords) -> Self {
        Life::new(true, last_words)
    }

    /// A life that ends with a SIGKILL of this very process.
    pub fn real(last_words: LastWords) -> Self {
        Life::new(false, last_words)
    }

    fn new(simulated: bool, last_words: LastWords) -> Self {
        Life { simulated, dead: AtomicBool::new(false), place: watch::Sender::new(None), last_words }
    }

    /// Dies at `place`. Returns in a simulated process only; the caller must then do nothing more.
    pub fn die(&self, place: &str) {
        if self.dead.swap(true, Ordering::SeqCst) {
            return;
        }
        (self.last_words)(place);
        if !self.simulated {
            kill_this_process();
        }
        self.place.send_replace(Some(place.to_owned()));
    }

    /// Whether it has ended.
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// Waits until it ends, and says where it did.
    pub async fn death(&self) -> String {
        let mut place = self.place.subscribe();
        match place.wait_for(Option::is_some).await {
            Ok(place) => place.clone().unwrap_or_default(),
            // The sender lives as long as `self` does.
            Err(_) => std::future::pending().await,
        }
    }
}

impl fmt::Debug for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Life")
            .field("simulated", &self.simulated)
            .field("dead", &self.is_dead())
            .finish_non_exhaustive()
    }
}

/// Ends this process as a power cut would. `std::process::abort` would not do: it raises SIGABRT, which can be handled.
fn kill_this_process() -> ! {
    #[allow(unsafe_code)]
    // SAFETY: `kill` and `getpid` take no pointers and share no memory with this program.
    unsafe {
        libc::kill(libc::getpid(), libc::SIGKILL);
    }
    // The signal may be delivered to another thread first; this one must not do anything in the meantime.
    loop {
        std::thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[tokio::test]
    async fn a_simulated_life_says_where_it_ended_and_ends_once() {
        let words = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&words);
        let life = Life::simulated(Box::new(move |place| heard.lock().expect("no panic above").push(place.to_owned())));
        assert!(!life.is_dead());
        life.die("table.commit");
        life.die("elsewhere");
        assert!(life.is_dead());
        assert_eq!(life.death().await, "table.commit");
        assert_eq!(*words.lock().expect("no panic above"), ["table.commit"]);
    }
}
