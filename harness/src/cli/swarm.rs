//! `chaos swarm`: draws universes from swarm files and runs them, one after the other, until there were enough.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::exit::Exit;
use super::flags::{Format, SwarmArgs};
use super::run::{Reports, backends, colored, show_invalid, start_with};
use super::select::select;
use crate::backend::BackendKind;
use crate::event::{Selection, Verdict};
use crate::report::{SwarmReport, SwarmTally};
use crate::runner::{CellPlan, Derive, Durations, EndedCell, Followed, plan, runs_elsewhere};
use crate::scenario::Scenario;
use crate::scenario::model::{Kind, StoreTrouble};
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
    let tally = SwarmTally::default();
    let drawing = Drawing::new(args, universes, &backends, tally.clone());
    let plans: Vec<CellPlan> = backends.iter().flat_map(|&backend| drawing.first(backend)).collect();
    let selection = Selection {
        paths: args.select.paths.clone(),
        tags: args.select.tag.clone(),
        backends: backends.iter().map(|kind| kind.as_str().to_owned()).collect(),
        scenarios: files.len() as u64,
        ..Selection::default()
    };
    let report = SwarmReport::new(io::stdout(), tally.clone(), unexplored(&files, &backends));
    let human = args.how.format == Format::Human;
    let own: Vec<Box<dyn crate::event::Sink>> = if human { vec![Box::new(report)] } else { Vec::new() };
    if !human {
        // Nobody shows the counts, and they still decide.
        eprintln!("root seed {seed}");
    }
    let reports = Reports { progress: false, own };
    let (result, _) =
        start_with(plans, selection, &args.how, args.on.require.clone(), seed, Some(Arc::new(drawing)), reports)?;
    let exit = Exit::of(&result);
    if exit == Exit::Held && human && tally.faults().fired == 0 {
        eprintln!("no fault fired in any universe, so the swarm proves nothing; raise the chances of its weather");
        return Ok(Exit::Broken);
    }
    Ok(exit)
}

/// Draws one universe after the other.
struct Drawing {
    files: Vec<Arc<Universes>>,
    tally: SwarmTally,
    next: Mutex<BTreeMap<BackendKind, u64>>,
    /// The only number that is drawn, of each file.
    only: Option<u64>,
    /// How many are drawn for each backend; of only one number, one of each file.
    count: u64,
    /// When no more are drawn for a backend.
    until: BTreeMap<BackendKind, Instant>,
    failures_max: u64,
    ahead: u64,
}

impl Drawing {
    fn new(args: &SwarmArgs, files: Vec<Arc<Universes>>, backends: &[BackendKind], tally: SwarmTally) -> Self {
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
        // As many chains as cells can run at once: each ends only where nothing is left to draw.
        let ahead = args.how.jobs.map_or(64, u64::from);
        Drawing {
            files,
            tally,
            next: Mutex::default(),
            only: args.universe,
            count,
            until: until.unwrap_or_default(),
            failures_max: args.failures,
            ahead,
        }
    }

    /// The universes that a backend begins with.
    fn first(&self, backend: BackendKind) -> Vec<CellPlan> {
        (0..self.ahead).map_while(|_| self.draw(backend)).flatten().collect()
    }

    fn draw(&self, backend: BackendKind) -> Option<Vec<CellPlan>> {
        let late = self.until.get(&backend).is_some_and(|until| Instant::now() >= *until);
        if late || self.tally.failures() >= self.failures_max {
            return None;
        }
        let mut next = self.next.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let at = next.entry(backend).or_default();
        let runs_here = |file: &&Arc<Universes>| runs_elsewhere(file.file(), backend).is_none();
        let files: Vec<&Arc<Universes>> = self.files.iter().filter(runs_here).collect();
        let count = files.len() as u64;
        if *at >= self.only.map_or(self.count, |_| count) {
            return None;
        }
        let file = files.get(at.checked_rem(count)? as usize)?;
        let universe = file.universe(self.only.unwrap_or(*at / count));
        *at += 1;
        Some(plan(&[Arc::new(universe)], &[backend], None, &Durations::default()))
    }
}

impl Derive for Drawing {
    fn follow(&self, ended: &EndedCell<'_>) -> Followed {
        let goes_on = !matches!(
            ended.finished.verdict,
            Verdict::Skipped { .. } | Verdict::NotApplicable { .. } | Verdict::Infrastructure { .. }
        );
        let cells = if goes_on { self.draw(ended.plan.backend).unwrap_or_default() } else { Vec::new() };
        Followed { cells, ..Followed::default() }
    }
}

/// What no universe of these files can show.
fn unexplored(files: &[Arc<Scenario>], backends: &[BackendKind]) -> Vec<String> {
    let mut lines = vec![
        "read-write opens of one process beside a live write of another, which the engine does not promise \
         (docs/protocol.md)"
            .to_owned(),
        "damage by hand, quarantine, read-only handles, faults at calls that no write or recovery of these types makes"
            .to_owned(),
    ];
    let never = |trouble: &&StoreTrouble| {
        files.iter().flat_map(|file| &file.swarm).all(|swarm| swarm.weather.store.of(**trouble) == 0.0)
    };
    let never: Vec<String> = StoreTrouble::ALL.iter().filter(never).map(|trouble| trouble.name().to_owned()).collect();
    if !never.is_empty() {
        lines.push(format!("stores that answer with {}", never.join(", ")));
    }
    for backend in backends {
        let elsewhere = files.iter().filter_map(|file| Some((&file.name, runs_elsewhere(file, *backend)?)));
        lines.extend(elsewhere.map(|(name, reason)| format!("{name} on {backend}: not applicable, {reason}")));
    }
    lines
}
