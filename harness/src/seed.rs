//! Where randomness comes from: one root seed for a run, and a stream by name for every consumer.
//!
//! A stream's seed is a hash of its parent's seed and its name. A new consumer therefore never moves the numbers that
//! another one draws, and a cell draws the same numbers whether it runs alone or among others.

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A seed: the root of a run, or a stream below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// A seed that nobody chose. The one place where the harness asks the system for randomness.
    pub fn fresh() -> Self {
        // Few digits: it will be typed again by whoever reproduces the run.
        Seed(rand::random::<u64>() >> 24)
    }

    /// The stream of this name below this seed.
    #[must_use]
    pub fn stream(self, name: &str) -> Self {
        let mut hash = Fnv::new();
        hash.write(&self.0.to_le_bytes());
        hash.write(name.as_bytes());
        Seed(finish(hash.0))
    }

    /// The word at this place of the seed's sequence: numbers without a state, of which no two places have the same.
    pub fn word(self, place: u64) -> u64 {
        finish(self.0.wrapping_add(place.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// A generator that starts at this seed.
    pub fn rng(self) -> StdRng {
        StdRng::seed_from_u64(self.0)
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16),
            None => text.parse(),
        }
        .map(Seed)
        .map_err(|error| format!("'{text}' is not a seed: {error}"))
    }
}

/// FNV-1a, 64 bits: stable over platforms and releases, which the standard library's hasher does not promise.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// Spreads every input bit over all output bits (the finaliser of SplitMix64); FNV alone leaves close names close.
fn finish(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::Seed;

    #[test]
    fn a_stream_depends_on_its_name_and_its_parent_only() {
        let root = Seed(7);
        assert_eq!(root.stream("cell"), root.stream("cell"));
        assert_ne!(root.stream("cell"), root.stream("cells"));
        assert_ne!(root.stream("cell"), Seed(8).stream("cell"));
    }

    #[test]
    fn streams_stay_what_they_were_in_earlier_releases() {
        // A replay of an old bundle must draw the old numbers: this value changes only together with the bundle format.
        assert_eq!(Seed(1).stream("faults"), Seed(0xd62b701b9a1dc4d6));
    }

    #[test]
    fn a_seed_is_read_in_decimal_and_in_hexadecimal() {
        assert_eq!("255".parse(), Ok(Seed(255)));
        assert_eq!("0xff".parse(), Ok(Seed(255)));
        assert!("red".parse::<Seed>().is_err());
    }
}
