//! The workers of one cell, and what they say, in one stream.
//!
//! On most backends every process of the scenario is a worker, and one more looks from outside, damages, converges and
//! observes. It never runs a step of the engine under faults, so it never crashes, and its read-write open at the end is one
//! in a fresh process. On `memory` the bytes live in the worker, so one worker is all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::select_all;
use tokio::time::Instant;

use super::pool::Pool;
use super::worker_process::{WorkerEnd, WorkerProcess};
use crate::backend::CellAddress;
use crate::event::FaultId;
use crate::oracle::evidence::Tick;
use crate::runner::protocol::{Begin, Note, Order, Reply, Report, Request, Ticket};

/// How often it is looked how much memory the workers take.
const MEMORY_LOOK_EVERY: Duration = Duration::from_millis(200);
/// The worker that looks from outside.
const OUTSIDE: &str = "(outside)";

/// Who carries an order out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat<'a> {
    /// A process of the scenario.
    Process(&'a str),
    /// Whoever looks from outside.
    Outside,
}

/// What happened next.
pub enum Happening {
    /// An order ended.
    Done {
        /// Which.
        ticket: Ticket,
        /// How.
        report: Box<Report>,
    },
    /// Something in between.
    Note(Note),
    /// A worker is gone.
    Died(Box<Death>),
    /// A worker took more memory than it may, and was killed. Its death is heard of next.
    TooLarge {
        /// Which.
        who: String,
        /// What it took, in bytes.
        bytes: u64,
    },
}

/// A worker that is gone.
pub struct Death {
    /// The process that it was; none for the one that looks from outside.
    pub process: Option<String>,
    /// Where it died, in its own last words.
    pub place: Option<String>,
    /// How.
    pub end: WorkerEnd,
    /// Orders that it will not answer.
    pub tickets: BTreeSet<Ticket>,
    /// What it wrote to its standard error.
    pub log: String,
}

struct Member {
    worker: WorkerProcess,
    open: BTreeSet<Ticket>,
    place: Option<String>,
    killed: bool,
}

/// The workers of one cell.
pub struct Crew {
    pool: Arc<Pool>,
    begin: Begin,
    /// Where the worker that looks from outside reaches the store, where it is not the same.
    outside_at: Option<CellAddress>,
    members: BTreeMap<String, Member>,
    next_ticket: Ticket,
    /// Requests to the one worker of a simulated cell that go out with the next.
    kept: Vec<Request>,
    logs: BTreeMap<String, String>,
    memory_max_bytes: u64,
    looked_at: Instant,
}

impl Crew {
    /// Nobody yet; workers are taken as they are needed, and killed when they take more memory than this.
    pub fn new(pool: Arc<Pool>, begin: Begin, memory_max_bytes: u64) -> Self {
        Crew {
            pool,
            begin,
            outside_at: None,
            members: BTreeMap::new(),
            next_ticket: 1,
            kept: Vec::new(),
            logs: BTreeMap::new(),
            memory_max_bytes,
            looked_at: Instant::now(),
        }
    }

    /// Whoever looks from outside reaches the store at an address of its own.
    #[must_use]
    pub fn with_outside_at(mut self, address: CellAddress) -> Self {
        self.outside_at = Some(address);
        self
    }

    /// Whether one worker simulates every process.
    pub fn is_simulated(&self) -> bool {
        self.begin.simulated
    }

    fn key(&self, seat: Seat<'_>) -> String {
        match seat {
            Seat::Process(name) if !self.begin.simulated => name.to_owned(),
            _ => OUTSIDE.to_owned(),
        }
    }

    /// Gives an order.
    ///
    /// # Errors
    /// No worker can be started.
    pub async fn order(&mut self, seat: Seat<'_>, order: Order) -> Result<Ticket, String> {
        let (key, ticket) = self.ticket(seat).await?;
        self.say(&key, Request::Order { ticket, order: Box::new(order) }).await;
        Ok(ticket)
    }

    /// Gives an order that nobody waits for yet. In a simulated cell it arrives together with the next order, so that what
    /// runs beside it does not depend on how fast it is.
    ///
    /// # Errors
    /// As [`Crew::order`].
    pub async fn order_in_background(&mut self, seat: Seat<'_>, order: Order) -> Result<Ticket, String> {
        let (key, ticket) = self.ticket(seat).await?;
        let request = Request::Order { ticket, order: Box::new(order) };
        if self.begin.simulated {
            self.kept.push(request);
        } else {
            self.say(&key, request).await;
        }
        Ok(ticket)
    }

    async fn say(&mut self, key: &str, request: Request) {
        let Some(member) = self.members.get_mut(key) else { return };
        if self.kept.is_empty() {
            return member.worker.send(&request).await;
        }
        let mut requests = std::mem::take(&mut self.kept);
        requests.push(request);
        member.worker.send(&Request::Together { requests }).await;
    }

    /// Says what was kept: from now on somebody waits for it.
    async fn say_kept(&mut self) {
        if let Some(last) = self.kept.pop() {
            self.say(OUTSIDE, last).await;
        }
    }

    /// The worker that takes the next order of this seat, and the order's ticket.
    async fn ticket(&mut self, seat: Seat<'_>) -> Result<(String, Ticket), String> {
        let key = self.key(seat);
        if !self.members.contains_key(&key) {
            let taken = if self.begin.simulated { self.pool.take_fresh() } else { self.pool.take() };
            let mut worker = taken.map_err(|error| format!("a worker cannot be started: {error}"))?;
            worker.cells += 1;
            self.begin.worker += 1;
            let mut begin = self.begin.clone();
            if let Some(address) = self.outside_at.as_ref().filter(|_| key == OUTSIDE) {
                begin.address = address.clone();
            }
            worker.send(&Request::Begin(Box::new(begin))).await;
            self.members.insert(key.clone(), Member { worker, open: BTreeSet::new(), place: None, killed: false });
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        if let Some(member) = self.members.get_mut(&key) {
            member.open.insert(ticket);
        }
        Ok((key, ticket))
    }

    /// Lets a window go on.
    pub async fn release(&mut self, process: &str, fault: &FaultId) {
        let key = self.key(Seat::Process(process));
        self.say(&key, Request::Release { process: process.to_owned(), fault: fault.clone() }).await;
    }

    /// Tells the readers beside the steps something.
    pub async fn tell_readers(&mut self, request: Request) {
        let key = self.key(Seat::Outside);
        self.say(&key, request).await;
    }

    /// Has the readers of a simulated cell read beside whatever is ordered next. Elsewhere they do so by themselves: here what is
    /// ordered arrives when everybody rests, and so would never meet a reader.
    pub fn let_readers_read_beside(&mut self, since: Tick) {
        if self.begin.simulated {
            self.kept.push(Request::Look { since });
        }
    }

    /// Stops the process where it stands, or lets it go on; says whether there is one.
    pub fn pause(&mut self, process: &str, paused: bool) -> bool {
        let key = self.key(Seat::Process(process));
        self.members.get(&key).is_some_and(|member| member.worker.pause(paused))
    }

    /// Kills the worker that carries an order out. Its death is the next thing to be heard of it.
    pub fn kill(&mut self, seat: Seat<'_>) -> bool {
        let key = self.key(seat);
        let Some(member) = self.members.get_mut(&key) else { return false };
        member.killed = true;
        member.worker.kill();
        true
    }

    /// What happens next; none when `deadline` passes first.
    pub async fn next(&mut self, deadline: Instant) -> Option<Happening> {
        if self.members.is_empty() {
            return None;
        }
        self.say_kept().await;
        if self.begin.simulated {
            for member in self.members.values_mut() {
                member.worker.wait_for_it().await;
            }
        }
        let said = loop {
            if let Some((who, bytes)) = self.look_again() {
                return Some(Happening::TooLarge { who, bytes });
            }
            let waiting = self.members.iter_mut().map(|(key, member)| {
                let key = key.clone();
                async move { (key, member.worker.next().await) }.boxed()
            });
            let look_again = Instant::now() + MEMORY_LOOK_EVERY;
            match tokio::time::timeout_at(deadline.min(look_again), select_all(waiting)).await {
                Ok((said, _, _)) => break said,
                Err(_) if Instant::now() < deadline => {}
                Err(_) => return None,
            }
        };
        match said {
            (key, Some(Reply::Done { ticket, report })) => {
                if let Some(member) = self.members.get_mut(&key) {
                    member.open.remove(&ticket);
                }
                Some(Happening::Done { ticket, report })
            }
            (key, Some(Reply::Note(note))) => {
                if let (Note::Dying { place, .. }, Some(member)) = (&note, self.members.get_mut(&key)) {
                    member.place = Some(place.clone());
                }
                Some(Happening::Note(note))
            }
            (key, None) => self.bury(&key).await.map(|death| Happening::Died(Box::new(death))),
        }
    }

    /// As [`Crew::look`], if it is time to.
    fn look_again(&mut self) -> Option<(String, u64)> {
        if Instant::now() < self.looked_at + MEMORY_LOOK_EVERY {
            return None;
        }
        self.look()
    }

    /// A worker that takes more memory than it may, and the bytes that it takes; it is killed.
    pub fn look(&mut self) -> Option<(String, u64)> {
        self.looked_at = Instant::now();
        let max = self.memory_max_bytes;
        let living = self.members.iter_mut().filter(|(_, member)| !member.killed);
        let mut large = living.filter_map(|(key, member)| {
            let bytes = member.worker.memory_bytes().filter(|bytes| *bytes > max)?;
            Some((key, member, bytes))
        });
        let (key, member, bytes) = large.next()?;
        member.killed = true;
        member.worker.kill();
        let who = if key == OUTSIDE { "the worker".to_owned() } else { format!("process {key}") };
        Some((who, bytes))
    }

    async fn bury(&mut self, key: &str) -> Option<Death> {
        let mut member = self.members.remove(key)?;
        let end = member.worker.end().await;
        let log = member.worker.log();
        self.keep_log(key, &log);
        let place = match (member.place, member.killed) {
            (None, true) => Some("the step itself".to_owned()),
            (place, _) => place,
        };
        let process = (key != OUTSIDE).then(|| key.to_owned());
        Some(Death { process, place, end, tickets: member.open, log })
    }

    fn keep_log(&mut self, key: &str, log: &str) {
        if !log.is_empty() {
            self.logs.entry(key.to_owned()).or_default().push_str(log);
        }
    }

    /// The cell is over: workers that owe nothing wait for another one. Returns what all of them wrote, by process.
    pub async fn dismiss(mut self) -> BTreeMap<String, String> {
        for (key, mut member) in std::mem::take(&mut self.members) {
            let log = member.worker.log();
            self.keep_log(&key, &log);
            if self.begin.simulated {
                // It has nothing to put in order: its bytes are in it.
                drop(member.worker);
            } else if member.open.is_empty() && !member.killed {
                self.pool.give_back(member.worker).await;
            } else {
                member.worker.kill();
                member.worker.end().await;
            }
        }
        self.logs
    }
}
