//! What fired in a run, from its events.

use std::collections::BTreeSet;
use std::io::BufRead;

use crate::event::{Event, FaultFamily, FinishedCell, Record, Verdict};

/// How a fault strikes a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strike {
    /// The window returns an error.
    Error,
    /// The process dies in it.
    Crash,
}

impl Strike {
    /// Both.
    pub const ALL: [Strike; 2] = [Strike::Error, Strike::Crash];

    /// Its name on the page.
    pub fn as_str(self) -> &'static str {
        match self {
            Strike::Error => "error",
            Strike::Crash => "crash",
        }
    }

    /// From what a failpoint did; delays and holds are none of the two.
    fn of(did: &str) -> Option<Strike> {
        match did {
            "return" => Some(Strike::Error),
            "crash" => Some(Strike::Crash),
            _ => None,
        }
    }
}

/// What was struck in cells that were judged and held.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    struck: BTreeSet<(String, String, Strike)>,
    ran: BTreeSet<String>,
}

impl Ledger {
    /// Takes the next event.
    pub fn take(&mut self, record: &Record) {
        match &record.event {
            Event::BackendReady { backend, .. } => {
                self.ran.insert(backend.clone());
            }
            Event::CellFinished(finished) if counts(finished) => {
                let failpoints = finished.faults.iter().filter(|tally| tally.fault.family == FaultFamily::Failpoint);
                for firing in failpoints.flat_map(|tally| &tally.firings) {
                    if let Some(strike) = Strike::of(&firing.did) {
                        self.struck.insert((firing.at.clone(), finished.cell.backend.clone(), strike));
                    }
                }
            }
            _ => {}
        }
    }

    /// Takes a run that was written as JSON lines.
    ///
    /// # Errors
    /// A line that cannot be read, or that is no event.
    pub fn take_lines(&mut self, lines: impl BufRead) -> Result<(), String> {
        records(lines, |record| self.take(&record))
    }

    /// Whether a crossing, such as `load:sidecar.write`, was struck on a backend in a cell that held.
    pub fn is_struck(&self, crossing: &str, backend: &str, strike: Strike) -> bool {
        self.struck.contains(&(crossing.to_owned(), backend.to_owned(), strike))
    }

    /// Whether the backend took part in the run.
    pub fn ran(&self, backend: &str) -> bool {
        self.ran.contains(backend)
    }
}

/// Reads a run that was written as JSON lines.
///
/// # Errors
/// A line that cannot be read, or that is no event.
pub fn records(lines: impl BufRead, mut take: impl FnMut(Record)) -> Result<(), String> {
    for (line, number) in lines.lines().zip(1..) {
        let line = line.map_err(|error| format!("line {number} cannot be read: {error}"))?;
        let record = serde_json::from_str(&line);
        take(record.map_err(|error| {
            format!("line {number} is no event of a run: {error}; give a file that 'chaos run --json-lines' wrote")
        })?);
    }
    Ok(())
}

/// A canary shows what the harness sees and nothing of the engine; what is not green shows nothing yet.
fn counts(finished: &FinishedCell) -> bool {
    finished.verdict == Verdict::Held && !finished.canary
}
