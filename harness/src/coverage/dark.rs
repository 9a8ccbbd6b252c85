//! Windows that stay dark, each with the argument why no scenario can, or need, strike it.

use globset::{Glob, GlobMatcher};
use serde::Deserialize;

use super::ledger::Strike;

/// The list, as it was read.
#[derive(Debug, Default)]
pub struct Reasons {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    written: Written,
    crossing: GlobMatcher,
}

/// One entry of the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// A crossing such as `repair:sidecar.list`, or a glob over them.
    failpoint: String,
    /// `error` or `crash`; both, if not said.
    strike: Option<String>,
    /// Backends; all, if not said.
    #[serde(default)]
    backends: Vec<String>,
    /// The argument.
    reason: String,
}

impl Reasons {
    /// Reads the list.
    ///
    /// # Errors
    /// It is no such list, or an entry argues nothing.
    pub fn parse(text: &str) -> Result<Self, String> {
        let written: Option<Vec<Written>> = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
        let entries = written.unwrap_or_default().into_iter().map(Entry::new).collect::<Result<_, _>>()?;
        Ok(Reasons { entries })
    }

    /// The number, counted from 1, of the first entry that argues for this square.
    pub fn find(&self, crossing: &str, backend: &str, strike: Strike) -> Option<usize> {
        self.entries.iter().position(|entry| entry.covers(crossing, backend, strike)).map(|index| index + 1)
    }

    /// The arguments in order, each with what it is about.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|entry| (entry.written.failpoint.as_str(), entry.written.reason.trim()))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.entries.len()
    }
}

impl Entry {
    fn new(written: Written) -> Result<Self, String> {
        let about = &written.failpoint;
        if written.reason.trim().len() < 20 {
            return Err(format!("the entry for {about} argues nothing; say why no scenario can strike it"));
        }
        if !matches!(written.strike.as_deref(), None | Some("error" | "crash")) {
            return Err(format!("the entry for {about} has another strike than 'error' or 'crash'"));
        }
        let crossing = Glob::new(about).map_err(|error| format!("'{about}' is no failpoint: {error}"))?;
        Ok(Entry { crossing: crossing.compile_matcher(), written })
    }

    fn covers(&self, crossing: &str, backend: &str, strike: Strike) -> bool {
        let Written { strike: only, backends, .. } = &self.written;
        self.crossing.is_match(crossing)
            && only.as_deref().is_none_or(|only| only == strike.as_str())
            && (backends.is_empty() || backends.iter().any(|name| name == backend))
    }
}
