//! `chaos swarm`: draws universes from swarm files and runs them, one after the other, until there were enough.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::exit::Exit;
use super::flags::{Format, SwarmArgs};
use super::run::{Reports, backends, colored, show_invalid, start_with};
use super::select::select;
use super::shrink::FirstFailed;
use crate::backend::BackendKind;
use crate::event::{Event, Selection, Sink, SwarmReport, Verdict};
use crate::report::SwarmTerminal;
use crate::report::swarm::Counts;
use crate::runner::{CellPlan, Derive, Durations, EndedCell, Followed, plan, runs_elsewhere};
use crate::scenario::Scenario;
#[cfg(test)]
use crate::scenario::model::{Concurrency, Weights};
use crate::scenario::model::{Deed, Kind, StoreTrouble, Swarm, WireTrouble};
use crate::seed::Seed;
use crate::swarm::Universes;

/// Universes of a run that says neither how many nor how long.
const UNIVERSES: u64 = 100;

/// Draws and runs universes.
///
/// # Errors
/// What is wrong with what was typed, or with this machine.
pub fn command(args: &SwarmArgs) -> Result<Exit, String> {
    let selected = select(&args.select)?;
    if !selected.invalid.is_empty() {
        show_invalid(&selected, colored(args.how.color, io::stderr().is_terminal()));
        return Ok(Exit::Usage);
    }
    let files: Vec<Arc<Scenario>> =
        selected.scenarios.into_iter().filter(|scenario| scenario.kind() == Kind::Swarm).collect();
    if files.is_empty() {
        eprintln!("there is no swarm among {} scenario files; a swarm has a part 'swarm'", selected.files);
        return Ok(Exit::Nothing);
    }
    let seed = args.how.seed.unwrap_or_else(Seed::fresh);
    let universes = files.iter().map(|file| Universes::new(file, seed, args.operations).map(Arc::new));
    let universes = universes.collect::<Result<Vec<_>, String>>()?;
    let backends = backends(&args.on);
    let unexplored = Unexplored::of(&files, &backends);
    let drawing = Arc::new(Drawing::new(args, universes, &backends, &unexplored));
    let plans: Vec<CellPlan> = backends.iter().flat_map(|&backend| drawing.first(backend)).collect();
    let selection = Selection {
        paths: args.select.paths.clone(),
        tags: args.select.tag.clone(),
        backends: backends.iter().map(|kind| kind.as_str().to_owned()).collect(),
        scenarios: files.len() as u64,
        ..Selection::default()
    };
    let failed = FirstFailed::new(args.shrink);
    let mut own: Vec<Box<dyn Sink>> = vec![Box::new(failed.clone())];
    if args.how.format == Format::Human {
        own.push(Box::new(SwarmTerminal::new(io::stdout(), unexplored.all())));
    } else {
        eprintln!("root seed {seed}");
    }
    let reports = Reports { progress: false, own };
    let derive: Arc<dyn Derive> = Arc::clone(&drawing) as Arc<dyn Derive>;
    let (result, _) = start_with(plans, selection, &args.how, args.on.require.clone(), seed, Some(derive), reports)?;
    failed.shrink(&result, &args.how);
    let exit = Exit::of(&result);
    if exit == Exit::Held && drawing.fired() == 0 {
        eprintln!("no fault fired in any universe, so the swarm proves nothing; raise the chances of its weather");
        return Ok(Exit::Broken);
    }
    Ok(exit)
}

/// Draws one universe after the other, and counts what they come to.
struct Drawing {
    files: Vec<Arc<Universes>>,
    /// The only number that is drawn, of each file.
    only: Option<u64>,
    /// How many are drawn for each backend; of only one number, one of each file.
    count: u64,
    /// When no more are drawn for a backend.
    until: BTreeMap<BackendKind, Instant>,
    failures_max: u64,
    ahead: u64,
    drawn: Mutex<BTreeMap<BackendKind, Drawn>>,
}

/// What was drawn for one backend, and what became of it.
#[derive(Debug, Default)]
struct Drawn {
    /// The place of the next universe.
    next: u64,
    /// Universes without a verdict.
    open: u64,
    report: SwarmReport,
}

impl Drawing {
    fn new(args: &SwarmArgs, files: Vec<Arc<Universes>>, backends: &[BackendKind], unexplored: &Unexplored) -> Self {
        let now = Instant::now();
        let share = |at: usize, minutes: f64| {
            let seconds = minutes * 60.0 * (at + 1) as f64 / backends.len().max(1) as f64;
            now + Duration::from_secs_f64(seconds)
        };
        let until = args
            .minutes
            .map(|minutes| backends.iter().enumerate().map(|(at, backend)| (*backend, share(at, minutes))).collect());
        let count = match (args.universes, args.minutes) {
            (Some(count), _) => count,
            (None, Some(_)) => u64::MAX,
            (None, None) => UNIVERSES,
        };
        let drawn = backends.iter().map(|&backend| {
            let here = files.iter().filter(|file| runs_elsewhere(file.file(), backend).is_none());
            let report = SwarmReport {
                swarms: here.map(|file| file.file().name.clone()).collect(),
                backend: backend.as_str().to_owned(),
                unexplored: unexplored.on(backend),
                ..SwarmReport::default()
            };
            (backend, Drawn { report, ..Drawn::default() })
        });
        let drawn = Mutex::new(drawn.collect());
        // As many chains as cells can run at once: each ends only where nothing is left to draw.
        let ahead = args.how.jobs.map_or(64, u64::from);
        let until = until.unwrap_or_default();
        Drawing { files, only: args.universe, count, until, failures_max: args.failures, ahead, drawn }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<BackendKind, Drawn>> {
        self.drawn.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// How many faults fired, on all backends.
    fn fired(&self) -> u64 {
        self.lock().values().map(|drawn| drawn.report.all_faults().fired).sum()
    }

    /// The universes that a backend begins with.
    fn first(&self, backend: BackendKind) -> Vec<CellPlan> {
        (0..self.ahead).map_while(|_| self.draw(backend)).flatten().collect()
    }

    fn draw(&self, backend: BackendKind) -> Option<Vec<CellPlan>> {
        let mut drawn = self.lock();
        let late = self.until.get(&backend).is_some_and(|until| Instant::now() >= *until);
        let failures: u64 = drawn.values().map(|drawn| drawn.report.failures()).sum();
        if late || failures >= self.failures_max {
            return None;
        }
        let drawn = drawn.entry(backend).or_default();
        let at = drawn.next;
        let runs_here = |file: &&Arc<Universes>| runs_elsewhere(file.file(), backend).is_none();
        let files: Vec<&Arc<Universes>> = self.files.iter().filter(runs_here).collect();
        let count = files.len() as u64;
        if at >= self.only.map_or(self.count, |_| count) {
            return None;
        }
        let file = files.get(at.checked_rem(count)? as usize)?;
        let universe = file.universe(self.only.unwrap_or(at / count));
        let plans = plan(&[Arc::new(universe)], &[backend], None, &Durations::default());
        drawn.next += 1;
        drawn.open += plans.len() as u64;
        Some(plans)
    }

    /// Counts a universe that has its verdict.
    fn count(&self, ended: &EndedCell<'_>) {
        let mut drawn = self.lock();
        let drawn = drawn.entry(ended.plan.backend).or_default();
        drawn.open = drawn.open.saturating_sub(1);
        ended.events.iter().for_each(|record| drawn.report.take(&record.event));
        drawn.report.take(&Event::CellFinished(ended.finished.clone()));
    }

    /// What there is to tell of a backend on which every universe has its verdict.
    fn over(&self, backend: BackendKind) -> Option<Event> {
        let drawn = self.lock();
        let drawn = drawn.get(&backend).filter(|drawn| drawn.open == 0)?;
        Some(Event::SwarmFinished(drawn.report.clone()))
    }
}

impl Derive for Drawing {
    fn follow(&self, ended: &EndedCell<'_>) -> Followed {
        self.count(ended);
        let goes_on = !matches!(
            ended.finished.verdict,
            Verdict::Skipped { .. } | Verdict::NotApplicable { .. } | Verdict::Infrastructure { .. }
        );
        let backend = ended.plan.backend;
        let cells = if goes_on { self.draw(backend).unwrap_or_default() } else { Vec::new() };
        Followed { cells, news: self.over(backend).into_iter().collect() }
    }
}

/// What no universe can show.
struct Unexplored {
    /// Of these files, wherever they run.
    anywhere: Vec<String>,
    /// On one backend.
    on: Vec<(BackendKind, String)>,
}

impl Unexplored {
    fn of(files: &[Arc<Scenario>], backends: &[BackendKind]) -> Self {
        let on = backends.iter().flat_map(|&backend| {
            let elsewhere = files.iter().filter_map(move |file| Some((&file.name, runs_elsewhere(file, backend)?)));
            elsewhere.map(move |(name, reason)| (backend, format!("{name} on {backend}: not applicable, {reason}")))
        });
        Unexplored { anywhere: unexplored(files), on: on.collect() }
    }

    fn on(&self, backend: BackendKind) -> Vec<String> {
        let here = self.on.iter().filter(|(on, _)| *on == backend).map(|(_, line)| line.clone());
        self.anywhere.iter().cloned().chain(here).collect()
    }

    fn all(&self) -> Vec<String> {
        self.anywhere.iter().chain(self.on.iter().map(|(_, line)| line)).cloned().collect()
    }
}

/// What no universe draws, whatever its file says.
const NEVER_DRAWN: &[&str] = &[
    "read-write opens of one process beside a write of another that is killed then, after which drift may be left that nothing \
     covers (docs/protocol.md)",
    "the creation of a graph, and refreshes, repairs and opens that are held in a window or run beside others in the background",
    "processes that are stopped and continued (SIGSTOP), and tasks that panic",
    "containers of a store that stop, are killed, paused or cut off",
    "uploads in parts: no row is large enough",
    "damage by hand other than a moved HEAD, a HEAD that is moved while a write is pending or between two writes to its table, \
     quarantine, sidecars that are planted",
    "statements with joins, subqueries, aggregates or functions, and expressions of more than one arithmetic operation; queries that \
     read less than a whole type",
    "values on which the rules leave something open: negative zeros other than as items, results that depend on the type of an \
     expression",
    "weather over read-only opens, and faults at calls that no write or recovery of these types makes",
];

/// What no universe of these files can show.
fn unexplored(files: &[Arc<Scenario>]) -> Vec<String> {
    let mut lines: Vec<String> = NEVER_DRAWN.iter().map(|line| (*line).to_owned()).collect();
    let swarms: Vec<&Swarm> = files.iter().flat_map(|file| &file.swarm).collect();
    let mut unless = |is_drawn: bool, line: &str| lines.extend((!is_drawn).then(|| line.to_owned()));
    let is_read = |file: &Arc<Scenario>| file.readers > 0 && file.swarm.iter().any(|swarm| swarm.read_beside > 0.0);
    unless(files.iter().any(is_read), "readers beside the steps");
    unless(swarms.iter().any(|swarm| swarm.read_only > 0.0), "read-only handles");
    unless(
        swarms.iter().any(|swarm| swarm.concurrency.opened > 0.0),
        "read-write opens of one process beside a live write of another",
    );
    unless(swarms.iter().any(|swarm| swarm.concurrency.crowded > 0.0), "more than two writes at a time");
    unless(swarms.iter().any(|swarm| swarm.concurrency.grace > 0.0), "handles that give others grace");
    unless(swarms.iter().any(|swarm| swarm.concurrency.again > 0.0), "writes that are called again under their name");
    unless(
        swarms.iter().any(|swarm| swarm.drift > 0.0 && !swarm.weather.lies()),
        "repairs that have something to publish",
    );
    for deed in Deed::ALL.iter().filter(|deed| swarms.iter().all(|swarm| swarm.weights.of(**deed) == 0)) {
        unless(false, &format!("an operation whose weight is 0: {}", deed.meaning().trim().trim_end_matches('.')));
    }
    let stores = StoreTrouble::ALL
        .iter()
        .map(|trouble| (trouble.name(), swarms.iter().any(|swarm| swarm.weather.store.of(*trouble) > 0.0)));
    let never: Vec<&str> = stores.filter(|(_, is_drawn)| !is_drawn).map(|(name, _)| name).collect();
    unless(never.is_empty(), &format!("stores that answer with {}", never.join(", ")));
    let never = |trouble: &&WireTrouble| swarms.iter().all(|swarm| swarm.weather.wire.of(**trouble) == 0.0);
    for trouble in WireTrouble::ALL.iter().filter(never) {
        unless(false, &format!("a request on the wire: {}", trouble.meaning().trim().trim_end_matches('.')));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(swarm: Swarm, readers: u64) -> Arc<Scenario> {
        let text = include_str!("../../../scenarios/swarm/crashes.yaml");
        let file = crate::scenario::parse("swarm/x", "x.yaml", text.as_bytes()).expect("a swarm");
        Arc::new(Scenario { swarm: Some(swarm), readers, ..file })
    }

    #[test]
    fn what_a_file_turns_off_is_said_not_to_be_explored() {
        let concurrency = Concurrency { opened: 0.5, ..Concurrency::default() };
        let everything = || Swarm { concurrency: concurrency.clone(), ..Swarm::default() };
        let all = unexplored(&[file(everything(), 1)]).join("\n");
        assert!(all.contains("SIGSTOP") && all.contains("panic") && all.contains("uploads in parts"), "{all}");
        for (swarm, readers, said) in [
            (Swarm::default(), 0, "readers beside the steps"),
            (Swarm { read_beside: 0.0, ..Swarm::default() }, 1, "readers beside the steps"),
            (Swarm { read_only: 0.0, ..Swarm::default() }, 1, "read-only handles"),
            (
                Swarm { concurrency: Concurrency { opened: 0.0, ..Concurrency::default() }, ..Swarm::default() },
                1,
                "opens of one process beside a live write",
            ),
            (Swarm { drift: 0.0, ..Swarm::default() }, 1, "repairs that have something to publish"),
            (
                Swarm { weights: Weights { kill: 0, ..Weights::default() }, ..Swarm::default() },
                1,
                "an operation whose weight is 0: Kills a process",
            ),
        ] {
            assert!(!all.contains(said), "{said}: {all}");
            let alone = unexplored(&[file(swarm.clone(), readers)]).join("\n");
            assert!(alone.contains(said), "{said}: {alone}");
            // What one file turns off another one draws.
            let both = unexplored(&[file(swarm, readers), file(everything(), 1)]).join("\n");
            assert!(!both.contains(said), "{said}: {both}");
        }
    }
}
