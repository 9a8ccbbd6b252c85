//! Mistakes in what a caller wants to write: many are found before the write is refused.

use std::fmt;

use crate::error::Error;
pub(crate) use crate::value::excerpt;

/// Mistakes that an error names; the rest is counted.
const SHOWN_MAX: usize = 20;
/// Mistakes that are kept while the first ones are not known yet, because checks run in the order of hashes.
const KEPT_MAX: usize = 1_000;

/// What the numbers of a caller's input count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Lines of a load, from 1.
    Line,
    /// Statements of a mutation, from 1.
    Statement,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::Line => "line",
            Origin::Statement => "statement",
        })
    }
}

/// A collection of mistakes that stays small.
#[derive(Debug)]
pub(crate) struct Mistakes {
    origin: Origin,
    /// Place (0: nowhere in particular), then text.
    found: Vec<(u64, String)>,
    count: u64,
    advice: Option<&'static str>,
}

impl Mistakes {
    pub(crate) fn new(origin: Origin) -> Self {
        Mistakes { origin, found: Vec::new(), count: 0, advice: None }
    }

    pub(crate) fn origin(&self) -> Origin {
        self.origin
    }

    pub(crate) fn push(&mut self, place: u64, text: impl Into<String>) {
        self.count += 1;
        self.found.push((place, text.into()));
        if self.found.len() > KEPT_MAX {
            self.found.sort();
            self.found.truncate(SHOWN_MAX);
        }
    }

    /// Adds mistakes whose places count from `offset`.
    pub(crate) fn append(&mut self, other: Mistakes, offset: u64) {
        let unseen = other.count - other.found.len() as u64;
        for (place, text) in other.found {
            self.push(place + offset, text);
        }
        self.count += unseen;
        self.advice = self.advice.or(other.advice);
    }

    /// Advice that goes with the whole; the first one stays.
    pub(crate) fn advise(&mut self, advice: &'static str) {
        self.advice.get_or_insert(advice);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether there are as many as an error names, so that looking for more is of no use.
    pub(crate) fn is_full(&self) -> bool {
        self.count >= SHOWN_MAX as u64
    }

    /// The refusal, if there was any mistake.
    pub(crate) fn into_result(mut self) -> Result<(), Error> {
        if self.is_empty() {
            return Ok(());
        }
        self.found.sort();
        self.found.truncate(SHOWN_MAX);
        let left_out = self.count - self.found.len() as u64;
        let mut texts: Vec<String> = self.found.iter().map(|(place, text)| self.line(*place, text)).collect();
        if left_out > 0 {
            texts.push(format!("and {left_out} more"));
        }
        let message = match texts.as_slice() {
            [only] => format!("refused, nothing was written: {only}"),
            many => format!("refused, nothing was written; {} mistakes:\n  {}", self.count, many.join("\n  ")),
        };
        let error = Error::invalid(message);
        Err(match self.advice {
            Some(advice) => error.with_advice(advice),
            None => error,
        })
    }

    fn line(&self, place: u64, text: &str) -> String {
        match place {
            0 => text.to_owned(),
            place => format!("{} {place}: {text}", self.origin),
        }
    }
}
