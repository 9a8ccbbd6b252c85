//! What readings show: whole commits, in order, and nothing else.
//!
//! Two invariants are judged by them, so that a green cell never claims concurrent readers where there were none: what was
//! read [beside](Which::Beside) a call that writes or recovers, and what was read [between](Which::Between) such calls.

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::{Evidence, OUTSIDE, OperationCall, OperationRecord, ReaderFailure, Reading, Taken};
use super::facts::SchemaFacts;
use super::invariant::{Breach, BreachKind};
use super::model::trajectory::CANDIDATES_MAX;
use super::model::{Candidate, Trajectory, follow};
use super::rows::digest;

/// Which readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those of the readers beside the steps, and every other one during which a call that may write or recover was in
    /// flight.
    Beside,
    /// All others, the looks from outside above all.
    Between,
}

impl Which {
    fn of(evidence: &Evidence, reading: &Reading) -> Which {
        let is_of_a_reader = reading.step.is_none() && reading.handle != OUTSIDE;
        let is_beside = is_of_a_reader || evidence.operations.iter().any(|call| is_in_flight(call, reading));
        if is_beside { Which::Beside } else { Which::Between }
    }

    /// What two readings have against each other is said of those beside a call when one of the two is.
    fn of_both(evidence: &Evidence, one: &Reading, other: &Reading) -> Which {
        match (Which::of(evidence, one), Which::of(evidence, other)) {
            (Which::Between, Which::Between) => Which::Between,
            _ => Which::Beside,
        }
    }
}

/// Whether a call that may change what is visible overlapped a reading.
fn is_in_flight(call: &OperationRecord, reading: &Reading) -> bool {
    !matches!(call.call, OperationCall::Open { read_only: true })
        && call.started < reading.ended
        && call.ended.is_none_or(|ended| ended > reading.started)
}

/// What is missing for a judgement of these readings.
pub fn missing(evidence: &Evidence, which: Which) -> Option<String> {
    if which == Which::Beside && !evidence.reader_failures.is_empty() {
        return None;
    }
    if !evidence.readings.iter().any(|reading| Which::of(evidence, reading) == which) {
        let nobody = match which {
            Which::Beside => "nobody read while a call that writes or recovers was under way",
            Which::Between => "nobody read between the calls",
        };
        return Some(nobody.to_owned());
    }
    let trajectory = follow(evidence);
    match &trajectory {
        Trajectory::Followed { lost, .. } => {
            let readings = within(evidence, lost.as_ref().map(|lost| lost.at));
            let is_there = readings.into_iter().any(|reading| Which::of(evidence, reading) == which);
            if is_there { None } else { trajectory.silent_at_the_end() }
        }
        Trajectory::Contradicted { why } => Some(format!("the reference model was contradicted: {why}")),
        Trajectory::NoSchema => trajectory.silent_at_the_end(),
        Trajectory::TooMany => None,
    }
}

/// Judges these readings. Only called when nothing is [missing].
///
/// # Errors
/// What they showed is no whole commit, or comes in no order.
pub fn judge(evidence: &Evidence, which: Which) -> Result<(), Breach> {
    let failed = |failure: &ReaderFailure| format!("{} could not go on reading: {}", failure.reader, failure.why);
    let failures = evidence.reader_failures.iter().filter(|_| which == Which::Beside);
    let mut lines: Vec<String> = failures.map(failed).collect();
    lines.extend(strange_versions(evidence, which));
    lines.extend(versions_gone_back(evidence, which));
    lines.extend(versions_read_in_two_ways(evidence, which));
    Breach::unless_empty(lines)?;
    let Some(schema) = &evidence.schema else { return Ok(()) };
    let (candidates, lost) = match follow(evidence) {
        Trajectory::Followed { candidates, lost } => (candidates, lost.map(|lost| lost.at)),
        Trajectory::TooMany => {
            let why = format!("writes in doubt leave more than {CANDIDATES_MAX} ways in which things may have gone");
            return Err(Breach::new(BreachKind::Inconclusive, vec![why]));
        }
        Trajectory::Contradicted { .. } | Trajectory::NoSchema => return Ok(()),
    };
    let is_explained =
        |readings: &[&Reading]| candidates.iter().any(|candidate| candidate.explains(evidence, schema, readings));
    let readings = within(evidence, lost);
    let (sound, strange): (Vec<&Reading>, Vec<&Reading>) =
        readings.into_iter().partition(|reading| is_explained(&[*reading]));
    let own = strange.into_iter().filter(|reading| Which::of(evidence, reading) == which);
    Breach::unless_empty(own.flat_map(|reading| explain(schema, &candidates, reading)).collect())?;
    Breach::unless_empty(readers_gone_back(evidence, which, &sound, is_explained))
}

/// Readers whose readings are whole commits each, and fit no order of commits together.
fn readers_gone_back(
    evidence: &Evidence,
    which: Which,
    sound: &[&Reading],
    is_explained: impl Fn(&[&Reading]) -> bool,
) -> Vec<String> {
    let mut readers: Vec<_> = sound.iter().map(|reading| reader_of(reading)).collect();
    readers.sort_unstable();
    readers.dedup();
    let gone_back = readers.into_iter().filter(|reader| {
        let own: Vec<&Reading> = sound.iter().copied().filter(|reading| reader_of(reading) == *reader).collect();
        let is_beside = own.iter().any(|reading| Which::of(evidence, reading) == Which::Beside);
        is_beside == (which == Which::Beside) && !is_explained(&own)
    });
    gone_back
        .map(|(process, handle)| format!("'{handle}' in '{process}' went back: its readings fit no order of commits"))
        .collect()
}

/// Versions that were read and that the history does not know.
fn strange_versions(evidence: &Evidence, which: Which) -> Vec<String> {
    let Some(closing) = &evidence.closing else { return Vec::new() };
    let committed: BTreeSet<u64> = closing.world.commits.iter().map(|commit| commit.graph_version).collect();
    let strange = evidence.readings.iter().filter(|reading| !committed.contains(&reading.graph_version));
    strange
        .filter(|reading| Which::of(evidence, reading) == which)
        .map(|reading| format!("{} read version {}, which is no commit", label(reading), reading.graph_version))
        .collect()
}

/// Snapshots that were fetched from the store and are older than one that somebody had read before.
fn versions_gone_back(evidence: &Evidence, which: Which) -> Vec<String> {
    let fetched = evidence.readings.iter().enumerate().filter(|(_, reading)| reading.taken == Taken::Fetched);
    let gone_back = fetched.filter_map(|(at, reading)| {
        // What one reader fetches comes in order; between two of them only what was over tells which came first.
        let is_own = |other: &Reading| {
            other.taken == Taken::Fetched && other.step.is_none() && reader_of(other) == reader_of(reading)
        };
        let earlier = evidence.readings.iter().enumerate().filter(|(before, other)| {
            other.ended < reading.started || (*before < at && reading.step.is_none() && is_own(other))
        });
        let newest = earlier.map(|(_, other)| other).max_by_key(|other| other.graph_version)?;
        let is_told =
            newest.graph_version > reading.graph_version && Which::of_both(evidence, newest, reading) == which;
        is_told.then(|| {
            format!(
                "{} was given version {} after {} had read version {}",
                label(reading),
                reading.graph_version,
                label(newest),
                newest.graph_version
            )
        })
    });
    gone_back.collect()
}

/// Versions that showed other rows to one reader than to another, or at another time.
fn versions_read_in_two_ways(evidence: &Evidence, which: Which) -> Vec<String> {
    let mut known: BTreeMap<(u64, &str), (&Reading, String)> = BTreeMap::new();
    let mut lines = Vec::new();
    for reading in &evidence.readings {
        for (type_name, rows) in &reading.rows {
            let digest = digest(rows);
            let (first, wanted) =
                known.entry((reading.graph_version, type_name)).or_insert_with(|| (reading, digest.clone()));
            if *wanted != digest && Which::of_both(evidence, first, reading) == which {
                lines.push(format!(
                    "{type_name} at version {} showed {} rows to {} and {} other ones to {}",
                    reading.graph_version,
                    first.rows[type_name].len(),
                    label(first),
                    rows.len(),
                    label(reading)
                ));
            }
        }
    }
    lines
}

fn reader_of(reading: &Reading) -> (&str, &str) {
    (&reading.process, &reading.handle)
}

fn label(reading: &Reading) -> String {
    match reading.step {
        Some(step) => format!("'{}' in step {step}", reading.handle),
        None => format!("'{}'", reading.handle),
    }
}

/// Readings that were over before the model lost track, in the order in which they started.
fn within(evidence: &Evidence, lost: Option<u64>) -> Vec<&Reading> {
    let mut readings: Vec<&Reading> =
        evidence.readings.iter().filter(|reading| lost.is_none_or(|lost| reading.ended < lost)).collect();
    readings.sort_by_key(|reading| reading.started);
    readings
}

/// What the reading has against the nearest state there was.
fn explain(schema: &SchemaFacts, candidates: &[Candidate], reading: &Reading) -> Vec<String> {
    let moments = candidates.iter().flat_map(|candidate| &candidate.past);
    let nearest = moments
        .filter(|moment| moment.latest_started < reading.ended)
        .map(|moment| moment.state.differences(schema, &reading.rows))
        .min_by_key(Vec::len)
        .unwrap_or_default();
    let why = if nearest.is_empty() {
        "missed a write that had been acknowledged before"
    } else {
        "saw no whole commit; against the nearest one:"
    };
    std::iter::once(format!("{} at version {} {why}", label(reading), reading.graph_version)).chain(nearest).collect()
}
