//! The worker: a process that carries out what the supervisor orders, one cell after another.
//!
//! It reads orders from its standard input and answers on its standard output; see [`super::protocol`]. It is the process
//! that crashes, and so it keeps nothing that the supervisor needs later: whatever it sees, it says at once.
//!
//! - [`host`]: what it holds of a cell; [`site`]: the cell's store; [`process`]: one process of the cell;
//!   [`meter`]: how much it writes.
//! - [`order`]: carrying an order out; [`step`]: an order that is a step of the scenario; [`late`]: calls that arrive late.
//! - [`observe`], [`world`], [`closing`], [`probe`], [`facts`]: looking from outside, for the oracle. [`reader`]: reading
//!   beside the steps.
//! - [`outbox`]: everything that it says.

mod closing;
pub mod facts;
mod host;
mod late;
mod meter;
mod observe;
mod order;
mod outbox;
mod probe;
mod process;
mod reader;
mod site;
mod step;
mod world;

use std::io::BufRead;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinSet, LocalSet};

use self::host::Host;
use self::outbox::Outbox;
use super::protocol::{Report, Request};
use crate::event::Outcome;
use crate::simulation;

/// Longest message that is read.
const MESSAGE_MAX_BYTES: usize = 256 << 20;

/// Stack of the thread that serves, in bytes: so much that the engine runs no statement on a stack of its own, which is mapped, touched
/// and unmapped again each time. What is not used is never there.
const STACK_BYTES: usize = 64 << 20;

/// Serves until the supervisor closes the pipe.
pub fn serve() -> ExitCode {
    let mut lines = lines();
    let Some(first) = lines.by_ref().find_map(|line| request(&line)) else { return ExitCode::SUCCESS };
    let simulation = match &first {
        Request::Begin(begin) if begin.simulated => {
            Some((begin.seed.stream("simulation"), Duration::from_millis(begin.limits.step_max_ms)))
        }
        _ => None,
    };
    let (sender, receiver) = mpsc::unbounded_channel();
    let (begun, has_begun) = std::sync::mpsc::channel();
    // A thread of its own, which has drawn nothing before the simulation begins.
    let serving = std::thread::Builder::new().name("cell".to_owned()).stack_size(STACK_BYTES).spawn(move || {
        let served = catch_unwind(AssertUnwindSafe(|| {
            let simulated = simulation.map(|(seed, wait_max)| simulation::begin(seed, wait_max));
            if begun.send(()).is_ok() {
                serve_requests(receiver, simulated.is_some());
            }
        }));
        // Whatever still runs belongs to nobody now.
        std::process::exit(if served.is_ok() { 0 } else { 101 })
    });
    if let Err(error) = serving {
        eprintln!("the worker has no thread to serve in: {error}");
        return ExitCode::from(3);
    }
    if has_begun.recv().is_ok() {
        // Read while everybody rests as well: what lies where in memory then does not depend on who is faster.
        let take = |request| match request {
            Some(Request::Waiting { heard }) => {
                simulation::answered(heard);
                true
            }
            Some(request) => {
                simulation::interrupt();
                sender.send(request).is_ok()
            }
            None => true,
        };
        let mut goes_on = simulation::at_rest(|| take(Some(first)));
        for line in lines {
            if !goes_on {
                break;
            }
            goes_on = simulation::at_rest(|| take(request(&line)));
        }
    }
    // The supervisor is gone, however it went: nobody waits for what still runs, not even for a step that hangs.
    std::process::exit(0)
}

fn serve_requests(mut requests: mpsc::UnboundedReceiver<Request>, simulated: bool) {
    if let Err(reason) = crate::fault::failpoint::switch_on() {
        eprintln!("failpoints cannot be switched on: {reason}");
        std::process::exit(3);
    }
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    // One thread: a cell is small, and a start has to be quick. Lance brings threads of its own for computing.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time();
    if !simulated {
        // A simulated process has nothing to poll, and waits by a futex, as everybody else does there.
        runtime.enable_io();
    }
    let runtime = match runtime.build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("the worker has no runtime: {error}");
            std::process::exit(3);
        }
    };
    let outbox = Outbox::new(std::io::stdout());
    let local = LocalSet::new();
    local.block_on(&runtime, async move {
        let mut serving = Serving { outbox, host: Err("no cell has begun".to_owned()), running: JoinSet::new() };
        while let Some(request) = requests.recv().await {
            serving.take(request).await;
        }
    });
}

/// What the supervisor says, line by line and unread, until it closes the pipe.
fn lines() -> impl Iterator<Item = Vec<u8>> {
    std::io::stdin().lock().split(b'\n').map_while(|line| {
        let line = line.ok()?;
        if line.len() > MESSAGE_MAX_BYTES {
            eprintln!("a message has {} bytes and the limit is {MESSAGE_MAX_BYTES}", line.len());
            return None;
        }
        Some(line)
    })
}

fn request(line: &[u8]) -> Option<Request> {
    match crate::json::value(line).map(serde_json::from_value) {
        Ok(Ok(request)) => Some(request),
        // The text is not repeated: it may hold credentials.
        Ok(Err(_)) => {
            eprintln!("a message cannot be read: it is no request");
            None
        }
        Err(error) => {
            eprintln!("a message cannot be read: {error}");
            None
        }
    }
}

struct Serving {
    outbox: Outbox,
    host: Result<Arc<Host>, String>,
    running: JoinSet<()>,
}

impl Serving {
    async fn take(&mut self, request: Request) {
        match request {
            Request::Begin(begin) => {
                self.end();
                self.host = Host::begin(*begin, self.outbox.clone()).await;
            }
            Request::Order { ticket, order } => match &self.host {
                Ok(host) => {
                    let host = Arc::clone(host);
                    while self.running.try_join_next().is_some() {}
                    self.running.spawn_local(async move {
                        let report = order::carry_out(&host, *order).await;
                        host.outbox.done(ticket, report);
                    });
                }
                Err(reason) => {
                    self.outbox.done(ticket, Report::of(Outcome::Trouble { reason: reason.clone() }));
                }
            },
            Request::Together { requests } => {
                for request in requests {
                    Box::pin(self.take(request)).await;
                }
            }
            Request::Release { process, fault } => {
                if let Ok(host) = &self.host {
                    host.release(&process, &fault);
                }
            }
            Request::Look { since } => {
                if let Ok(host) = &self.host {
                    host.look(since);
                }
            }
            Request::Enough => {
                if let Ok(host) = &self.host {
                    host.enough();
                }
            }
            // Nobody who is not simulated is told, and for a simulated one it is not to be seen here.
            Request::Waiting { .. } => {}
            Request::End => self.end(),
        }
    }

    fn end(&mut self) {
        self.running.abort_all();
        self.host = Err("no cell has begun".to_owned());
    }
}
