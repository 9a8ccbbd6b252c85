//! The functions of libc that a simulation answers itself. The linker takes a definition in the program before the one in
//! libc, so every crate that asks libc asks here: the standard library, the `getrandom` crates, `uuid`, tokio.
//!
//! | function | who calls it | for a simulated thread |
//! |---|---|---|
//! | `getrandom`, `getentropy` | the keys of hash maps, `getrandom` 0.3 and 0.4 and with them `uuid`, `rand` and `ahash` | the seed's stream |
//! | `syscall` | `getrandom` 0.2; every futex of the standard library, tokio and parking_lot | the seed's stream; [`turns`] |
//! | `clock_gettime` | `SystemTime` and with it chrono; `Instant` | simulated, but for the time that a processor was used |
//! | `pthread_create` | every start of a thread | the new thread is simulated, too |
//! | `pthread_join` | whoever waits for the end of a thread | the turn goes on meanwhile |
//! | `sched_yield` | spinning | lets the others go on |
//!
//! All of it is off, and passed on as it came, for every thread that is not simulated.

#![allow(unsafe_code)]

use std::ffi::{CStr, c_void};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use libc::{c_int, c_long, c_uint, clockid_t, pthread_attr_t, pthread_t, size_t, ssize_t, timespec};

use super::{clock, turns};
use crate::seed::Seed;

static SEED: AtomicU64 = AtomicU64::new(0);
/// Words of entropy that were drawn. One count for all threads: they take turns.
static DRAWN: AtomicU64 = AtomicU64::new(0);

/// Starts the stream of entropy.
pub fn seed(seed: Seed) {
    SEED.store(seed.0, Ordering::SeqCst);
    DRAWN.store(0, Ordering::SeqCst);
}

/// A function of libc behind the one of the same name here, looked up once.
struct Real {
    name: &'static CStr,
    address: AtomicUsize,
}

impl Real {
    const fn new(name: &'static CStr) -> Self {
        Real { name, address: AtomicUsize::new(0) }
    }

    fn address(&self) -> usize {
        let known = self.address.load(Ordering::Relaxed);
        if known != 0 {
            return known;
        }
        // SAFETY: the name is a C string; the next definition after the one in this program is libc's.
        let found = unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr()) } as usize;
        if found == 0 {
            // Neither a panic nor a message can do without the function.
            std::process::abort();
        }
        self.address.store(found, Ordering::Relaxed);
        found
    }
}

type Start = extern "C" fn(*mut c_void) -> *mut c_void;
type GetRandom = unsafe extern "C" fn(*mut c_void, size_t, c_uint) -> ssize_t;
type ClockGettime = unsafe extern "C" fn(clockid_t, *mut timespec) -> c_int;
type PthreadCreate = unsafe extern "C" fn(*mut pthread_t, *const pthread_attr_t, Start, *mut c_void) -> c_int;
type PthreadJoin = unsafe extern "C" fn(pthread_t, *mut *mut c_void) -> c_int;
type SchedYield = unsafe extern "C" fn() -> c_int;
type Syscall = unsafe extern "C" fn(c_long, ...) -> c_long;

static GETRANDOM: Real = Real::new(c"getrandom");
static CLOCK_GETTIME: Real = Real::new(c"clock_gettime");
static PTHREAD_CREATE: Real = Real::new(c"pthread_create");
static PTHREAD_JOIN: Real = Real::new(c"pthread_join");
static SCHED_YIELD: Real = Real::new(c"sched_yield");
static SYSCALL: Real = Real::new(c"syscall");

/// The function of libc behind `$real`, as a function of type `$kind`. Safe where that is the type of the function of this name,
/// as it is in each place below.
macro_rules! real {
    ($real:ident as $kind:ty) => {
        std::mem::transmute::<usize, $kind>($real.address())
    };
}

fn set_errno(code: c_int) {
    // SAFETY: libc gives every thread a place of its own for it.
    unsafe { *libc::__errno_location() = code };
}

fn errno() -> c_int {
    // SAFETY: as above.
    unsafe { *libc::__errno_location() }
}

/// The futex call of the kernel; an error is returned as its negative number, and `errno` stays what it was.
///
/// # Safety
/// `futex` can be read.
pub unsafe fn real_futex(futex: *mut u32, operation: c_int, value: u32, timeout: Option<Duration>) -> i64 {
    let before = errno();
    let timeout = timeout.map(|timeout| timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(timeout.subsec_nanos()),
    });
    let timeout: *const timespec = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let any = libc::FUTEX_BITSET_MATCH_ANY;
    // SAFETY: the caller's.
    let ended = unsafe {
        real!(SYSCALL as Syscall)(libc::SYS_futex, futex, operation, value, timeout, std::ptr::null::<u32>(), any)
    };
    let ended = if ended == -1 { -i64::from(errno()) } else { ended };
    set_errno(before);
    ended
}

/// Lets the kernel run another thread.
pub fn real_yield() {
    // SAFETY: it takes nothing.
    unsafe { real!(SCHED_YIELD as SchedYield)() };
}

/// Fills `buffer` from the seed's stream.
///
/// # Safety
/// `buffer` can be written for `length` bytes.
unsafe fn draw(buffer: *mut c_void, length: size_t) {
    // SAFETY: the caller's; bytes need no initialisation to be overwritten through a pointer.
    let buffer = buffer.cast::<u8>();
    let seed = Seed(SEED.load(Ordering::Relaxed));
    let mut place = 0;
    while place < length {
        let word = seed.word(DRAWN.fetch_add(1, Ordering::Relaxed)).to_le_bytes();
        let part = (length - place).min(word.len());
        // SAFETY: `place + part` is at most `length`.
        unsafe { std::ptr::copy_nonoverlapping(word.as_ptr(), buffer.add(place), part) };
        place += part;
    }
}

/// See getrandom(2).
///
/// # Safety
/// `buffer` can be written for `length` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(buffer: *mut c_void, length: size_t, flags: c_uint) -> ssize_t {
    if !turns::is_simulated() {
        // SAFETY: the caller's.
        return unsafe { real!(GETRANDOM as GetRandom)(buffer, length, flags) };
    }
    // SAFETY: the caller's.
    unsafe { draw(buffer, length) };
    length as ssize_t
}

/// See getentropy(3).
///
/// # Safety
/// `buffer` can be written for `length` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn getentropy(buffer: *mut c_void, length: size_t) -> c_int {
    if length > 256 {
        set_errno(libc::EIO);
        return -1;
    }
    // SAFETY: the caller's.
    if unsafe { getrandom(buffer, length, 0) } == length as ssize_t { 0 } else { -1 }
}

/// See clock_gettime(2).
///
/// # Safety
/// `time` can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: clockid_t, time: *mut timespec) -> c_int {
    let now = match clock {
        _ if !turns::is_simulated() => None,
        libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE => {
            u64::try_from(clock::read_ms()).ok().map(Duration::from_millis)
        }
        libc::CLOCK_MONOTONIC | libc::CLOCK_MONOTONIC_RAW | libc::CLOCK_MONOTONIC_COARSE | libc::CLOCK_BOOTTIME => {
            Some(clock::read_monotonic())
        }
        // Such as the processor time that a thread has used.
        _ => None,
    };
    let Some(now) = now else {
        // SAFETY: the caller's.
        return unsafe { real!(CLOCK_GETTIME as ClockGettime)(clock, time) };
    };
    // SAFETY: the caller's.
    unsafe { time.write(timespec { tv_sec: now.as_secs() as i64, tv_nsec: i64::from(now.subsec_nanos()) }) };
    0
}

/// What a simulated thread is started with.
struct Started {
    id: u32,
    start: Start,
    argument: *mut c_void,
}

extern "C" fn run_in_turn(argument: *mut c_void) -> *mut c_void {
    // SAFETY: `pthread_create` below made it by `into_raw`, for this thread alone.
    let started = unsafe { Box::from_raw(argument.cast::<Started>()) };
    turns::arrive(started.id);
    let result = (started.start)(started.argument);
    turns::leave();
    result
}

/// See pthread_create(3).
///
/// # Safety
/// As libc asks for it.
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_create(
    thread: *mut pthread_t,
    attributes: *const pthread_attr_t,
    start: Start,
    argument: *mut c_void,
) -> c_int {
    // SAFETY: the type is the function's.
    let create = unsafe { real!(PTHREAD_CREATE as PthreadCreate) };
    if !turns::is_simulated() {
        // SAFETY: the caller's.
        return unsafe { create(thread, attributes, start, argument) };
    }
    let id = turns::reserve();
    let started = Box::into_raw(Box::new(Started { id, start, argument }));
    // SAFETY: the caller's; what is passed in the place of its argument is freed by the new thread.
    let failed = unsafe { create(thread, attributes, run_in_turn, started.cast()) };
    if failed != 0 {
        turns::cancel(id);
        // SAFETY: there is no thread that would free it.
        drop(unsafe { Box::from_raw(started) });
        return failed;
    }
    // SAFETY: libc has written it. The new thread does not run before this one waits.
    turns::name(id, unsafe { thread.read() });
    0
}

/// See pthread_join(3).
///
/// # Safety
/// As libc asks for it.
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_join(thread: pthread_t, result: *mut *mut c_void) -> c_int {
    if turns::is_simulated() {
        turns::wait_for_end(thread);
    }
    // SAFETY: the caller's. A simulated thread has nothing more to do than to be gone.
    unsafe { real!(PTHREAD_JOIN as PthreadJoin)(thread, result) }
}

/// See sched_yield(2).
#[unsafe(no_mangle)]
extern "C" fn sched_yield() -> c_int {
    if turns::is_simulated() {
        turns::give_way();
        return 0;
    }
    // SAFETY: it takes nothing.
    unsafe { real!(SCHED_YIELD as SchedYield)() }
}

/// See syscall(2). It is declared with a variable number of arguments and defined with six: a caller passes those that it
/// has, and on both architectures the others are read from registers, or from the stack right above the return address, where
/// there is always something to be read. libc's own does the same.
///
/// # Safety
/// As the kernel asks for it.
#[unsafe(no_mangle)]
unsafe extern "C" fn syscall(
    number: c_long,
    a: c_long,
    b: c_long,
    c: c_long,
    d: c_long,
    e: c_long,
    f: c_long,
) -> c_long {
    let (futex, operation) = (a as *mut u32, b as c_int);
    let command = operation & !(libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME);
    let simulated = turns::is_simulated();
    match (number, command) {
        (libc::SYS_getrandom, _) if simulated => {
            // SAFETY: the caller's.
            unsafe { draw(a as *mut c_void, b as size_t) };
            b
        }
        (libc::SYS_futex, libc::FUTEX_WAIT | libc::FUTEX_WAIT_BITSET) if simulated => {
            // SAFETY: the caller's.
            let bound = unsafe { (d as *const timespec).as_ref() };
            let bound = bound.map(|bound| match command {
                libc::FUTEX_WAIT => duration(bound),
                _ => duration(bound).saturating_sub(clock::read_monotonic()),
            });
            // SAFETY: the caller's.
            match unsafe { turns::futex_wait(futex, c as u32, bound) } {
                turns::Waited::Woken => 0,
                turns::Waited::Changed => failed(libc::EAGAIN),
                turns::Waited::TimedOut => failed(libc::ETIMEDOUT),
            }
        }
        (libc::SYS_futex, libc::FUTEX_WAKE | libc::FUTEX_WAKE_BITSET) => {
            let count = c_long::from(c as c_int);
            let woken = turns::futex_wake(futex, count);
            if woken >= count {
                return woken;
            }
            // The others, if there are any, are not simulated, and wait in the kernel.
            // SAFETY: the caller's.
            let others = unsafe { real!(SYSCALL as Syscall)(number, a, b, count - woken, d, e, f) };
            if others < 0 { others } else { woken + others }
        }
        // SAFETY: the caller's.
        _ => unsafe { real!(SYSCALL as Syscall)(number, a, b, c, d, e, f) },
    }
}

fn duration(time: &timespec) -> Duration {
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn failed(code: c_int) -> c_long {
    set_errno(code);
    -1
}
