//! What was compared, so that nobody takes a test for more than it is.

use std::collections::BTreeMap;
use std::fmt;

use omnigraph::{Error, ErrorKind};

/// What the engine may decline, as its pages say; each by a word of the advice that it gives.
const REFUSALS: [&str; 4] =
    ["NOT EXISTS", "a scalar subquery that counts", "write it as a join", "asks nothing of the group"];

/// The refusal that an error is, if it is one that the engine has announced.
pub fn refusal(error: &Error) -> Option<&'static str> {
    let told = error.to_string();
    REFUSALS.into_iter().find(|word| error.kind() == ErrorKind::Invalid && told.contains(word))
}

#[derive(Default)]
pub struct Ledger {
    pub compared: u32,
    pub rows: u64,
    /// Statements that were compared, by what stands in them.
    pub features: BTreeMap<&'static str, u32>,
    /// Statements that the engine declined.
    pub refused: BTreeMap<&'static str, u32>,
    /// Mutations that both engines declined.
    pub forbidden: u32,
}

impl Ledger {
    pub fn compared(&mut self, features: &[&'static str], rows: usize) {
        self.compared += 1;
        self.rows += rows as u64;
        for feature in features {
            *self.features.entry(feature).or_default() += 1;
        }
    }

    pub fn refused(&mut self, why: &'static str) {
        *self.refused.entry(why).or_default() += 1;
    }

    /// Fails when so little was compared that the test says nothing, or so much was refused.
    pub fn settle(&self, features: &[&str], at_least: u32) {
        for feature in features {
            let compared = self.features.get(feature).copied().unwrap_or(0);
            assert!(compared >= at_least, "{feature} was compared {compared} times, not {at_least}:\n{self}");
        }
        let refused: u32 = self.refused.values().sum();
        assert!(refused * 10 <= self.compared, "more than a tenth of the statements was refused:\n{self}");
        assert!(self.rows > u64::from(self.compared) / 4, "nearly all answers were empty:\n{self}");
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} statements compared, {} rows", self.compared, self.rows)?;
        if self.forbidden > 0 {
            write!(f, "; {} forbidden by both", self.forbidden)?;
        }
        for (feature, count) in &self.features {
            write!(f, "\n  {count:>6} {feature}")?;
        }
        for (why, count) in &self.refused {
            write!(f, "\n  {count:>6} refused, with the advice to write {why}")?;
        }
        Ok(())
    }
}
