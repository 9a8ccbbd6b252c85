//! Choices, drawn and written down: whoever replays them makes the same case, and with fewer or smaller ones a smaller case.

use proptest::prelude::{ProptestConfig, Rng};
use proptest::test_runner::{RngAlgorithm, RngSeed, TestRng};

/// What the choices of one case come from. Nothing chosen, and nothing left to replay, is 0: the simplest there is.
pub struct Tape {
    rng: Option<TestRng>,
    choices: Vec<u32>,
    at: usize,
}

impl Tape {
    /// Choices that are drawn: the stream `of` beneath the seed of the run.
    pub fn drawn(seed: u64, of: u64) -> Tape {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&of.to_le_bytes());
        Tape { rng: Some(TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)), choices: Vec::new(), at: 0 }
    }

    pub fn replayed(choices: &[u32]) -> Tape {
        Tape { rng: None, choices: choices.to_vec(), at: 0 }
    }

    /// What was chosen so far.
    pub fn choices(self) -> Vec<u32> {
        self.choices
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u32) -> u32 {
        let choice = match &mut self.rng {
            Some(rng) => {
                let choice = rng.next_u32() % bound;
                self.choices.push(choice);
                choice
            }
            None => self.choices.get(self.at).copied().unwrap_or(0) % bound,
        };
        self.at += 1;
        choice
    }

    /// True in so many of a hundred cases.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.below(100) >= 100 - percent
    }

    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(u32::try_from(of.len()).expect("a short list")) as usize]
    }
}

/// The seed of the run: `PROPTEST_RNG_SEED` as for every test of properties, else another one each time.
pub fn seed() -> u64 {
    match ProptestConfig::default().rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => u64::from_le_bytes(*uuid::Uuid::new_v4().as_bytes().first_chunk().expect("16 bytes")),
    }
}
