//! A part of a process that a seed determines: its entropy, the time of day, and which of its threads runs when.
//!
//! Lance draws its own UUIDs, reads the clock and computes on threads of its own, and has no seam for any of it. The seam is
//! therefore libc, as in the `mad-turmoil` crate: this program defines the few functions through which Rust asks for entropy,
//! for the time, for a thread and for a wait ([`seam`]). They answer from the seed for *simulated* threads, and pass every
//! other thread on to the real function: the supervisor, the threads of other backends and a test that does not ask for it are
//! as they would be without. A thread is simulated when it called [`begin`] or was started by one that is.
//!
//! Simulated threads take turns: one runs, until it waits, and whoever became ready first goes on ([`turns`]).
//!
//! The world outside gets its word in when everybody rests ([`at_rest`]). Time passes when everybody waits ([`clock`]), which would
//! be a race with whoever is about to say something: what is said in either direction stops time ([`tell`], [`interrupt`]), until
//! the world outside says that it has heard everything and waits itself ([`answered`]).
//!
//! Addresses count as well: which of parking_lot's queues a lock has, and with it who gets a contended one, follows from where
//! it lies. A process that simulates is therefore started without address space randomization ([`lay_out`]), where the system
//! lets it be.
//!
//! It exists on Linux with glibc, on two architectures. Elsewhere [`begin`] does nothing, and a seed fixes less.

pub mod clock;

#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod seam;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod turns;

#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub use self::linux::{Simulated, answered, at_rest, begin, interrupt, lay_out, tell};

#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod linux {
    use std::marker::PhantomData;
    use std::time::Duration;

    use tokio::process::Command;

    use super::{clock, seam, turns};
    use crate::seed::Seed;

    /// Makes this thread a simulated one, at the beginning of the seed's entropy and of time. What the thread has drawn before
    /// stays drawn, such as the keys of its hash maps: it has to be a new one. One simulation at a time in a process. No more
    /// time than `wait_max` passes after anything that the world outside has said: a wait beyond that does not end.
    pub fn begin(seed: Seed, wait_max: Duration) -> Simulated {
        turns::join(wait_max);
        seam::seed(seed.stream("entropy"));
        clock::restart();
        Simulated(PhantomData)
    }

    /// This thread is a simulated one until this is dropped.
    #[must_use = "the thread is a simulated one until this is dropped"]
    pub struct Simulated(PhantomData<*const ()>);

    impl Drop for Simulated {
        fn drop(&mut self) {
            turns::leave();
        }
    }

    /// Sees to it that everything in a process that is about to be started lies where it lies in every other run.
    pub fn lay_out(command: &mut Command) {
        #[allow(unsafe_code)]
        // SAFETY: between fork and exec there is one system call, and nothing is allocated.
        unsafe {
            command.pre_exec(|| {
                // A container may forbid it. A seed then fixes a little less, and nothing else is different.
                libc::personality(libc::ADDR_NO_RANDOMIZE as libc::c_ulong);
                Ok(())
            })
        };
    }

    /// Does something on behalf of the world outside while every simulated thread rests, and waits until they do.
    pub fn at_rest<T>(work: impl FnOnce() -> T) -> T {
        turns::visit(work)
    }

    /// Something was said to the world outside: no time passes until it has answered that, too.
    pub fn tell() {
        turns::tell();
    }

    /// The world outside begins to say something: no time passes until it has [`answered`]. Within [`at_rest`].
    pub fn interrupt() {
        turns::interrupt();
    }

    /// The world outside has heard the first `heard` things that it was told, has said what it has to say, and waits. Time passes
    /// if that was all of them. Within [`at_rest`].
    pub fn answered(heard: u64) {
        turns::answered(heard);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod elsewhere {
    use std::time::Duration;

    use tokio::process::Command;

    use super::clock;
    use crate::seed::Seed;

    /// Nothing here.
    pub fn lay_out(_command: &mut Command) {}

    /// Does nothing here but to set the simulated clock back.
    pub fn begin(_seed: Seed, _wait_max: Duration) -> Simulated {
        clock::restart();
        Simulated
    }

    /// Nothing here.
    pub struct Simulated;

    /// Does it.
    pub fn at_rest<T>(work: impl FnOnce() -> T) -> T {
        work()
    }

    /// Nothing here: waits are real.
    pub fn tell() {}

    /// Nothing here.
    pub fn interrupt() {}

    /// Nothing here.
    pub fn answered(_heard: u64) {}
}

#[cfg(not(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64"))))]
pub use self::elsewhere::{Simulated, answered, at_rest, begin, interrupt, lay_out, tell};

#[cfg(test)]
mod tests;
