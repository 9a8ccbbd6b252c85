//! Simulated threads take turns: exactly one runs, until it waits or ends; then the one goes on that became ready first.
//!
//! A thread waits by a futex, since the standard library, tokio and parking_lot all do. The seam hands those calls to
//! [`futex_wait`] and [`futex_wake`], which keep the waiting threads in a list of their own: who wakes, and in which order,
//! is then a matter of that list and not of the kernel's scheduler. A wait with a bound ends by it when nobody runs any more and
//! nobody waits for less: the time that it takes is the simulated clock's alone. Nothing here may use a lock of the standard
//! library, whose waits would come back here.

#![allow(unsafe_code)]

use std::cell::{Cell, UnsafeCell};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use libc::{c_int, c_long};

use super::clock;
use super::seam::{real_futex, real_yield};

/// A simulated thread, counted from 1 in the order in which they were started.
type Id = u32;

const NOBODY: Id = 0;
/// The thread of the world outside that has its word in.
const VISITOR: Id = Id::MAX;

const PRIVATE_WAIT: c_int = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
const PRIVATE_WAKE: c_int = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;

thread_local! {
    // Without a destructor, so that it can be read wherever a thread is in its life.
    static ME: Cell<Id> = const { Cell::new(NOBODY) };
}

/// One simulated thread. It is never freed: there are few, and others may look at one that has ended.
#[derive(Default)]
struct Thread {
    /// Where it sleeps: 1 when its turn has come.
    bed: AtomicU32,
    /// Whether it was its bound that ended its wait.
    timed_out: AtomicBool,
    /// 1 when it has ended.
    ended: AtomicU32,
    /// What libc calls it; 0 until that is known.
    name: AtomicU64,
}

static TURNS: Turns = Turns { locked: AtomicBool::new(false), state: UnsafeCell::new(State::new()) };

struct Turns {
    locked: AtomicBool,
    state: UnsafeCell<State>,
}

// SAFETY: `state` is reached through `with` alone, which lets in one thread at a time.
unsafe impl Sync for Turns {}

/// A thread that waits for a futex.
struct Waiting {
    address: usize,
    id: Id,
    /// When it gives up, in simulated monotonic time.
    until: Option<Duration>,
}

struct State {
    /// Whose turn it is.
    turn: Id,
    /// Who would go on, in the order in which they became ready.
    ready: VecDeque<Id>,
    /// Who goes on when nobody else would.
    patient: VecDeque<Id>,
    /// Whether somebody outside waits until everybody rests.
    visitor: bool,
    /// What was said to the world outside, and the word it is waited for with: time stands still for that long.
    told: u64,
    unanswered: bool,
    /// How much time may pass after the world outside has said something, and until when that is.
    wait_max: Duration,
    time_max: Duration,
    /// Who waits for a futex, in the order in which they began to.
    waiting: Vec<Waiting>,
    /// Every thread; the visitor stands first.
    threads: Vec<&'static Thread>,
}

impl State {
    const fn new() -> Self {
        State {
            turn: NOBODY,
            ready: VecDeque::new(),
            patient: VecDeque::new(),
            visitor: false,
            told: 0,
            unanswered: false,
            wait_max: Duration::MAX,
            time_max: Duration::MAX,
            waiting: Vec::new(),
            threads: Vec::new(),
        }
    }

    fn new_thread(&mut self) -> Id {
        if self.threads.is_empty() {
            self.threads.push(Box::leak(Box::default()));
        }
        self.threads.push(Box::leak(Box::default()));
        (self.threads.len() - 1) as Id
    }

    fn thread(&self, id: Id) -> &'static Thread {
        self.threads[if id == VISITOR { 0 } else { id as usize }]
    }

    fn bed(&self, id: Id) -> &'static AtomicU32 {
        &self.thread(id).bed
    }

    /// Gives the turn to the next; returns the bed to be knocked at once the lock is given back.
    fn pass_on(&mut self) -> Option<&'static AtomicU32> {
        let next = self.ready.pop_front().or_else(|| self.patient.pop_front());
        let next = next.or_else(|| std::mem::take(&mut self.visitor).then_some(VISITOR));
        let next = next.or_else(|| self.let_time_pass());
        self.turn = next.unwrap_or(NOBODY);
        let bed = self.bed(next?);
        bed.store(1, Ordering::SeqCst);
        Some(bed)
    }

    /// Ends the wait that has the nearest bound, if time may pass.
    fn let_time_pass(&mut self) -> Option<Id> {
        if self.unanswered {
            return None;
        }
        let bounds = self.waiting.iter().enumerate().filter_map(|(place, waiting)| Some((waiting.until?, place)));
        let (until, place) = bounds.min().filter(|(until, _)| *until <= self.time_max)?;
        let id = self.waiting.remove(place).id;
        self.thread(id).timed_out.store(true, Ordering::SeqCst);
        clock::advance_to(until);
        Some(id)
    }

    /// Takes the turn if nobody has it, else gets in line for it.
    fn line_up(&mut self, id: Id) {
        self.ready.push_back(id);
        if self.turn == NOBODY {
            // Nobody has to be knocked up: whoever lines up looks at its bed before it sleeps.
            let _ = self.pass_on();
        }
    }
}

fn with<T>(work: impl FnOnce(&mut State) -> T) -> T {
    let mut spins = 0u32;
    while TURNS.locked.compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed).is_err() {
        spins += 1;
        if spins.is_multiple_of(64) { real_yield() } else { std::hint::spin_loop() }
    }
    // SAFETY: the flag was false and is true now by this thread, and is set back below; nothing in `work` comes back here.
    let result = work(unsafe { &mut *TURNS.state.get() });
    TURNS.locked.store(false, Ordering::Release);
    result
}

/// Whether this thread is a simulated one.
pub fn is_simulated() -> bool {
    ME.try_with(Cell::get).unwrap_or(NOBODY) != NOBODY
}

fn me() -> Id {
    ME.with(Cell::get)
}

fn knock(bed: Option<&'static AtomicU32>) {
    if let Some(bed) = bed {
        // SAFETY: threads live forever.
        unsafe { real_futex(bed.as_ptr(), PRIVATE_WAKE, 1, None) };
    }
}

/// Sleeps until the turn has come.
fn sleep(bed: &'static AtomicU32) {
    while bed.swap(0, Ordering::SeqCst) == 0 {
        // SAFETY: threads live forever.
        unsafe { real_futex(bed.as_ptr(), PRIVATE_WAIT, 0, None) };
    }
}

/// Makes this thread a simulated one, the first of its simulation, and waits for its turn.
pub fn join(wait_max: Duration) {
    let (id, bed) = with(|state| {
        (state.told, state.unanswered) = (0, false);
        (state.wait_max, state.time_max) = (wait_max, Duration::MAX);
        let id = state.new_thread();
        state.line_up(id);
        (id, state.bed(id))
    });
    ME.with(|me| me.set(id));
    sleep(bed);
}

/// A place in line for a thread that this one is about to start.
pub fn reserve() -> Id {
    with(|state| {
        let id = state.new_thread();
        state.ready.push_back(id);
        id
    })
}

/// The thread could not be started.
pub fn cancel(id: Id) {
    with(|state| state.ready.retain(|ready| *ready != id));
}

/// The first thing that a started thread does: waits for its turn.
pub fn arrive(id: Id) {
    ME.with(|me| me.set(id));
    sleep(with(|state| state.bed(id)));
}

/// What libc calls a thread that was started.
pub fn name(id: Id, name: u64) {
    with(|state| state.thread(id).name.store(name, Ordering::SeqCst));
}

/// Waits until a thread has nothing more to do, if it is a simulated one.
pub fn wait_for_end(name: u64) {
    // libc gives a name again once its thread is gone.
    let known = |state: &mut State| state.threads.iter().rev().find(|t| t.name.load(Ordering::SeqCst) == name).copied();
    let Some(thread) = with(known) else { return };
    while thread.ended.load(Ordering::SeqCst) == 0 {
        // SAFETY: threads live forever.
        unsafe { futex_wait(thread.ended.as_ptr(), 0, None) };
    }
}

/// The last thing that a simulated thread does.
pub fn leave() {
    let thread = with(|state| state.thread(me()));
    thread.ended.store(1, Ordering::SeqCst);
    futex_wake(thread.ended.as_ptr(), c_long::MAX);
    ME.with(|me| me.set(NOBODY));
    knock(with(State::pass_on));
}

/// Lets everybody else go on first who would.
pub fn give_way() {
    let id = me();
    let (own, next) = with(|state| {
        state.patient.push_back(id);
        (state.bed(id), state.pass_on())
    });
    if next.is_none_or(|next| !std::ptr::eq(next, own)) {
        knock(next);
    }
    sleep(own);
}

/// Does `work` for the world outside when nobody has the turn. For one thread.
pub fn visit<T>(work: impl FnOnce() -> T) -> T {
    let bed = with(|state| {
        if state.threads.is_empty() {
            // Nobody was ever simulated.
            return None;
        }
        state.visitor = true;
        if state.turn == NOBODY {
            let _ = state.pass_on();
        }
        Some(state.bed(VISITOR))
    });
    let Some(bed) = bed else { return work() };
    sleep(bed);
    let result = work();
    knock(with(State::pass_on));
    result
}

/// Something was said to the world outside: no time passes until it has answered.
pub fn tell() {
    with(|state| {
        state.told += 1;
        state.unanswered = true;
    });
}

/// The world outside has something to say, and may have more: no time passes until it has said all. To be called in [`visit`].
pub fn interrupt() {
    with(|state| {
        state.unanswered = true;
        state.time_max = clock::monotonic().saturating_add(state.wait_max);
    });
}

/// The world outside has heard as much as this, and has said what it has to say to that. To be called in [`visit`].
pub fn answered(heard: u64) {
    with(|state| state.unanswered = heard < state.told);
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// Somebody woke this thread.
    Woken,
    /// The futex had another value already.
    Changed,
    /// Nobody woke it before its bound.
    TimedOut,
}

/// Waits for a futex that has this value, with or without a bound.
///
/// # Safety
/// `futex` can be read.
pub unsafe fn futex_wait(futex: *mut u32, value: u32, bound: Option<Duration>) -> Waited {
    let id = me();
    let address = futex as usize;
    let until = bound.map(|bound| clock::monotonic().saturating_add(bound));
    let begun = with(|state| {
        // SAFETY: the caller's; the owners of a futex change it by atomic operations alone.
        if unsafe { AtomicU32::from_ptr(futex) }.load(Ordering::SeqCst) != value {
            return None;
        }
        state.waiting.push(Waiting { address, id, until });
        Some((state.thread(id), state.pass_on()))
    });
    let Some((thread, next)) = begun else { return Waited::Changed };
    if next.is_none_or(|next| !std::ptr::eq(next, &thread.bed)) {
        knock(next);
    }
    sleep(&thread.bed);
    if thread.timed_out.swap(false, Ordering::SeqCst) { Waited::TimedOut } else { Waited::Woken }
}

/// Makes ready up to `count` simulated threads that wait for a futex, those first that have waited longest; says how many.
pub fn futex_wake(futex: *mut u32, count: c_long) -> c_long {
    let address = futex as usize;
    let (woken, next) = with(|state| {
        let mut woken = 0;
        while woken < count
            && let Some(place) = state.waiting.iter().position(|waiting| waiting.address == address)
        {
            let id = state.waiting.remove(place).id;
            state.ready.push_back(id);
            woken += 1;
        }
        // A thread of the world outside may do this while nobody has the turn.
        let next = if woken > 0 && state.turn == NOBODY { state.pass_on() } else { None };
        (woken, next)
    });
    knock(next);
    woken
}
