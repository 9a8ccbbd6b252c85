//! The search: candidates are offered, run, and taken where they fail in the same way.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

use super::bench::Bench;
use super::chance::without_chance;
use super::failure::{Failure, Trial};
use super::pass::{PASSES, Pass};
use super::relax::{control, cut_after, relaxed};
use super::settle::settle;
use super::{faults, values};
use crate::scenario::Scenario;
use crate::scenario::model::{Action, Step};
use crate::seed::Seed;

/// Runs that a failure is given to happen again, and that the result is proved by.
const RUNS_OF_PROOF: usize = 3;
/// Expectations of one candidate that are given up one after another.
const RELAXED_MAX: usize = 6;
/// Rounds over all passes; what one pass takes out can make another one possible.
const ROUNDS_MAX: usize = 5;

/// How much is tried.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Most runs of candidates.
    pub candidates_max: u64,
    /// Longest time that new candidates are tried.
    pub time_max: Duration,
    /// Candidates that run at the same time.
    pub batch: usize,
}

/// How large a scenario is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Its steps.
    pub steps: usize,
    /// Its faults.
    pub faults: usize,
    /// Rows that it writes down, the setup's included.
    pub rows: usize,
}

impl Size {
    fn of(scenario: &Scenario) -> Size {
        Size {
            steps: scenario.steps.len(),
            faults: faults::failpoints(scenario) + faults::store_faults(scenario) + faults::wire_faults(scenario),
            rows: values::rows(scenario) + values::setup(scenario),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let (steps, faults, rows) =
            (counted(self.steps, "step"), counted(self.faults, "fault"), counted(self.rows, "row"));
        write!(f, "{steps}, {faults}, {rows}")
    }
}

/// What the search says while it goes on.
#[derive(Clone, Debug)]
pub enum Progress {
    /// The failure happened again, so often in so many runs.
    Reproduced {
        /// What it is.
        failure: Failure,
        /// Runs that failed.
        failed: usize,
        /// Runs.
        runs: usize,
        /// How large it is.
        size: Size,
    },
    /// A smaller scenario fails as well.
    Smaller {
        /// What was taken out or put more simply.
        what: &'static str,
        /// How large it is now.
        size: Size,
        /// Runs so far.
        candidates: u64,
    },
    /// The result is run again.
    Proving,
}

/// Why a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Nothing more can be taken out.
    Smallest,
    /// As many candidates as allowed were run.
    Candidates,
    /// The time is up.
    Time,
    /// It was interrupted.
    Interrupted,
}

/// What a search came to.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The scenario.
    pub scenario: Scenario,
    /// What it fails with.
    pub failure: Failure,
    /// The run that showed it.
    pub trial: Trial,
    /// Of so many more runs of the result.
    pub runs: usize,
    /// So many failed in the same way.
    pub failed: usize,
    /// Runs of candidates.
    pub candidates: u64,
    /// Why the search ended.
    pub why: Why,
    /// How large the failure was.
    pub before: Size,
    /// How large the result is.
    pub after: Size,
}

/// Shrinks a scenario that failed as `recorded`, with the seed that it failed with.
///
/// # Errors
/// There is nothing to shrink, or it does not happen again.
pub async fn shrink<B: Bench>(
    bench: &mut B,
    scenario: &Scenario,
    seed: Seed,
    recorded: &Trial,
    bounds: Bounds,
    tell: &mut dyn FnMut(&Progress),
) -> Result<Shrunk, String> {
    let failure = Failure::of(recorded)?;
    let best = Scenario { seed: Some(seed.0), known: None, canary: None, ..scenario.clone() };
    let before = Size::of(&best);
    let mut search = Search {
        bench,
        bounds,
        tell,
        trial: recorded.clone(),
        best,
        failure,
        tolerant: false,
        guarded: true,
        tries: 1,
        candidates: 0,
        known: BTreeSet::new(),
        started: Instant::now(),
        over: None,
    };
    search.reproduce().await?;
    search.begin().await;
    search.without_chance(seed).await;
    search.passes().await;
    Ok(search.proved(before).await)
}

struct Search<'a, B> {
    bench: &'a mut B,
    bounds: Bounds,
    tell: &'a mut dyn FnMut(&Progress),
    failure: Failure,
    /// Whether a step may deviate beside the invariants that break.
    tolerant: bool,
    /// Whether a failing step is told from a wrong expectation by a run without faults.
    guarded: bool,
    best: Scenario,
    trial: Trial,
    /// Runs that one candidate is given to fail.
    tries: usize,
    candidates: u64,
    known: BTreeSet<String>,
    started: Instant,
    over: Option<Why>,
}

impl<B: Bench> Search<'_, B> {
    async fn reproduce(&mut self) -> Result<(), String> {
        let mut trials = Vec::new();
        for runs in [1, RUNS_OF_PROOF - 1] {
            let again = vec![self.best.clone(); runs];
            trials.extend(self.run(&again).await.ok_or("it was interrupted before the failure happened again")?);
            let failed: Vec<&Trial> = trials.iter().filter(|trial| self.is_the_failure(trial)).collect();
            let Some(first) = failed.first() else { continue };
            self.trial = (*first).clone();
            if failed.len() < trials.len() {
                self.tries = RUNS_OF_PROOF;
            }
            let (failure, size) = (self.failure.clone(), Size::of(&self.best));
            (self.tell)(&Progress::Reproduced { failure, failed: failed.len(), runs: trials.len(), size });
            return Ok(());
        }
        let came_to: BTreeSet<String> = trials.iter().map(|trial| trial.verdict.name().to_string()).collect();
        let came_to: Vec<String> = came_to.into_iter().collect();
        Err(format!(
            "the failure ({}) did not happen again in {} runs, which came to '{}'; the code has changed, or it is a rare race",
            self.failure,
            trials.len(),
            came_to.join("', '")
        ))
    }

    /// Whether a run of the scenario as it was recorded shows the failure.
    fn is_the_failure(&self, trial: &Trial) -> bool {
        self.failure.is_in(trial) || self.failure.is_broken_in(trial)
    }

    /// Leaves out what was never run, and makes sure that it can be told what counts.
    async fn begin(&mut self) {
        self.known.insert(self.best.to_yaml());
        if let (Failure::Step { .. }, Some(end)) = (&self.failure, self.trial.deviation().cloned()) {
            self.guarded = self.holds_without_faults(&self.best.clone(), &self.trial.clone()).await;
            if let Some(shorter) = cut_after(&self.best, &end) {
                self.offer("steps that were never run", vec![shorter]).await;
            }
            return;
        }
        if let Some(end) = self.trial.deviation().cloned() {
            let shorter = cut_after(&self.best, &end).and_then(|shorter| relaxed(&shorter, &end));
            if self.offer("steps that were never run", shorter.into_iter().collect()).await.is_none() {
                self.tolerant = true;
            }
        }
        let quiet = quiet(&self.best);
        self.offer("checks", vec![quiet]).await;
    }

    async fn without_chance(&mut self, seed: Seed) {
        let concrete = without_chance(&self.best, seed, &self.trial.faults);
        self.offer("seed", vec![concrete]).await;
    }

    async fn passes(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let before = self.best.clone();
            for pass in PASSES {
                match pass {
                    Pass::Removal { what, count, without } => self.removal(what, *count, *without).await,
                    Pass::Simplification { what, alternatives } => self.simplification(what, *alternatives).await,
                }
            }
            if self.best == before || self.over.is_some() {
                break;
            }
        }
    }

    /// Takes out everything, halves, quarters and so on down to single items, the last first.
    async fn removal(
        &mut self,
        what: &'static str,
        count: fn(&Scenario) -> usize,
        without: fn(&Scenario, std::ops::Range<usize>) -> Scenario,
    ) {
        let mut size = count(&self.best);
        while size > 0 && self.over.is_none() {
            let mut end = count(&self.best);
            while end > 0 && self.over.is_none() {
                let stretches: Vec<std::ops::Range<usize>> = (0..self.bounds.batch.max(1))
                    .map(|nth| end.saturating_sub((nth + 1) * size)..end.saturating_sub(nth * size))
                    .filter(|stretch| !stretch.is_empty())
                    .collect();
                let candidates = stretches.iter().map(|stretch| without(&self.best, stretch.clone())).collect();
                let taken = self.offer(what, candidates).await.unwrap_or(stretches.len() - 1);
                end = stretches[taken].start.min(count(&self.best));
            }
            size /= 2;
        }
    }

    async fn simplification(&mut self, what: &'static str, alternatives: fn(&Scenario) -> Vec<Scenario>) {
        'again: while self.over.is_none() {
            for candidates in alternatives(&self.best).chunks(self.bounds.batch.max(1)) {
                if self.offer(what, candidates.to_vec()).await.is_some() {
                    continue 'again;
                }
            }
            return;
        }
    }

    /// Runs candidates side by side and takes the first that fails in the same way; says which.
    async fn offer(&mut self, what: &'static str, candidates: Vec<Scenario>) -> Option<usize> {
        let mut batch = Vec::new();
        for (place, candidate) in candidates.iter().enumerate() {
            if let Some(candidate) = self.untried(candidate) {
                batch.push((place, candidate));
            }
        }
        let runs: Vec<Scenario> = batch.iter().flat_map(|(_, candidate)| vec![candidate.clone(); self.tries]).collect();
        if runs.is_empty() {
            return None;
        }
        let trials = self.run(&runs).await?;
        for ((place, candidate), trials) in batch.into_iter().zip(trials.chunks(self.tries)) {
            if let Some((candidate, trial)) = self.judged(candidate, trials.to_vec()).await {
                (self.best, self.trial) = (candidate, trial);
                let size = Size::of(&self.best);
                (self.tell)(&Progress::Smaller { what, size, candidates: self.candidates });
                return Some(place);
            }
        }
        None
    }

    /// The candidate as it can be run, unless it was run before.
    fn untried(&mut self, candidate: &Scenario) -> Option<Scenario> {
        let candidate = settle(candidate)?;
        if !self.guarded && essence(&candidate) != essence(&self.best) {
            return None;
        }
        self.known.insert(candidate.to_yaml()).then_some(candidate)
    }

    /// The candidate, with the expectations given up that its removals made wrong, if it fails in the same way.
    async fn judged(&mut self, mut candidate: Scenario, mut trials: Vec<Trial>) -> Option<(Scenario, Trial)> {
        for _ in 0..RELAXED_MAX {
            for trial in &trials {
                if self.counts(&candidate, trial).await {
                    return Some((candidate, trial.clone()));
                }
            }
            let next = trials.iter().find_map(|trial| self.relaxed(&candidate, trial))?;
            candidate = self.untried(&next)?;
            trials = self.run(&vec![candidate.clone(); self.tries]).await?;
        }
        None
    }

    async fn counts(&mut self, candidate: &Scenario, trial: &Trial) -> bool {
        match self.failure {
            Failure::Invariants(_) => self.failure.is_in(trial) || (self.tolerant && self.failure.is_broken_in(trial)),
            Failure::Step { .. } => {
                self.failure.is_in(trial) && (!self.guarded || self.holds_without_faults(candidate, trial).await)
            }
        }
    }

    /// Whether the step that failed ends as expected in a run without faults.
    async fn holds_without_faults(&mut self, candidate: &Scenario, trial: &Trial) -> bool {
        let Some(end) = trial.deviation() else { return false };
        let Some(control) = control(candidate, end) else { return false };
        let Some(trials) = self.run(&[control]).await else { return false };
        let same_step = |trial: &Trial| trial.ends.iter().any(|other| other.number == end.number && other.as_expected);
        trials.iter().all(same_step)
    }

    fn relaxed(&self, candidate: &Scenario, trial: &Trial) -> Option<Scenario> {
        let end = trial.deviation()?;
        if self.failure.is_broken_in(trial) {
            return cut_after(candidate, end).and_then(|shorter| relaxed(&shorter, end));
        }
        // The step that failed keeps what it expects, or nothing would fail any more.
        if self.failure.is_in(trial) { None } else { relaxed(candidate, end) }
    }

    async fn run(&mut self, batch: &[Scenario]) -> Option<Vec<Trial>> {
        if self.candidates + batch.len() as u64 > self.bounds.candidates_max {
            self.over.get_or_insert(Why::Candidates);
        } else if self.started.elapsed() >= self.bounds.time_max {
            self.over.get_or_insert(Why::Time);
        }
        if self.over.is_some() {
            return None;
        }
        self.candidates += batch.len() as u64;
        let trials = self.bench.run(batch).await;
        if trials.is_none() {
            self.over = Some(Why::Interrupted);
        }
        trials
    }

    /// The result, run a few more times. This is beside the bounds: a result that nobody proved is worth little.
    async fn proved(self, before: Size) -> Shrunk {
        (self.tell)(&Progress::Proving);
        let again = vec![self.best.clone(); RUNS_OF_PROOF];
        let trials = match self.over {
            Some(Why::Interrupted) => Vec::new(),
            _ => self.bench.run(&again).await.unwrap_or_default(),
        };
        let failed = trials.iter().filter(|trial| self.failure.is_in(trial) || self.failure.is_broken_in(trial));
        Shrunk {
            failed: failed.count(),
            runs: trials.len(),
            candidates: self.candidates,
            why: self.over.unwrap_or(Why::Smallest),
            before,
            after: Size::of(&self.best),
            scenario: self.best,
            failure: self.failure,
            trial: self.trial,
        }
    }
}

/// The scenario without anything that it looks for in between.
fn quiet(scenario: &Scenario) -> Scenario {
    let mut scenario = scenario.clone();
    scenario.steps.retain(|step| !matches!(step.action, Action::Check(_)));
    for step in &mut scenario.steps {
        if let Action::Query(query) = &mut step.action {
            query.rows = None;
        }
    }
    scenario
}

/// The steps that change something.
fn essence(scenario: &Scenario) -> Vec<&Step> {
    scenario.steps.iter().filter(|step| !matches!(step.action, Action::Check(_) | Action::Query(_))).collect()
}

#[cfg(test)]
mod tests;
