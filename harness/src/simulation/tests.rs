//! Each runs in a process of its own under nextest; within one process only one simulation may run at a time.

#![cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::mpsc as mpsc_of_tokio;

use super::*;
use crate::seed::Seed;

const WAIT_MAX: Duration = Duration::from_secs(30);

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn simulated<T: Send + 'static>(seed: u64, work: impl FnOnce() -> T + Send + 'static) -> T {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    thread::spawn(move || {
        let _simulated = begin(Seed(seed), Duration::MAX);
        work()
    })
    .join()
    .expect("no panic in a simulation")
}

fn drawn() -> (String, Vec<u32>, u64, SystemTime) {
    let map: HashMap<u32, ()> = (0..100).map(|key| (key, ())).collect();
    (uuid::Uuid::new_v4().to_string(), map.into_keys().collect(), rand::random(), SystemTime::now())
}

#[test]
fn a_seed_fixes_entropy_the_order_of_hash_maps_and_the_time_of_day() {
    assert_eq!(simulated(1, drawn), simulated(1, drawn));
    let (one, other) = (simulated(1, drawn), simulated(2, drawn));
    assert_ne!(one.0, other.0);
    assert_ne!(one.1, other.1);
}

#[test]
fn a_thread_that_nobody_simulates_has_real_entropy_and_the_real_time() {
    let here = drawn();
    assert_ne!(here.0, drawn().0);
    assert!(here.3 > SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
}

#[test]
fn a_race_between_threads_is_run_by_nobody() {
    // What two runs of this agree on without turns is a matter of luck: 8 threads take numbers 200 times each.
    let race = || {
        let log: Arc<Mutex<Vec<(u32, u32)>>> = Arc::default();
        let threads: Vec<_> = (0..8)
            .map(|name| {
                let log = Arc::clone(&log);
                thread::spawn(move || {
                    for round in 0..200 {
                        log.lock().expect("no panic above").push((name, round));
                        thread::yield_now();
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no panic above"));
        log.lock().expect("no panic above").clone()
    };
    assert_eq!(simulated(1, race), simulated(1, race));
}

#[test]
fn jobs_that_a_runtime_gives_away_come_back_in_one_order() {
    let run = || {
        runtime().block_on(async {
            let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
            for task in 0..16 {
                let sender = sender.clone();
                tokio::spawn(async move {
                    for round in 0..20 {
                        let id = tokio::task::spawn_blocking(uuid::Uuid::new_v4).await.expect("no panic above");
                        let _ = sender.send((task, round, id));
                    }
                });
            }
            drop(sender);
            let mut log = Vec::new();
            while let Some(entry) = receiver.recv().await {
                log.push(entry);
            }
            log
        })
    };
    assert_eq!(simulated(1, run), simulated(1, run));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}

#[test]
fn a_wait_takes_the_time_of_the_simulation_and_nothing_else_takes_any() {
    let real = Instant::now();
    let waited = simulated(1, || {
        let begun = Instant::now();
        let (_sender, receiver) = mpsc::channel::<()>();
        assert_eq!(receiver.recv_timeout(Duration::from_secs(3_600)), Err(mpsc::RecvTimeoutError::Timeout));
        runtime().block_on(async { tokio::time::sleep(Duration::from_secs(3_600)).await });
        begun.elapsed()
    });
    assert!(real.elapsed() < Duration::from_secs(600), "nobody waits for it");
    assert!((Duration::from_secs(7_200)..Duration::from_secs(7_201)).contains(&waited), "{waited:?}");
    let slow = simulated(1, || {
        let begun = Instant::now();
        thread::spawn(|| (0..200_000u64).map(std::hint::black_box).sum::<u64>()).join().expect("no panic above");
        begun.elapsed()
    });
    assert!(slow < Duration::from_millis(1), "{slow:?}");
}

#[test]
fn timers_go_off_in_the_order_of_their_bounds_however_slow_everybody_is() {
    let order = simulated(1, || {
        let log: Arc<Mutex<Vec<u64>>> = Arc::default();
        let threads: Vec<_> = [30, 10, 20]
            .map(|after_ms| {
                let log = Arc::clone(&log);
                thread::spawn(move || {
                    let (_sender, receiver) = mpsc::channel::<()>();
                    let _ = receiver.recv_timeout(Duration::from_millis(after_ms));
                    log.lock().expect("no panic above").push(after_ms);
                })
            })
            .into();
        // Longer than any of them, by a clock that is not theirs.
        thread::sleep(Duration::from_millis(50));
        threads.into_iter().for_each(|thread| thread.join().expect("no panic above"));
        log.lock().expect("no panic above").clone()
    });
    assert_eq!(order, [10, 20, 30]);
}

/// A simulation that has begun, beside a test that is its world outside.
struct Beside<T> {
    sender: mpsc_of_tokio::UnboundedSender<u32>,
    simulated: thread::JoinHandle<T>,
    _alone: MutexGuard<'static, ()>,
}

impl<T: Send + 'static> Beside<T> {
    fn begun(work: impl FnOnce(mpsc_of_tokio::UnboundedReceiver<u32>) -> T + Send + 'static) -> Self {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (sender, receiver) = mpsc_of_tokio::unbounded_channel();
        let (told, begun) = mpsc::channel();
        let simulated = thread::spawn(move || {
            let _simulated = begin(Seed(1), WAIT_MAX);
            told.send(()).expect("somebody listens");
            work(receiver)
        });
        begun.recv().expect("it begins");
        Beside { sender, simulated, _alone: alone }
    }

    /// Says something to whoever waits, once everybody rests.
    fn say(&self, message: u32) {
        at_rest(|| {
            interrupt();
            self.sender.send(message)
        })
        .expect("somebody listens");
    }

    fn came_to(self) -> T {
        self.simulated.join().expect("no panic above")
    }
}

#[test]
fn no_time_passes_before_the_world_outside_has_answered_what_it_was_told() {
    let simulation = Beside::begun(|mut receiver| {
        tell();
        runtime().block_on(async {
            tokio::select! {
                message = receiver.recv() => message,
                () = tokio::time::sleep(Duration::from_millis(1)) => None,
            }
        })
    });
    at_rest(|| answered(0));
    // By a clock that is not its own, so that it could go on if it were allowed to.
    thread::sleep(Duration::from_millis(20));
    simulation.say(7);
    assert_eq!(simulation.came_to(), Some(7));
}

#[test]
fn a_wait_of_longer_than_the_world_outside_allows_does_not_end() {
    let simulation = Beside::begun(|mut receiver| {
        runtime().block_on(async {
            let first = receiver.recv().await;
            tokio::time::sleep(WAIT_MAX / 2).await;
            tokio::select! {
                second = receiver.recv() => (first, second),
                () = tokio::time::sleep(WAIT_MAX) => (first, None),
            }
        })
    });
    for message in [7, 8] {
        simulation.say(message);
        at_rest(|| answered(0));
        // By a clock that is not its own, so that it could go on if it were allowed to.
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(simulation.came_to(), (Some(7), Some(8)));
}

#[test]
fn the_world_outside_has_its_word_in_when_everybody_rests() {
    let simulation = Beside::begun(|mut receiver| {
        runtime().block_on(async {
            // The first message waits until the jobs are done, however long they take.
            for _ in 0..50 {
                tokio::task::spawn_blocking(|| thread::sleep(Duration::from_micros(200)))
                    .await
                    .expect("no panic above");
                assert!(receiver.is_empty());
            }
            receiver.recv().await
        })
    });
    at_rest(|| simulation.sender.send(7)).expect("somebody listens");
    assert_eq!(simulation.came_to(), Some(7));
}
