//! A stream of random numbers for every consumer and operation.

use rand::Rng;
use rand::rngs::StdRng;

use crate::seed::Seed;

/// Who draws. A name, once given, keeps its numbers; a new consumer takes a new name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consumer {
    /// What is done.
    Deeds,
    /// With which rows.
    Rows,
    /// In which process and through which handle.
    Places,
    /// What is read.
    Reads,
    /// What goes on at the same time.
    Concurrency,
    /// In which window a write is held.
    Windows,
    /// What breaks.
    Weather,
    /// What breaks on the wire.
    Wire,
    /// Whether it is calm afterwards.
    Calm,
    /// What breaks in the recovery before it is calm.
    Recovery,
    /// What breaks on the wire then.
    RecoveryWire,
    /// What a stranger does to a table before a repair.
    Drift,
    /// Whether a handle is read-only first, and what is read through it.
    ReadOnly,
    /// Whether the universe is read beside its steps.
    Readers,
    /// Whether another process opens beside a write, and which one.
    Opens,
    /// Whether a write beside another one runs in the background as well.
    Crowd,
    /// Whether what is late arrives.
    Late,
    /// Whether the handles of a universe give others grace.
    Grace,
    /// Whether a write is called again, and from where.
    Again,
}

impl Consumer {
    /// Everyone.
    #[cfg(test)]
    pub const ALL: &[Consumer] = &[
        Consumer::Deeds,
        Consumer::Rows,
        Consumer::Places,
        Consumer::Reads,
        Consumer::Concurrency,
        Consumer::Windows,
        Consumer::Weather,
        Consumer::Wire,
        Consumer::Calm,
        Consumer::Recovery,
        Consumer::RecoveryWire,
        Consumer::Drift,
        Consumer::ReadOnly,
        Consumer::Readers,
        Consumer::Opens,
        Consumer::Crowd,
        Consumer::Late,
        Consumer::Grace,
        Consumer::Again,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Consumer::Deeds => "deeds",
            Consumer::Rows => "rows",
            Consumer::Places => "places",
            Consumer::Reads => "reads",
            Consumer::Concurrency => "concurrency",
            Consumer::Windows => "windows",
            Consumer::Weather => "weather",
            Consumer::Wire => "wire",
            Consumer::Calm => "calm",
            Consumer::Recovery => "recovery",
            Consumer::RecoveryWire => "recovery-wire",
            Consumer::Drift => "drift",
            Consumer::ReadOnly => "read-only",
            Consumer::Readers => "readers",
            Consumer::Opens => "opens",
            Consumer::Crowd => "crowd",
            Consumer::Late => "late",
            Consumer::Grace => "grace",
            Consumer::Again => "again",
        }
    }
}

/// The streams of one universe.
#[derive(Clone, Copy, Debug)]
pub struct Streams {
    seed: Seed,
}

impl Streams {
    /// Streams below this seed.
    pub fn new(seed: Seed) -> Self {
        Streams { seed }
    }

    /// The numbers of one consumer for one operation. However many of them it takes, its next operation and everybody else
    /// draw the same as before.
    pub fn of(&self, consumer: Consumer, operation: u32) -> Draw {
        Draw(self.seed.stream(consumer.name()).stream(&operation.to_string()).rng())
    }
}

/// Draws.
#[derive(Debug)]
pub struct Draw(StdRng);

impl Draw {
    /// Whether something comes true that does so with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.0.random::<f64>() < probability
    }

    /// A number below `count`; 0 if that is 0.
    pub fn below(&mut self, count: usize) -> usize {
        if count == 0 { 0 } else { self.0.random_range(0..count) }
    }

    /// A number from `least` to `most`.
    pub fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most.saturating_sub(least) + 1)
    }

    /// One of these.
    pub fn one_of<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.below(list.len()))
    }

    /// One of these, each as often as its weight says against the others; none where all weights are 0.
    pub fn weighted<T: Copy>(&mut self, list: &[(T, u32)]) -> Option<T> {
        let total: usize = list.iter().map(|(_, weight)| *weight as usize).sum();
        let mut at = self.below(total);
        list.iter().find_map(|(item, weight)| {
            let weight = *weight as usize;
            if at < weight {
                return Some(*item);
            }
            at -= weight;
            None
        })
    }
}
